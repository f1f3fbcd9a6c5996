import { encryptChange } from "./accountEscrow.ts";
import { PACKAGE_LEGS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { lowerBoundHints, scanHints } from "./marginHints.ts";
import { commitmentOf } from "./note.ts";
import { type CircuitInput, openedRowsInput } from "./openedRowsInput.ts";
import { NO_REGISTRY_PATH, OPEN_REGISTRY, type Registry } from "./registryTree.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatePath } from "./stateTree.ts";
import { type Tier, tierFor } from "./tier.ts";
import { tradeTagOf } from "./trade.ts";
import { shapeOf, type Transition } from "./transition.ts";

/** What a transition proof needs beside the transition itself. */
export interface TransitionWitness {
  spendSecret: bigint;
  /** Where the old note is, and a root that the ledger knows. */
  state: { root: bigint; path: StatePath };
  /** The compliance registry; undefined when it is open. */
  registry?: Registry;
  context: bigint;
}

/** A statement ready to prove: the circuit instance, all of its inputs, and the public ones in order. */
export interface PreparedStatement {
  circuit: string;
  tier: Tier;
  input: CircuitInput;
  publicSignals: bigint[];
}

/** Public signals of `transition`, by name. */
export interface TransitionSignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  registryRoot: bigint;
  nullifier: bigint;
  commitment: bigint;
  mode: bigint;
  asset: bigint;
  deposit: bigint;
  withdrawal: bigint;
  fee: bigint;
  tradeTag: bigint;
  side: bigint;
  escrow: [bigint, bigint];
  context: bigint;
}

/** The inputs of the `transition` circuit for a transition that the model accepted. Throws `tier.none` when no tier is large enough. */
export function prepareTransition(
  transition: Transition,
  snapshot: Snapshot,
  witness: TransitionWitness,
): PreparedStatement & { signals: TransitionSignals } {
  const { before, after, request, leafIndex, nullifier } = transition;
  const tier = tierFor(shapeOf(transition));
  const slots = transition.slots.slice(0, tier.legs);
  const { input: rows, underlyings } = openedRowsInput(snapshot, slots, tier);

  // Membership is shown only where the class of the transition requires it.
  const listing =
    witness.registry !== undefined && transition.requiresMembership
      ? witness.registry.path(before.entity)
      : { ...NO_REGISTRY_PATH, expiryEpoch: snapshot.epoch };
  ensure(
    listing.expiryEpoch >= snapshot.epoch,
    "transition.membership",
    `listing of entity ${before.entity}: expired at epoch ${listing.expiryEpoch}, expected ${snapshot.epoch} or later`,
  );
  const trade = request.trade;
  const packageLegs = trade?.package.legs ?? [];
  const signals: TransitionSignals = {
    stateRoot: witness.state.root,
    snapshotRoot: snapshot.root,
    registryRoot: witness.registry?.root ?? OPEN_REGISTRY,
    nullifier,
    commitment: commitmentOf(after),
    mode: request.mode,
    asset: request.asset,
    deposit: request.deposit,
    withdrawal: request.withdrawal,
    fee: request.fee,
    tradeTag: trade === undefined ? 0n : tradeTagOf(trade.package),
    side: BigInt(trade?.side ?? 0),
    escrow: encryptChange(before, after),
    context: witness.context,
  };
  const input: CircuitInput = {
    ...signals,
    spendSecret: witness.spendSecret,
    entity: before.entity,
    rho: before.rho,
    cash: before.cash,
    oldSize: slots.map(({ oldSize }) => oldSize),
    oldFundingIndex: slots.map(({ oldFundingIndex }) => oldFundingIndex),
    leafIndex,
    stateLeaves: witness.state.path.leaves,
    stateLevels: witness.state.path.levels,
    ...rows,
    packageId: Array.from({ length: PACKAGE_LEGS }, (_, j) => packageLegs[j]?.id ?? 0n),
    packageSize: Array.from({ length: PACKAGE_LEGS }, (_, j) => packageLegs[j]?.size ?? 0n),
    packageCash: trade?.package.cash ?? 0n,
    salt: trade?.package.salt ?? 0n,
    expiryEpoch: listing.expiryEpoch,
    registryLevels: listing.levels,
    scan: scanHints(transition.margin, underlyings),
    safe: transition.safe ? 1n : 0n,
    ...lowerBoundHints(
      slots.map(({ oldSize, row, underlying }) => ({ size: oldSize, row, underlying })),
      underlyings,
    ),
  };
  const { escrow, ...scalars } = signals;
  const { context, ...head } = scalars;
  return {
    circuit: `transition.${tier.name}`,
    tier,
    input,
    signals,
    publicSignals: [...Object.values(head), ...escrow, context],
  };
}
