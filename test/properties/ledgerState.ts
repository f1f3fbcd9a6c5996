import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import { buildRegistry, type Registry } from "../../protocol/registryTree.ts";
import { EPOCH_BOUND, type Snapshot } from "../../protocol/snapshot.ts";
import { type StatePath, StateTree } from "../../protocol/stateTree.ts";
import { verdictOf } from "../support/rule.ts";
import type { Listing } from "./transitionCases.ts";

/** A state tree that holds these leaves, by leaf index, among a few others. */
export function stateWith(leaves: ReadonlyMap<bigint, bigint>): {
  root: bigint;
  path(leafIndex: bigint): StatePath;
} {
  const tree = new StateTree();
  const nodes = new Map<number, bigint[]>();
  for (const [leafIndex, leaf] of leaves) {
    const node = Number(leafIndex / 16n);
    const held = nodes.get(node) ?? Array.from({ length: 16 }, (_, place) => BigInt(place + 1));
    held[Number(leafIndex % 16n)] = leaf;
    nodes.set(node, held);
  }
  for (const [node, held] of nodes) tree.insertNode(node, held);
  return { root: tree.root, path: (leafIndex) => tree.path(leafIndex) };
}

/** Somebody who is listed for ever, so that an entity that is not has a path to lie with. */
const LISTED_FOR_EVER = { entity: 5n, expiryEpoch: EPOCH_BOUND - 1n };

/** A registry that says of the entity what `listing` says; undefined when it is open. */
export function registryOf(listing: Listing, entity: bigint, { epoch }: Snapshot): Registry | undefined {
  if (listing === "open registry") return undefined;
  if (listing === "not listed") return buildRegistry([LISTED_FOR_EVER]);
  const expiryEpoch = listing === "listed" ? epoch : epoch - 1n;
  return buildRegistry([LISTED_FOR_EVER, { entity, expiryEpoch }]);
}

/** The membership that somebody without one puts forward: his expired listing, or another's. */
export function forgedListing(registry: Registry, entity: bigint): CircuitInput {
  const listed = verdictOf(() => registry.path(entity)) === "accepted";
  const path = registry.path(listed ? entity : LISTED_FOR_EVER.entity);
  return { registryRoot: registry.root, expiryEpoch: path.expiryEpoch, registryLevels: path.levels };
}
