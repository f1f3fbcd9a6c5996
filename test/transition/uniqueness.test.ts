import { expect, test } from "vitest";
import { commitmentOf } from "../../protocol/note.ts";
import { prepareSolvency } from "../../protocol/solvency.ts";
import { computeTransition } from "../../protocol/transition.ts";
import { loadInstance } from "../support/circuit.ts";
import { noteWith, OPTION, PERPETUAL, SECRETS, SPOT, smallMarket } from "../support/syntheticMarket.ts";
import { CONTEXT, inputsOf, LEAF_INDEX, treeWith } from "../support/transitionCircuit.ts";

/*
 * The inputs decide every other wire, so a prover has no freedom inside the circuit beyond what an input is. The one exception is
 * circomlib's IsZero at 0, whose inverse may be anything and is multiplied by 0.
 */
const harmless = (signal: string): boolean => /\.inv$/.test(signal);

const snapshot = smallMarket();
const note = noteWith(9_000_000_000n, [
  { id: PERPETUAL, size: 10n, fundingIndex: 400_000n },
  { id: SPOT, size: 4n, fundingIndex: 0n },
]);

test("the inputs of a transition decide every signal", { timeout: 300_000 }, async () => {
  const circuit = await loadInstance("transition.small", "O1");
  const trade = {
    package: {
      legs: [
        { id: PERPETUAL, size: -2n },
        { id: OPTION, size: 3n },
      ],
      cash: 110_000_000n,
      salt: 77n,
    },
    side: 0 as const,
  };
  const request = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 3n, trade };
  const { input } = inputsOf(computeTransition(note, LEAF_INDEX, snapshot, request), snapshot);
  expect((await circuit.undetermined(input)).filter((signal) => !harmless(signal))).toEqual([]);
});

test("the inputs of a solvency proof decide every signal", { timeout: 300_000 }, async () => {
  const circuit = await loadInstance("solvency.small", "O1");
  const tree = treeWith(commitmentOf(note));
  const { input } = prepareSolvency(
    note,
    LEAF_INDEX,
    snapshot,
    { ratio: 1n << 16n, excess: 0n, context: CONTEXT },
    { spendSecret: SECRETS.spendSecret, state: { root: tree.root, path: tree.path(LEAF_INDEX) } },
  );
  expect((await circuit.undetermined(input)).filter((signal) => !harmless(signal))).toEqual([]);
});
