import type { Command } from "commander";
import { Wallet } from "ethers";
import { Misuse, reading } from "../../protocol/errors.ts";
import { MICRO } from "../../protocol/fixedPoint.ts";
import { checkInputs, type MarketInputs } from "../../protocol/marketInputs.ts";
import { checkListable } from "../../protocol/marketListing.ts";
import { attach, type Deployed, deploymentSchema } from "../../services/chain/deployment.ts";
import type { ChainPlace } from "../../services/chain/reading.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { readJson, readText } from "../../services/files.ts";
import type { Log } from "../../services/log.ts";
import { type Running, untilStopped } from "../../services/running.ts";
import { wholeNumber } from "../marketFlags.ts";
import { secretFrom } from "../password.ts";

/** Options of every process of the oracle. */
export interface OracleOptions extends ChainPlace {
  port: string;
  host: string;
  market?: string;
  epochSeconds: string;
}

/** Adds the options of every process of the oracle. */
export function withOracle(command: Command, port: string): Command {
  return command
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 takes a free one", port)
    .option("--epoch-seconds <number>", "seconds of the chain from one epoch to the next", "60")
    .option(
      "--market <file>",
      "what is listed, as `oracle market` writes it: needed before the first snapshot, and later for new listings",
    );
}

/** Where to listen. */
export function listenOf({ host, port }: OracleOptions): { host: string; port: number } {
  return { host, port: wholeNumber(port, "--port") };
}

/** The market to begin with, if one is named; misuse for a file that holds none. */
export function marketOf({ market }: OracleOptions): { market?: MarketInputs } {
  if (market === undefined) return {};
  const text = readText(market, "--market");
  return {
    market: reading(() => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        throw new Misuse("file.json", "--market is not JSON, expected market inputs");
      }
      const inputs = checkInputs(value);
      for (const { name, index } of inputs.underlyings) checkListable(name, index / MICRO);
      return inputs;
    }),
  };
}

/** A key's wallet on a chain. Misuse (`cli.key`) for a key that is none. */
export function walletOf(file: string | undefined, variable: string, deployed: Deployed): Wallet {
  const key = secretFrom(file, "--key-file", variable);
  try {
    return new Wallet(key, deployed.provider);
  } catch {
    throw new Misuse("cli.key", "--key-file does not hold a private key, expected 32 bytes in hexadecimal");
  }
}

/** Connects, starts a service, and runs it until the process is asked to end. */
export async function serve(
  place: ChainPlace,
  log: Log,
  start: (deployed: Deployed) => Promise<Running>,
): Promise<void> {
  const deployment = readJson(place.deployment, "--deployment", deploymentSchema);
  const provider = await connectRpc(place.rpc);
  try {
    const running = await start(await attach(provider, deployment));
    await untilStopped(running, log);
  } finally {
    provider.destroy();
  }
}
