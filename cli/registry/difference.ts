import type { RegistryEntry } from "../../protocol/registryTree.ts";

/** A membership whose last epoch was moved. */
export interface MovedExpiry {
  entity: bigint;
  before: bigint;
  after: bigint;
}

/** What a new list changes. */
export interface RegistryDifference {
  added: RegistryEntry[];
  removed: RegistryEntry[];
  extended: MovedExpiry[];
  shortened: MovedExpiry[];
  /** Whether somebody loses something: such a list must be posted as a removal, which voids the root before it at once. */
  removal: boolean;
}

/** Compares two lists of memberships. */
export function registryDifference(
  before: readonly RegistryEntry[],
  after: readonly RegistryEntry[],
): RegistryDifference {
  const old = new Map(before.map(({ entity, expiryEpoch }) => [entity, expiryEpoch]));
  const now = new Map(after.map(({ entity, expiryEpoch }) => [entity, expiryEpoch]));
  const moved = after.flatMap(({ entity, expiryEpoch }) => {
    const earlier = old.get(entity);
    return earlier === undefined ? [] : [{ entity, before: earlier, after: expiryEpoch }];
  });
  const removed = before.filter(({ entity }) => !now.has(entity));
  const shortened = moved.filter((move) => move.after < move.before);
  return {
    added: after.filter(({ entity }) => !old.has(entity)),
    removed,
    extended: moved.filter((move) => move.after > move.before),
    shortened,
    removal: removed.length + shortened.length > 0,
  };
}
