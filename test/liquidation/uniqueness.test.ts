import { expect, test } from "vitest";
import { prepareInsolvency } from "../../protocol/insolvency.ts";
import { computeTakeOver } from "../../protocol/liquidation.ts";
import { commitmentOf } from "../../protocol/note.ts";
import { loadInstance } from "../support/circuit.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "../support/liquidationCircuit.ts";
import { noteWith, OPTION, PERPETUAL, SPOT, smallMarket } from "../support/syntheticMarket.ts";
import { LEAF_INDEX, treeWith } from "../support/transitionCircuit.ts";

/* The inputs decide every other wire but circomlib's inverse of 0, which is multiplied by 0. */
const harmless = (signal: string): boolean => /\.inv$/.test(signal);

const snapshot = smallMarket();
const note = noteWith(-98_000_000_000n, [
  { id: PERPETUAL, size: 1_000n, fundingIndex: 400_000n },
  { id: OPTION, size: -5n, fundingIndex: 0n },
  { id: SPOT, size: 4n, fundingIndex: 0n },
]);

test("the inputs of an insolvency proof decide every signal", { timeout: 300_000 }, async () => {
  const circuit = await loadInstance("insolvency.small", "O1");
  const tree = treeWith(commitmentOf(note));
  const { input } = prepareInsolvency(
    note,
    LEAF_INDEX,
    snapshot,
    { root: tree.root, path: tree.path(LEAF_INDEX) },
    12_345n,
  );
  expect((await circuit.undetermined(input)).filter((signal) => !harmless(signal))).toEqual([]);
});

test("the inputs of a take-over decide every signal", { timeout: 300_000 }, async () => {
  const circuit = await loadInstance("liquidation.small", "O1");
  const takeOver = computeTakeOver(
    { note, leafIndex: LEAF_INDEX },
    { note: keeperNote(900_000_000_000n), leafIndex: KEEPER_LEAF_INDEX },
    snapshot,
    request(20_000n, 9_999n, { fee: 5n }),
  );
  const { input } = takeOverInputs(takeOver, snapshot);
  expect((await circuit.undetermined(input)).filter((signal) => !harmless(signal))).toEqual([]);
});
