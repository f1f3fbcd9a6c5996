import { DOMAIN, FIELD_ORDER, REGISTRY_ARITY, REGISTRY_LEVELS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { poseidon } from "./poseidon.ts";

/** An institution that the compliance officer lists, a member while `epoch <= expiryEpoch`. */
export interface RegistryEntry {
  entity: bigint;
  expiryEpoch: bigint;
}

/** What shows a listing under a registry's root. */
export interface RegistryPath {
  expiryEpoch: bigint;
  /** [3][16]: the children of each node on the path, the lowest first. */
  levels: bigint[][];
}

/** A committed registry. `path` throws `registry.unknown` for an entity that is not listed. */
export interface Registry {
  root: bigint;
  path(entity: bigint): RegistryPath;
}

/** Entities that a registry has room for: 4,096. */
export const REGISTRY_PLACES = REGISTRY_ARITY ** REGISTRY_LEVELS;
/** Epochs of expiry are below 2^32. */
export const EXPIRY_BOUND = 1n << 32n;
/** The root that stands for the open registry, in which everybody is a member. */
export const OPEN_REGISTRY = 0n;

/** Stands in for a path where the circuits ask for none: an open registry, or a transition that needs no membership. */
export const NO_REGISTRY_PATH: RegistryPath = {
  expiryEpoch: 0n,
  levels: Array.from({ length: REGISTRY_LEVELS }, () => Array.from({ length: REGISTRY_ARITY }, () => 0n)),
};

/** The root that a path leads to from an entity's listing. Throws `registry.path` when a node does not hold the one below. */
export function registryPathRoot(entity: bigint, path: RegistryPath): bigint {
  let node = poseidon(DOMAIN.registryLeaf, [entity, path.expiryEpoch]);
  for (const [level, children] of path.levels.entries()) {
    ensure(
      children.includes(node),
      "registry.path",
      `entity ${entity}: level ${level} of its path does not hold the node below`,
    );
    node = poseidon(DOMAIN.registryNode, children);
  }
  return node;
}

/**
 * Commits to a list of entities in a 16-ary tree of depth 3, each at its place in the list, unused places 0.
 * Throws `registry.*` for too many entries, an entity listed twice or outside the field, and an expiry of 2^32 or more.
 */
export function buildRegistry(entries: readonly RegistryEntry[]): Registry {
  ensure(
    entries.length <= REGISTRY_PLACES,
    "registry.places",
    `registry: got ${entries.length} entities, expected at most ${REGISTRY_PLACES}`,
  );
  const places = new Map<bigint, number>();
  for (const [place, { entity, expiryEpoch }] of entries.entries()) {
    ensure(
      entity > 0n && entity < FIELD_ORDER,
      "registry.entity",
      `entity ${entity}: expected a field element other than 0`,
    );
    ensure(!places.has(entity), "registry.duplicate", `entity ${entity}: listed twice, expected once`);
    ensure(
      expiryEpoch >= 0n && expiryEpoch < EXPIRY_BOUND,
      "registry.expiry",
      `expiry epoch of ${entity}: got ${expiryEpoch}, expected 0 to 2^32 - 1`,
    );
    places.set(entity, place);
  }

  // fillers[level] is what an unused place of that level holds.
  const levels = [
    entries.map(({ entity, expiryEpoch }) => poseidon(DOMAIN.registryLeaf, [entity, expiryEpoch])),
  ];
  const fillers = [0n];
  const children = (level: number, parent: number): bigint[] =>
    Array.from(
      { length: REGISTRY_ARITY },
      (_, place) => levels[level]?.[parent * REGISTRY_ARITY + place] ?? (fillers[level] as bigint),
    );
  for (let level = 0; level < REGISTRY_LEVELS; level++) {
    const parents = Math.max(1, Math.ceil((levels[level] as bigint[]).length / REGISTRY_ARITY));
    fillers.push(poseidon(DOMAIN.registryNode, children(level, parents)));
    levels.push(
      Array.from({ length: parents }, (_, parent) => poseidon(DOMAIN.registryNode, children(level, parent))),
    );
  }

  return {
    root: levels[REGISTRY_LEVELS]?.[0] as bigint,
    path(entity) {
      const place = places.get(entity);
      ensure(
        place !== undefined,
        "registry.unknown",
        `entity ${entity}: not in the registry, expected a listed one`,
      );
      let position = place;
      const path = Array.from({ length: REGISTRY_LEVELS }, (_, level) => {
        position = Math.floor(position / REGISTRY_ARITY);
        return children(level, position);
      });
      return { expiryEpoch: (entries[place] as RegistryEntry).expiryEpoch, levels: path };
    },
  };
}
