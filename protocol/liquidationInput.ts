import { ensure } from "./errors.ts";
import { type TakeOver, takeOverShape } from "./liquidation.ts";
import { scanHints } from "./marginHints.ts";
import { commitmentOf } from "./note.ts";
import { openedRowsInput } from "./openedRowsInput.ts";
import { NO_REGISTRY_PATH, OPEN_REGISTRY, type Registry } from "./registryTree.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatePath } from "./stateTree.ts";
import { encryptKeeperChange, encryptTargetChange } from "./takeOverEscrow.ts";
import { tierFor } from "./tier.ts";
import type { PreparedStatement } from "./transitionInput.ts";

/** What a take-over proof needs beside the take-over itself. */
export interface TakeOverWitness {
  /** The keeper's. */
  spendSecret: bigint;
  /** A root that the ledger knows, and both notes' paths under it. */
  state: { root: bigint; targetPath: StatePath; keeperPath: StatePath };
  /** The compliance registry; undefined when it is open. */
  registry?: Registry;
  context: bigint;
}

/** Public signals of `liquidation`, by name, in the circuit's order. Amounts in micro-USDC. */
export interface LiquidationSignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  registryRoot: bigint;
  targetNullifier: bigint;
  targetLeafIndex: bigint;
  targetCommitment: bigint;
  keeperNullifier: bigint;
  keeperCommitment: bigint;
  rate: bigint;
  restoration: bigint;
  deficit: bigint;
  reward: bigint;
  /** 1 when the target meets its maintenance margin afterwards, else 0. */
  cured: bigint;
  fee: bigint;
  /** Four words. */
  targetEscrow: bigint[];
  /** Six words. */
  keeperEscrow: bigint[];
  context: bigint;
}

/**
 * The inputs of the `liquidation` circuit for a computed take-over. Throws `liquidation.membership` when the keeper's listing has
 * expired, `registry.unknown` when there is none, `tier.none` when no tier is large enough.
 */
export function prepareTakeOver(
  takeOver: TakeOver,
  snapshot: Snapshot,
  witness: TakeOverWitness,
): PreparedStatement & { signals: LiquidationSignals } {
  const { target, keeper, request } = takeOver;
  const tier = tierFor(takeOverShape(takeOver));
  const legs = takeOver.legs.slice(0, tier.legs);
  const { input: rows, underlyings } = openedRowsInput(snapshot, legs, tier);
  const listing =
    witness.registry === undefined
      ? { ...NO_REGISTRY_PATH, expiryEpoch: snapshot.epoch }
      : witness.registry.path(keeper.before.entity);
  ensure(
    listing.expiryEpoch >= snapshot.epoch,
    "liquidation.membership",
    `listing of entity ${keeper.before.entity}: expired at epoch ${listing.expiryEpoch}, expected ${snapshot.epoch} or later`,
  );
  const signals: LiquidationSignals = {
    stateRoot: witness.state.root,
    snapshotRoot: snapshot.root,
    registryRoot: witness.registry?.root ?? OPEN_REGISTRY,
    targetNullifier: target.nullifier,
    targetLeafIndex: target.leafIndex,
    targetCommitment: commitmentOf(target.after),
    keeperNullifier: keeper.nullifier,
    keeperCommitment: commitmentOf(keeper.after),
    rate: request.rate,
    restoration: request.restoration,
    deficit: takeOver.deficit,
    reward: takeOver.reward,
    cured: takeOver.cured ? 1n : 0n,
    fee: request.fee,
    targetEscrow: encryptTargetChange(target.before, target.after),
    keeperEscrow: encryptKeeperChange(keeper.before, keeper.after),
    context: witness.context,
  };
  const input = {
    ...signals,
    ownerKey: target.before.ownerKey,
    entity: target.before.entity,
    rho: target.before.rho,
    cash: target.before.cash,
    size: legs.map(({ oldSize }) => oldSize),
    oldFundingIndex: legs.map(({ oldFundingIndex }) => oldFundingIndex),
    targetStateLeaves: witness.state.targetPath.leaves,
    targetStateLevels: witness.state.targetPath.levels,
    spendSecret: witness.spendSecret,
    keeperEntity: keeper.before.entity,
    keeperRho: keeper.before.rho,
    keeperCash: keeper.before.cash,
    keeperLeafIndex: keeper.leafIndex,
    keeperStateLeaves: witness.state.keeperPath.leaves,
    keeperStateLevels: witness.state.keeperPath.levels,
    expiryEpoch: listing.expiryEpoch,
    registryLevels: listing.levels,
    ...rows,
    slice: request.slice,
    taken: legs.map(({ taken }) => taken),
    payment: takeOver.payment,
    scan: scanHints(takeOver.margin, underlyings),
    scanAfter: scanHints(takeOver.marginAfter, underlyings),
    keeperScan: scanHints(takeOver.keeperMargin, underlyings),
  };
  return {
    circuit: `liquidation.${tier.name}`,
    tier,
    input,
    signals,
    publicSignals: Object.values(signals).flat(),
  };
}
