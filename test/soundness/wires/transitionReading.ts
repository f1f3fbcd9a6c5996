import { NOTE_LEGS, PACKAGE_LEGS } from "../../../protocol/constants.ts";
import { ensure } from "../../../protocol/errors.ts";
import { EMPTY_LEG } from "../../../protocol/leg.ts";
import { lowerBoundHints, scanHints } from "../../../protocol/marginHints.ts";
import { type Note, ownerKeyOf } from "../../../protocol/note.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { fromField } from "../../../protocol/poseidon.ts";
import { OPEN_REGISTRY, registryPathRoot } from "../../../protocol/registryTree.ts";
import type { Side } from "../../../protocol/trade.ts";
import { checkTransition, computeTransition, type TransitionRequest } from "../../../protocol/transition.ts";
import { prepareTransition } from "../../../protocol/transitionInput.ts";
import { isImpossible, noteOf, requireEmptyLegs, sizesOf, statePath } from "./openedNote.ts";
import { openedSnapshot, snapshotRoot } from "./openedSnapshot.ts";
import { element, matrix, type Reading, vector } from "./reading.ts";

/** A package of all places up to the last one in use; undefined when nothing is traded. */
function tradeOf(input: CircuitInput): TransitionRequest["trade"] {
  const ids = vector(input, "packageId");
  const sizes = sizesOf(input, "packageSize");
  const cash = fromField(element(input, "packageCash"));
  const side = element(input, "side");
  ensure(side <= 1n, "opening.side", `side: ${side}`);
  const used = Array.from({ length: PACKAGE_LEGS }, (_, place) => ids[place] !== 0n || sizes[place] !== 0n);
  const count = used.lastIndexOf(true) + 1;
  if (count === 0 && cash === 0n && side === 0n) return undefined;
  const legs = ids.slice(0, count).map((id, place) => ({ id, size: sizes[place] as bigint }));
  return { package: { legs, cash, salt: element(input, "salt") }, side: Number(side) as Side };
}

/** The note after with each new instrument in the place that the prover names for it; the model takes the first empty ones. */
function placed(after: Note, before: Note, ids: readonly bigint[]): Note {
  const legs = Array.from({ length: NOTE_LEGS }, () => EMPTY_LEG);
  for (const leg of after.legs) {
    if (leg.size === 0n) continue;
    const held = before.legs.findIndex(({ id }) => id === leg.id);
    const place = held >= 0 ? held : ids.indexOf(leg.id);
    ensure(legs[place] === EMPTY_LEG, "opening.place", `instrument ${leg.id}: no place for it`);
    legs[place] = leg;
  }
  return { ...after, legs };
}

/** Reads the inputs of `transition`. */
export function readTransition(input: CircuitInput): Reading {
  const sizes = sizesOf(input, "oldSize");
  const opened = openedSnapshot(input, sizes);
  const { snapshot } = opened;
  const at = (name: string): bigint => element(input, name);
  const before = noteOf(input, sizes, {
    ...{ ownerKey: ownerKeyOf(at("spendSecret")), entity: at("entity"), rho: at("rho"), cash: at("cash") },
  });
  const request: TransitionRequest = {
    ...{ mode: at("mode"), asset: at("asset"), deposit: at("deposit"), withdrawal: at("withdrawal") },
    ...{ fee: at("fee"), trade: tradeOf(input) },
  };
  const leafIndex = at("leafIndex");
  const transition = computeTransition(before, leafIndex, snapshot, request);
  const groups = vector(input, "underlyingPlace").map(Number);
  const { slots } = transition;
  return {
    impossible: { stateRoot: isImpossible(before), snapshotRoot: opened.impossible },
    hints: {
      scan: scanHints(transition.margin, groups),
      safe: transition.safe ? 1n : 0n,
      ...lowerBoundHints(
        slots
          .slice(0, sizes.length)
          .map(({ oldSize, row, underlying }) => ({ size: oldSize, row, underlying })),
        groups,
      ),
    },
    conclude() {
      requireEmptyLegs(input, sizes);
      const known = { ...snapshot, root: snapshotRoot(input, opened) };
      const names = { leafIndex: "leafIndex", leaves: "stateLeaves", levels: "stateLevels" };
      const state = statePath(input, before, names);
      checkTransition(transition, known);
      const root = at("registryRoot");
      const listing = { expiryEpoch: at("expiryEpoch"), levels: matrix(input, "registryLevels") };
      const isAsked = transition.requiresMembership && root !== OPEN_REGISTRY;
      ensure(
        !isAsked || registryPathRoot(before.entity, listing) === root,
        "registry.path",
        `entity ${before.entity}: not under the registry's root`,
      );
      const after = placed(transition.after, before, vector(input, "id"));
      const { signals } = prepareTransition({ ...transition, after }, known, {
        ...{ spendSecret: at("spendSecret"), state, context: at("context") },
        registry: root === OPEN_REGISTRY ? undefined : { root, path: () => listing },
      });
      const rows = slots.filter(({ oldSize, touched }) => oldSize !== 0n || touched !== 0n);
      return {
        signals,
        meaning: {
          ...{ before, after, leafIndex, request },
          rows: rows.map(({ row, underlying }) => ({ row, underlying })),
          parameters: [known.epoch, known.imFactor, known.priceBand, known.debtLimit],
          ...(isAsked ? { expiryEpoch: listing.expiryEpoch } : {}),
        },
      };
    },
  };
}
