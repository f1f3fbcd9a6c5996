import type { Signer } from "ethers";
import { keccak256 } from "ethers";
import { type PriceList, pricesHash } from "../protocol/pricedInputs.ts";
import { type Observation, type SnapshotHeader, signHeader, signObservations } from "./signing.ts";

/** The arguments of `RiskOracle.post`. */
export type Posting = [
  header: SnapshotHeader,
  inputs: Uint8Array,
  keys: readonly bigint[],
  observations: Observation[],
  signatures: string[],
];

/** A snapshot to be posted. */
export interface PostableSnapshot {
  epoch: bigint;
  /** Unix seconds. */
  time: bigint;
  snapshotRoot: bigint;
  steady: boolean;
  inputs: Uint8Array;
}

/**
 * Has reporters who all see the same prices, traded at the snapshot's time, observe them and sign the snapshot. The aggregate of equal
 * observations is what each of them says, so `list` goes into the header.
 */
export async function makePosting(
  reporters: readonly Signer[],
  chainId: bigint,
  oracle: string,
  { inputs, ...snapshot }: PostableSnapshot,
  list: PriceList,
): Promise<Posting> {
  const { epoch, time } = snapshot;
  const inputsHash = keccak256(inputs);
  const { keys, prices } = list;
  const seen = { prices, tradedAt: keys.map(() => time), restHash: inputsHash };
  const observations = await signObservations(
    reporters,
    chainId,
    oracle,
    { epoch, time, keys },
    reporters.map(() => seen),
  );
  const header = { ...snapshot, pricesHash: pricesHash(list), inputsHash };
  return [header, inputs, keys, observations, await signHeader(reporters, chainId, oracle, header)];
}
