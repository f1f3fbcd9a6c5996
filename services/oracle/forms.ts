import { getBytes, hexlify } from "ethers";
import { z } from "zod";
import type { SnapshotHeader } from "../../contracts/signing.ts";
import type { Proposal, SubmittedObservation } from "./epoch.ts";

/*
 * What reporters and aggregators say to each other, as JSON: integers in decimal text, bytes in hexadecimal.
 */

/** Most prices of an epoch. */
const MOST_PRICES = 256;
/** Most bytes of a reporter's inputs. */
const MOST_BYTES = 262_144;
const MOST_REPORTERS = 64;

const uint64 = z
  .string()
  .regex(/^\d{1,20}$/, "expected a decimal number")
  .transform(BigInt)
  .refine((value) => value < 1n << 64n, "expected less than 2^64");
const field = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/, "expected 32 bytes in hexadecimal");
const signature = z.string().regex(/^0x[0-9a-f]{130}$/, "expected 65 bytes in hexadecimal");
const bytes = z
  .string()
  .max(2 + 2 * MOST_BYTES)
  .regex(/^0x([0-9a-f]{2})*$/, "expected bytes in hexadecimal")
  .transform((text) => getBytes(text));
const vector = z.array(uint64).max(MOST_PRICES);

export const observationForm = z.strictObject({
  prices: vector,
  tradedAt: vector,
  restHash: hash,
  signature,
  rest: bytes,
});

export const headerForm = z.strictObject({
  epoch: uint64,
  time: uint64,
  snapshotRoot: field,
  pricesHash: hash,
  inputsHash: hash,
  steady: z.boolean(),
});

export const proposalForm = z.strictObject({
  header: headerForm,
  inputs: bytes,
  keys: vector,
  observations: z.array(observationForm).max(MOST_REPORTERS),
});

export const signedProposalForm = proposalForm.extend({ signature });

/** What a reporter is asked to observe. */
export const epochForm = z.strictObject({ epoch: uint64, time: uint64, keys: vector });

const decimals = (values: readonly bigint[]): string[] => values.map(String);

export function formatObservation(observation: SubmittedObservation) {
  const { prices, tradedAt, restHash, signature: signed, rest } = observation;
  return {
    prices: decimals(prices),
    tradedAt: decimals(tradedAt),
    restHash,
    signature: signed,
    rest: hexlify(rest),
  };
}

const formatHeader = ({ epoch, time, snapshotRoot, ...others }: SnapshotHeader) => ({
  epoch: String(epoch),
  time: String(time),
  snapshotRoot: String(snapshotRoot),
  ...others,
});

export function formatProposal({ header, inputs, keys, observations }: Proposal) {
  return {
    header: formatHeader(header),
    inputs: hexlify(inputs),
    keys: decimals(keys),
    observations: observations.map(formatObservation),
  };
}
