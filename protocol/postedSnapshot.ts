import { keccak256 } from "ethers";
import { ensure } from "./errors.ts";
import { decodeInputs, encodeInputs } from "./inputsCodec.ts";
import type { MarketInputs } from "./marketInputs.ts";
import { type PriceList, withPrices } from "./pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "./snapshot.ts";
import { verifySnapshotRoot } from "./snapshotFile.ts";

/**
 * A snapshot as the oracle posted it: the root that its quorum signed, and the bytes and aggregated prices from which anybody computes it.
 */
export interface PostedSnapshot extends PriceList {
  epoch: bigint;
  /** Unix seconds of the observations. */
  time: bigint;
  root: bigint;
  steady: boolean;
  /** Keccak-256 of the inputs, 0x… */
  inputsHash: string;
  inputs: Uint8Array;
  /** Block in which it was posted. */
  block: number;
}

/** Snapshots that stay in memory, by the hash of the inputs that they follow from: what acts in one epoch asks for its snapshot several times. */
const KEPT = 4;
const kept = new Map<string, MarketSnapshot>();

/** The snapshot of priced inputs, which have this hash. */
function snapshotOf(priced: MarketInputs, hash: string): MarketSnapshot {
  const snapshot = kept.get(hash) ?? buildSnapshot(priced);
  kept.set(hash, snapshot);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
  return snapshot;
}

/**
 * Recomputes a posted snapshot from its inputs and the prices that the oracle aggregated. Throws `inputs.*` for bytes that are no market
 * inputs or have other underlyings or expiries than the prices, `snapshot.prices` for bytes with other prices, `snapshot.inputsHash`,
 * `snapshot.epoch`, `snapshot.time` and `snapshot.root` for a header that says something else than they do.
 */
export function rebuildSnapshot(posted: PostedSnapshot): MarketSnapshot {
  const hash = keccak256(posted.inputs);
  ensure(
    hash === posted.inputsHash,
    "snapshot.inputsHash",
    `inputs of epoch ${posted.epoch}: hash ${hash}, expected ${posted.inputsHash} as the header says`,
  );
  const inputs = decodeInputs(posted.inputs);
  // The header counts whole seconds, the inputs milliseconds.
  const stated = { epoch: BigInt(inputs.epoch), time: BigInt(Math.floor(inputs.time / 1000)) };
  for (const field of ["epoch", "time"] as const) {
    ensure(
      stated[field] === posted[field],
      `snapshot.${field}`,
      `inputs of epoch ${posted.epoch}: ${field} ${stated[field]}, expected ${posted[field]} as the header says`,
    );
  }
  const priced = withPrices(inputs, posted);
  const same = Buffer.compare(encodeInputs(priced), posted.inputs) === 0;
  ensure(
    same,
    "snapshot.prices",
    `inputs of epoch ${posted.epoch}: an index or forward differs from the oracle's, expected the aggregated prices`,
  );
  const snapshot = snapshotOf(priced, hash);
  verifySnapshotRoot(snapshot, posted.root);
  return snapshot;
}
