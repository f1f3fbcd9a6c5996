import { ensure } from "../../../protocol/errors.ts";
import { checkTakeOver, computeTakeOver } from "../../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../../protocol/liquidationInput.ts";
import { scanHints } from "../../../protocol/marginHints.ts";
import { emptyNote, ownerKeyOf } from "../../../protocol/note.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { fromField } from "../../../protocol/poseidon.ts";
import { OPEN_REGISTRY, registryPathRoot } from "../../../protocol/registryTree.ts";
import { isImpossible, noteOf, requireEmptyLegs, sizesOf, statePath } from "./openedNote.ts";
import { openedSnapshot, snapshotRoot } from "./openedSnapshot.ts";
import { element, matrix, type Reading, vector } from "./reading.ts";

/** Reads the inputs of `liquidation`. The public results that the circuit checks by their remainders count as hints. */
export function readTakeOver(input: CircuitInput): Reading {
  const sizes = sizesOf(input, "size");
  const opened = openedSnapshot(input, sizes);
  const { snapshot } = opened;
  const at = (name: string): bigint => element(input, name);
  const target = noteOf(input, sizes, {
    ...{ ownerKey: at("ownerKey"), entity: at("entity"), rho: at("rho"), cash: at("cash") },
  });
  const spendSecret = at("spendSecret");
  const keeper = {
    ...emptyNote(ownerKeyOf(spendSecret), at("keeperEntity"), at("keeperRho")),
    cash: fromField(at("keeperCash")),
  };
  const placed = [
    { note: target, leafIndex: at("targetLeafIndex") },
    { note: keeper, leafIndex: at("keeperLeafIndex") },
  ] as const;
  const request = { slice: at("slice"), rate: at("rate"), restoration: at("restoration"), fee: at("fee") };
  const takeOver = computeTakeOver(...placed, snapshot, request);
  const groups = vector(input, "underlyingPlace").map(Number);
  return {
    impossible: {
      stateRoot: isImpossible(target) || isImpossible(keeper),
      snapshotRoot: opened.impossible,
    },
    hints: {
      taken: takeOver.legs.slice(0, sizes.length).map(({ taken }) => taken),
      payment: takeOver.payment,
      deficit: takeOver.deficit,
      reward: takeOver.reward,
      cured: takeOver.cured ? 1n : 0n,
      scan: scanHints(takeOver.margin, groups),
      scanAfter: scanHints(takeOver.marginAfter, groups),
      keeperScan: scanHints(takeOver.keeperMargin, groups),
    },
    conclude() {
      requireEmptyLegs(input, sizes);
      const known = { ...snapshot, root: snapshotRoot(input, opened) };
      const ofTarget = statePath(input, target, {
        ...{ leafIndex: "targetLeafIndex", leaves: "targetStateLeaves", levels: "targetStateLevels" },
      });
      const ofKeeper = statePath(input, keeper, {
        ...{ leafIndex: "keeperLeafIndex", leaves: "keeperStateLeaves", levels: "keeperStateLevels" },
      });
      ensure(ofTarget.root === ofKeeper.root, "stateTree.path", "two state trees");
      checkTakeOver(takeOver, known);
      const root = at("registryRoot");
      const listing = { expiryEpoch: at("expiryEpoch"), levels: matrix(input, "registryLevels") };
      ensure(
        root === OPEN_REGISTRY || registryPathRoot(keeper.entity, listing) === root,
        "registry.path",
        `entity ${keeper.entity}: not under the registry's root`,
      );
      const { signals } = prepareTakeOver(takeOver, known, {
        spendSecret,
        state: { root: ofTarget.root, targetPath: ofTarget.path, keeperPath: ofKeeper.path },
        registry: root === OPEN_REGISTRY ? undefined : { root, path: () => listing },
        context: at("context"),
      });
      const held = opened.rows.map((row, place) => ({ row, underlying: opened.underlyings[place] }));
      return {
        signals,
        meaning: {
          ...{ placed, request, target: takeOver.target.after, keeper: takeOver.keeper.after },
          rows: held.filter((_, place) => sizes[place] !== 0n),
          parameters: [known.epoch, known.imFactor, known.priceBand, known.debtLimit],
          ...(root === OPEN_REGISTRY ? {} : { expiryEpoch: listing.expiryEpoch }),
        },
      };
    },
  };
}
