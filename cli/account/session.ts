import { existsSync } from "node:fs";
import type { Command } from "commander";
import { NonceManager, type Signer, Wallet } from "ethers";
import { Misuse, SolvusError } from "../../protocol/errors.ts";
import type { Account } from "../../prover/account.ts";
import { openKeystore } from "../../prover/keystore.ts";
import { createProver, type Prover } from "../../prover/prover.ts";
import { type AccountSecrets, accountSecrets } from "../../prover/secrets.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { accountOf, type ChainPlace, type Reading, scopeOf } from "../../services/chain/reading.ts";
import { wholeNumber } from "../marketFlags.ts";
import type { Output } from "../output.ts";
import { secretFrom } from "../password.ts";

/** Options of every command that acts for an account. */
export interface AccountOptions extends ChainPlace {
  keystore: string;
  passwordFile?: string;
  number?: string;
  keyFile?: string;
  registry?: string;
  wait?: string;
}

export function withChain(command: Command): Command {
  return command
    .option("--rpc <url>", "JSON-RPC endpoint of the chain", "http://127.0.0.1:8545")
    .requiredOption("--deployment <file>", "where the contracts are, as `solvus dev` writes it");
}

export function withKeystore(command: Command): Command {
  return command
    .requiredOption("--keystore <file>", "the institution's encrypted master secret")
    .option("--password-file <file>", "file with the keystore's password (default: SOLVUS_PASSWORD)");
}

export function withAccount(command: Command): Command {
  return withKeystore(withChain(command)).option("--number <n>", "which of the institution's accounts", "1");
}

/** Options of commands that prove and send. */
export function withSender(command: Command): Command {
  return command
    .option("--key-file <file>", "file with the private key that sends (default: SOLVUS_SENDER_KEY)")
    .option("--registry <file>", "the institution's path or the officer's list, unless the registry is open")
    .option("--wait <seconds>", "how long to wait for the account's note to be in the state tree", "120");
}

/** The master secret of the keystore that the options name. */
export async function masterOf({
  keystore,
  passwordFile,
}: Omit<AccountOptions, keyof ChainPlace>): Promise<Uint8Array> {
  if (!existsSync(keystore))
    throw new Misuse(
      "keystore.missing",
      `--keystore is ${JSON.stringify(keystore)} (no such file), expected one made by \`account open\``,
    );
  const password = secretFrom(passwordFile, "--password-file", "SOLVUS_PASSWORD");
  try {
    return await openKeystore(keystore, password);
  } catch (error) {
    // A wrong password is refused; a file that is no keystore is malformed input.
    if (error instanceof SolvusError && error.rule === "keystore.format")
      throw new Misuse(error.rule, error.message);
    throw error;
  }
}

/** The secrets of the account that the options name, on a ledger. */
export async function secretsOf(options: AccountOptions, deployed: Deployed): Promise<AccountSecrets> {
  const number = BigInt(wholeNumber(options.number ?? "1", "--number", 1));
  return accountSecrets(await masterOf(options), number, scopeOf(deployed));
}

const POLL_MS = 2_000;

/** As {@link accountOf}, once the account's note is in the state tree. Throws `account.pending` when that takes too long. */
export async function spendableAccount(
  reading: Reading,
  secrets: AccountSecrets,
  options: AccountOptions,
  output: Output,
): Promise<Account> {
  const patience = wholeNumber(options.wait ?? "120", "--wait") * 1000;
  const start = performance.now();
  let told = false;
  for (;;) {
    const account = await accountOf(reading, secrets);
    if (account.inserted) return account;
    if (performance.now() - start >= patience)
      throw new SolvusError(
        "account.pending",
        `note at place ${account.leafIndex}: waits in the queue, expected it in the state tree within ${patience / 1000} s`,
      );
    if (!told) output.log("The account's last change waits to be written into the state tree.");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Who sends transactions and pays for gas and deposits. Misuse (`cli.key`) for a key that is none. */
export function senderOf(
  { keyFile }: Pick<AccountOptions, "keyFile">,
  { provider }: Pick<Deployed, "provider">,
): Signer {
  const key = secretFrom(keyFile, "--key-file", "SOLVUS_SENDER_KEY");
  let wallet: Wallet;
  try {
    wallet = new Wallet(key, provider);
  } catch {
    throw new Misuse("cli.key", "--key-file does not hold a private key, expected 32 bytes in hexadecimal");
  }
  return new NonceManager(wallet);
}

/** Proves with the keys that the ledger checks with, and ends the prover's threads. */
export async function withProver<T>({ chain }: Deployed, work: (prover: Prover) => Promise<T>): Promise<T> {
  const prover = createProver({ chain });
  try {
    return await work(prover);
  } finally {
    await prover.close();
  }
}
