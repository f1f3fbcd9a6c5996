import { NOTE_LEGS } from "../../../protocol/constants.ts";
import { ensure } from "../../../protocol/errors.ts";
import { EMPTY_LEG, type Leg } from "../../../protocol/leg.ts";
import { checkNote, commitmentOf, type Note } from "../../../protocol/note.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { fromField } from "../../../protocol/poseidon.ts";
import { type StatePath, statePathRoot } from "../../../protocol/stateTree.ts";
import { ruleOf } from "../../support/rule.ts";
import { element, matrix, vector } from "./reading.ts";

/** Signed sizes of a note's legs by the name of their signal. */
export const sizesOf = (input: CircuitInput, name: string): bigint[] => vector(input, name).map(fromField);

/** The note that a proof opens: the rows' ids with these sizes. An empty leg is empty whatever the row beside it. */
export function noteOf(
  input: CircuitInput,
  sizes: readonly bigint[],
  owner: Pick<Note, "ownerKey" | "entity" | "rho" | "cash">,
): Note {
  const ids = vector(input, "id");
  const indexes = vector(input, "oldFundingIndex").map(fromField);
  const legs = Array.from({ length: NOTE_LEGS }, (_, place): Leg => {
    const size = sizes[place] ?? 0n;
    return size === 0n
      ? EMPTY_LEG
      : { id: ids[place] as bigint, size, fundingIndex: indexes[place] as bigint };
  });
  return { ...owner, cash: fromField(owner.cash), legs };
}

/** Whether no statement of a ledger ever leaves such a note. */
export const isImpossible = (note: Note): boolean => ruleOf(() => checkNote(note)) !== undefined;

/** Roots by the paths to them: most changes leave a path as it is. */
const roots = new Map<string, bigint>();

/** A note's path by the names of its signals, and the root that it leads to. Throws `stateTree.path` where it leads to none. */
export function statePath(
  input: CircuitInput,
  note: Note,
  names: { leafIndex: string; leaves: string; levels: string },
): { root: bigint; path: StatePath } {
  const leafIndex = element(input, names.leafIndex);
  ensure(leafIndex < 1n << 28n, "stateTree.path", "leaf index: not below 2^28");
  const path = { leafIndex, leaves: vector(input, names.leaves), levels: matrix(input, names.levels) };
  const commitment = commitmentOf(note);
  const key = [commitment, leafIndex, ...path.leaves, ...path.levels.flat()].join();
  const root = roots.get(key) ?? statePathRoot(commitment, path);
  roots.set(key, root);
  return { root, path };
}

/** Throws `opening.emptyLeg` when a leg without lots has a funding index. */
export function requireEmptyLegs(input: CircuitInput, sizes: readonly bigint[]): void {
  for (const [place, index] of vector(input, "oldFundingIndex").entries())
    ensure(sizes[place] !== 0n || index === 0n, "opening.emptyLeg", `leg ${place}: an index without lots`);
}
