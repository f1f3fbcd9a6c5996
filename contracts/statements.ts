import type { TransitionSignals as ProvenSignals } from "../protocol/transitionInput.ts";
import type { Terms } from "./signing.ts";

/** Circuit instances in the order of the contracts' `Circuit` enumeration. */
export const CIRCUITS = [
  "open",
  "transition.small",
  "transition.large",
  "solvency.small",
  "solvency.large",
  "insertion",
] as const;
export type CircuitName = (typeof CIRCUITS)[number];

/** A circuit's value of the contracts' `Circuit` enumeration. */
export function circuitIndex(name: CircuitName): bigint {
  return BigInt(CIRCUITS.indexOf(name));
}

/** Values of the contracts' `Tier` enumeration. */
export const TIER = { small: 0n, large: 1n } as const;

/** Groth16 points as the contracts take them: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y. */
export type ProofWords = readonly bigint[];

/** Public signals of `open` without committee key and context, as `Ledger.open` takes them. */
export interface OpenSignals {
  stateRoot: bigint;
  registryRoot: bigint;
  epoch: bigint;
  commitment: bigint;
  accountTag: bigint;
  /** Five words. */
  escrow: readonly bigint[];
}

/** Public signals of `transition` without the context, as the ledger takes them. */
export type TransitionSignals = Omit<ProvenSignals, "context" | "escrow"> & { escrow: readonly bigint[] };

/** A proven transition as `Ledger.submit` and `Ledger.submitTrade` take it. */
export interface Transition {
  tier: bigint;
  proof: ProofWords;
  signals: TransitionSignals;
  terms: Terms;
  /** The payer's `Deposit` signature, or "0x". */
  payerSignature: string;
}

/** All public signals of `open`, in order. */
export function openInputs(signals: OpenSignals, committeeKey: readonly bigint[], context: bigint): bigint[] {
  const { stateRoot, registryRoot, epoch, commitment, accountTag, escrow } = signals;
  return [stateRoot, registryRoot, epoch, commitment, accountTag, ...escrow, ...committeeKey, context];
}

/** All public signals of `transition`, in order. */
export function transitionInputs(signals: TransitionSignals, context: bigint): bigint[] {
  const { escrow, ...scalars } = signals;
  const order: (keyof typeof scalars)[] = [
    "stateRoot",
    "snapshotRoot",
    "registryRoot",
    "nullifier",
    "commitment",
    "mode",
    "asset",
    "deposit",
    "withdrawal",
    "fee",
    "tradeTag",
    "side",
  ];
  return [...order.map((name) => scalars[name]), ...escrow, context];
}

/** All public signals of `insertion`, in order. */
export function insertionInputs(
  oldRoot: bigint,
  newRoot: bigint,
  nodeIndex: bigint,
  leaves: readonly bigint[],
): bigint[] {
  return [oldRoot, newRoot, nodeIndex, ...leaves];
}
