import type { Command } from "commander";
import type { Relayed } from "../../services/account/relayed.ts";
import { type RelayerClient, relayerClient } from "../../services/relayer/client.ts";
import { usdcAmount } from "../marketFlags.ts";

/** Options of commands that may leave submitting to a relayer. */
export interface RelayerOptions {
  relayer?: string;
  maxFee?: string;
}

/** What a relayer is paid at most unless an owner says otherwise, dollars. */
const MOST_FEE = "1";

export function withMaxFee(command: Command): Command {
  return command.option("--max-fee <usd>", "most USDC that the relayer is paid", MOST_FEE);
}

/** Most that a relayer is paid, micro-USDC. */
export function mostFeeOf({ maxFee = MOST_FEE }: RelayerOptions): bigint {
  return usdcAmount(maxFee, "--max-fee");
}

export function withRelayer(command: Command): Command {
  return withMaxFee(
    command.option(
      "--relayer <url>",
      "leave submitting to this relayer, who is named in the terms and earns the fee it quotes",
    ),
  );
}

/** The client of the relayer that the options name, if they do. */
export function relayerOf({ relayer }: RelayerOptions): RelayerClient | undefined {
  return relayer === undefined ? undefined : relayerClient(relayer);
}

/** What is printed of a submission that is on the chain. */
export function relayedFigures({ id, state, transaction, block }: Relayed): {
  submission: string;
  state: string;
  transaction?: string;
  block?: number;
} {
  return { submission: id, state, transaction, block };
}
