import type { Command } from "commander";
import { Misuse, reading as readingInput } from "../../protocol/errors.ts";
import type { Prover } from "../../prover/prover.ts";
import { accountSecrets } from "../../prover/secrets.ts";
import { followOwnAccount } from "../../services/account/follow.ts";
import { type Reading, scopeOf } from "../../services/chain/reading.ts";
import {
  type Card,
  cardSchema,
  type DeskIdentity,
  deskSeed,
  identityOf,
} from "../../services/desk/identity.ts";
import { postAt } from "../../services/desk/post.ts";
import { openRecord } from "../../services/desk/record.ts";
import type { TakerConfig } from "../../services/desk/taker.ts";
import { readJson } from "../../services/files.ts";
import type { Log } from "../../services/log.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { mostFeeOf, withMaxFee } from "../account/relayer.ts";
import { type AccountOptions, masterOf, withAccount } from "../account/session.ts";
import { wholeNumber } from "../marketFlags.ts";
import { secretFrom } from "../password.ts";

/** Options of commands that deal on the desk. */
export interface DeskOptions extends AccountOptions {
  identity?: string;
  relayer: string;
  record: string;
  maxFee?: string;
}

export const DEFAULT_RELAYER = "http://127.0.0.1:9420";
const IDENTITY = "file with the desk identity's seed (default: it follows from the keystore)";

export function withIdentity(command: Command): Command {
  return command.option("--identity <file>", IDENTITY);
}

export function withDesk(command: Command): Command {
  return withMaxFee(withIdentity(withAccount(command)))
    .option("--relayer <url>", "the relayer whose mailboxes and batches are used", DEFAULT_RELAYER)
    .requiredOption("--record <file>", "the signed record of what is said; made if need be")
    .option("--registry <file>", "the institution's path or the officer's list, unless the registry is open");
}

/** The seed of an identity's file. Misuse (`cli.identity`) when it holds none. */
export function seedOf(file: string): Uint8Array {
  const text = secretFrom(file, "--identity", "SOLVUS_DESK_IDENTITY");
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new Misuse("cli.identity", "--identity does not hold a seed, expected 32 bytes in hexadecimal");
  return Buffer.from(text, "hex");
}

/** The card of a file. */
export function cardFrom(file: string, option: string): Card {
  return readJson(file, option, cardSchema);
}

/** What deals on the desk for the account that the options name. The record is open: close it. */
export async function deskParts(
  options: DeskOptions,
  role: "taker" | "maker",
  reading: Reading,
  prover: Prover,
  log: Log,
): Promise<TakerConfig> {
  const { deployed } = reading;
  const mostFee = mostFeeOf(options);
  const relayer = readingInput(() => relayerClient(options.relayer, { patienceMs: 20_000 }));
  const master = await masterOf(options);
  const number = BigInt(wholeNumber(options.number ?? "1", "--number", 1));
  const seed = options.identity === undefined ? deskSeed(master) : seedOf(options.identity);
  const identity: DeskIdentity = identityOf(seed);
  const { chainId, ledger } = deployed.chain;
  const scope = { chainId, ledger };
  return {
    ...{ reading, prover, relayer, log, identity, scope, mostFee },
    account: followOwnAccount(reading, accountSecrets(master, number, scopeOf(deployed))),
    record: openRecord(options.record, identity, scope, role),
    post: postAt(options.relayer),
    ...(options.registry === undefined ? {} : { registry: options.registry }),
  };
}
