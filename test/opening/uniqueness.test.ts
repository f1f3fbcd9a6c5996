import { expect, test } from "vitest";
import { accountTagOf, type OpenRequest, prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { loadTemplate } from "../support/circuit.ts";

/** circomlib's IsZero leaves the inverse of 0 free; its answer does not depend on it. */
const inverseOfZero = /\.inv$/;

test("the inputs of open determine every signal: no hint is left to the prover", async () => {
  const circuit = await loadTemplate("circuits/open.circom", "Open", [], [], "O1");
  const first: OpenRequest = {
    ...{ spendSecret: 1n, entitySecret: 2n, rho: 3n, number: 1n, stateRoot: 0n, epoch: 4n, context: 5n },
    committeeKey: committeeKeyOf(6n),
  };
  const tree = new StateTree();
  tree.insertNode(
    0,
    Array.from({ length: 16 }, (_, place) => accountTagOf(2n, BigInt(place + 1))),
  );
  const second = { ...first, number: 2n, stateRoot: tree.root, previousTagPath: tree.path(0n) };
  for (const request of [first, second]) {
    const free = await circuit.undetermined({ ...prepareOpen(request).input });
    expect(free.filter((signal) => !inverseOfZero.test(signal))).toEqual([]);
  }
});

test("the inputs of insertion determine every signal", async () => {
  const circuit = await loadTemplate("circuits/insertion.circom", "Insertion", [], [], "O1");
  const input = new StateTree().insertionInput(
    9,
    Array.from({ length: 16 }, (_, place) => BigInt(place)),
  );
  expect(await circuit.undetermined({ ...input })).toEqual([]);
});
