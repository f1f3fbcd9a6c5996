import { RESTORATION, type TakeOver, type TakeOverRequest } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { commitmentOf, entityOf, type Note, ownerKeyOf } from "../../protocol/note.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { noteWith } from "./syntheticMarket.ts";
import { CONTEXT, LEAF_INDEX } from "./transitionCircuit.ts";

export const KEEPER_SECRETS = { spendSecret: 31337n, entitySecret: 73313n };
export const KEEPER_LEAF_INDEX = LEAF_INDEX + 5n;

/** The keeper's note: cash and no legs. */
export function keeperNote(cash: bigint): Note {
  return {
    ...noteWith(cash),
    ownerKey: ownerKeyOf(KEEPER_SECRETS.spendSecret),
    entity: entityOf(KEEPER_SECRETS.entitySecret),
    rho: 4711n,
  };
}

/** A state tree that holds the target at {@link LEAF_INDEX} and the keeper at {@link KEEPER_LEAF_INDEX}. */
export function treeWithBoth(target: Note, keeper: Note): StateTree {
  const tree = new StateTree();
  const leaves = Array.from({ length: 16 }, (_, place) => BigInt(place + 1));
  leaves[Number(LEAF_INDEX % 16n)] = commitmentOf(target);
  leaves[Number(KEEPER_LEAF_INDEX % 16n)] = commitmentOf(keeper);
  tree.insertNode(Number(LEAF_INDEX / 16n), leaves);
  return tree;
}

/** Inputs of the liquidation circuit for a computed take-over, checked by the model or not. */
export function takeOverInputs(takeOver: TakeOver, snapshot: Snapshot, registry?: Registry) {
  const tree = treeWithBoth(takeOver.target.before, takeOver.keeper.before);
  return prepareTakeOver(takeOver, snapshot, {
    spendSecret: KEEPER_SECRETS.spendSecret,
    state: {
      root: tree.root,
      targetPath: tree.path(LEAF_INDEX),
      keeperPath: tree.path(KEEPER_LEAF_INDEX),
    },
    registry,
    context: CONTEXT,
  });
}

/** A request for a slice at a rate, with the default restoration and no fee. */
export function request(
  slice: bigint,
  rate = 6553n,
  changes: Partial<TakeOverRequest> = {},
): TakeOverRequest {
  return { slice, rate, restoration: RESTORATION, fee: 0n, ...changes };
}
