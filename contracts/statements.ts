import { insertionPoint } from "../protocol/stateTree.ts";
import type { TransitionSignals as ProvenSignals } from "../protocol/transitionInput.ts";
import { wordsDigest } from "../protocol/wordsDigest.ts";
import type { Terms } from "./signing.ts";

/** Circuit instances in the order of the contracts' `Circuit` enumeration. */
export const CIRCUITS = [
  "open",
  "transition.small",
  "transition.large",
  "solvency.small",
  "solvency.large",
  "insolvency.small",
  "insolvency.large",
  "liquidation.small",
  "liquidation.large",
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

/** A proven opening as `Ledger.open` and `Ledger.submitBatch` take it; payer and recipient in its terms are nobody. */
export interface Opening {
  proof: ProofWords;
  signals: OpenSignals;
  terms: Terms;
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

/** Public signals of `solvency`, both tiers. */
export interface SolvencySignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  nullifier: bigint;
  leafIndex: bigint;
  /** Q16: E >= ratio·MM. */
  ratio: bigint;
  /** Micro-USDC: E − MM >= excess. */
  excess: bigint;
  entity: bigint;
  context: bigint;
}

/** Public signals of `insolvency`, both tiers. */
export interface InsolvencySignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  nullifier: bigint;
  leafIndex: bigint;
  /** Where the polynomial of the note's opening is evaluated; 0 discloses nothing. */
  disclosurePoint: bigint;
  /** Its value there. */
  disclosureValue: bigint;
}

/** Public signals of `liquidation` without restoration and context, as `Ledger.takeOver` takes them. */
export interface TakeOverSignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  registryRoot: bigint;
  targetNullifier: bigint;
  targetLeafIndex: bigint;
  targetCommitment: bigint;
  keeperNullifier: bigint;
  keeperCommitment: bigint;
  /** The auction rate k, Q16. */
  rate: bigint;
  /** Micro-USDC that the fund pays to the target. */
  deficit: bigint;
  /** Micro-USDC that the fund pays to the keeper. */
  reward: bigint;
  /** 1 if the target meets its maintenance margin afterwards, else 0. */
  cured: bigint;
  /** Micro-USDC, out of the keeper's cash. */
  fee: bigint;
  /** Four words. */
  targetEscrow: readonly bigint[];
  /** Six words. */
  keeperEscrow: readonly bigint[];
}

/** A proven take-over as `Ledger.takeOver` takes it. */
export interface TakeOver {
  tier: bigint;
  proof: ProofWords;
  signals: TakeOverSignals;
  terms: Terms;
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

/** All public signals of `solvency`, in order. */
export function solvencyInputs(signals: SolvencySignals): bigint[] {
  const { stateRoot, snapshotRoot, nullifier, leafIndex, ratio, excess, entity, context } = signals;
  return [stateRoot, snapshotRoot, nullifier, leafIndex, ratio, excess, entity, context];
}

/** All public signals of `insolvency`, in order. */
export function insolvencyInputs(signals: InsolvencySignals): bigint[] {
  const { stateRoot, snapshotRoot, nullifier, leafIndex, disclosurePoint, disclosureValue } = signals;
  return [stateRoot, snapshotRoot, nullifier, leafIndex, disclosurePoint, disclosureValue];
}

/** All public signals of `liquidation`, in order; `restoration` is the auction's parameter b, Q16. */
export function liquidationInputs(signals: TakeOverSignals, restoration: bigint, context: bigint): bigint[] {
  const { targetEscrow, keeperEscrow, ...scalars } = signals;
  const order: (keyof typeof scalars)[] = [
    "stateRoot",
    "snapshotRoot",
    "registryRoot",
    "targetNullifier",
    "targetLeafIndex",
    "targetCommitment",
    "keeperNullifier",
    "keeperCommitment",
    "rate",
    "deficit",
    "reward",
    "cured",
    "fee",
  ];
  const words = order.map((name) => scalars[name]);
  return [...words.toSpliced(9, 0, restoration), ...targetEscrow, ...keeperEscrow, context];
}

/** All public signals of `insertion`, in order: the point is derived from the leaves and both roots as the ledger derives it. */
export function insertionInputs(
  oldRoot: bigint,
  newRoot: bigint,
  nodeIndex: bigint,
  leaves: readonly bigint[],
): bigint[] {
  const point = insertionPoint(oldRoot, newRoot, nodeIndex, leaves);
  return [oldRoot, newRoot, nodeIndex, point, wordsDigest(leaves, point)];
}
