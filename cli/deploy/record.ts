import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";
import { SolvusError } from "../../protocol/errors.ts";
import { readJson, requireWritable } from "../../services/files.ts";
import { address, configurationSchema } from "./configuration.ts";

const require = createRequire(import.meta.url);
const writeAtomic: { sync(file: string, text: string): void } = require("write-file-atomic");

const hash = z.string().regex(/^0x[0-9a-f]{64}$/, "expected 32 bytes in hexadecimal");

/** One transaction of a deployment. It is written down before it is sent, signed, so that a resumed run can only send the same again. */
const stepSchema = z.strictObject({
  /** `ledger`, `key.open`, `fund.bind`, … */
  name: z.string(),
  /** Compiled contract that was created or called; "data" for a data contract. */
  contract: z.string(),
  /** Function that was called; absent when the contract was created. */
  method: z.string().optional(),
  /** Address that was created or called. */
  address,
  /** Keccak-256 of the transaction's data: creation code and arguments, or call. */
  dataHash: hash,
  nonce: z.int().min(0),
  transaction: hash,
  /** The signed transaction, until it is known to be mined. */
  signed: z.string().optional(),
  block: z.int().min(0).optional(),
  gasUsed: z.int().min(0).optional(),
  /** Keccak-256 of the code that was created. */
  codeHash: hash.optional(),
});

/** What a deployment has done so far, and what it is to do. Nothing in it is secret. */
export const recordSchema = z.strictObject({
  format: z.literal("solvus-deployment-record"),
  version: z.literal(1),
  chainId: z.int().min(1),
  deployer: address,
  /** Block from which on the contracts have events. */
  fromBlock: z.int().min(0),
  configuration: configurationSchema,
  /** Hash of each circuit's verifying key, in the order of the verifier's circuits. */
  keys: z.array(z.strictObject({ circuit: z.string(), hash })),
  steps: z.array(stepSchema),
  /** Whether every step is done. */
  complete: z.boolean(),
  /** Created contracts by the names of their steps, for people. */
  addresses: z.record(z.string(), address),
});

export type Step = z.infer<typeof stepSchema>;
export type DeploymentRecord = z.infer<typeof recordSchema>;

/** The record of a file; undefined when there is none. Misuse (`file.*`) for a file that is none. */
export function readRecord(file: string): DeploymentRecord | undefined {
  return existsSync(file) ? readJson(file, "--record", recordSchema) : undefined;
}

/** Writes a record whole or not at all, durably. Misuse (`file.write`). */
export function writeRecord(file: string, record: DeploymentRecord): void {
  requireWritable(file, "--record");
  const created = record.steps.filter(
    ({ method, codeHash }) => method === undefined && codeHash !== undefined,
  );
  const addresses = Object.fromEntries(created.map(({ name, address: at }) => [name, at]));
  writeAtomic.sync(file, `${JSON.stringify({ ...record, addresses }, null, 2)}\n`);
}

/** The step of a name that is done. Throws `deploy.unfinished`. */
export function doneStep({ steps }: DeploymentRecord, name: string): Step {
  const step = steps.find((candidate) => candidate.name === name);
  if (step?.block === undefined)
    throw new SolvusError("deploy.unfinished", `step ${name} is not done, expected a finished deployment`);
  return step;
}
