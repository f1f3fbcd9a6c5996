import type { Command } from "commander";
import type { Relayed } from "../../services/account/relayed.ts";
import { type RelayerClient, relayerClient } from "../../services/relayer/client.ts";

/** Options of commands that may leave submitting to a relayer. */
export interface RelayerOptions {
  relayer?: string;
}

export function withRelayer(command: Command): Command {
  return command.option(
    "--relayer <url>",
    "leave submitting to this relayer, who is named in the terms and earns the fee it quotes",
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
