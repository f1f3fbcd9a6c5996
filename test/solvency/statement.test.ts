import { describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { prepareSolvency, type SolvencyClaim, standingOf } from "../../protocol/solvency.ts";
import { randomFrom } from "../support/random.ts";
import {
  noteWith,
  PERPETUAL,
  randomMarket,
  randomNote,
  SECRETS,
  SETTLED_OPTION,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { CONTEXT, instance, LEAF_INDEX, refusedAt, treeWith } from "../support/transitionCircuit.ts";

const USD = 1_000_000n;
const ONE = 1n << 16n;

function prepare(note: Note, snapshot: Snapshot, claim: Partial<SolvencyClaim> = {}) {
  const tree = treeWith(commitmentOf(note));
  return prepareSolvency(
    note,
    LEAF_INDEX,
    snapshot,
    { ratio: ONE, excess: 0n, context: CONTEXT, ...claim },
    {
      spendSecret: SECRETS.spendSecret,
      state: { root: tree.root, path: tree.path(LEAF_INDEX) },
    },
  );
}
const refusal = (input: CircuitInput) => refusedAt("solvency.small", "circuits/solvency.circom", input);

// Ten perpetuals: MM = $105; equity of $210 is a ratio of exactly 2 and an excess of $105.
const note = noteWith(210n * USD - 1000n * USD + 10n * 100n, [
  { id: PERPETUAL, size: 10n, fundingIndex: 500_000n - 100n },
  { id: SETTLED_OPTION, size: -1n, fundingIndex: -40n * USD },
]);
const snapshot = smallMarket();

describe("claims sit exactly on their edges", () => {
  test("the ratio: 2 is proven, 2 and a 65,536th is refused by ratioSurplus", async () => {
    expect(standingOf(note, snapshot).equity).toBe(210n * USD);
    expect(await refusal(prepare(note, snapshot, { ratio: 2n * ONE }).input)).toBeUndefined();
    expect(() => prepare(note, snapshot, { ratio: 2n * ONE + 1n })).toThrow(/equity/);
    expect(await refusal({ ...prepare(note, snapshot).input, ratio: 2n * ONE + 1n })).toContain(
      "ratioSurplus",
    );
  });

  test("the excess: $105 is proven, a micro-dollar more is refused by excessSurplus", async () => {
    expect(await refusal(prepare(note, snapshot, { excess: 105n * USD }).input)).toBeUndefined();
    expect(() => prepare(note, snapshot, { excess: 105n * USD + 1n })).toThrow(/equity less margin/);
    expect(await refusal({ ...prepare(note, snapshot).input, excess: 105n * USD + 1n })).toContain(
      "excessSurplus",
    );
  });

  test("a ratio or an excess outside its range is refused, -1 in particular", async () => {
    const { input } = prepare(note, snapshot);
    expect(await refusal({ ...input, ratio: FIELD_ORDER - 1n })).toContain("ratioRange");
    expect(await refusal({ ...input, ratio: 1n << 20n })).toContain("ratioRange");
    expect(await refusal({ ...input, excess: FIELD_ORDER - 1n })).toContain("excessRange");
    expect(await refusal({ ...input, excess: 1n << 60n })).toContain("excessRange");
  });
});

describe("a proof is of one's own unspent note", () => {
  test("a friend's note is refused: the entity is the note's", async () => {
    const { input } = prepare(note, snapshot);
    expect(await refusal({ ...input, entity: (input.entity as bigint) + 1n })).toContain("StateMembership");
  });

  test("without the spend secret there is no proof", async () => {
    expect(await refusal({ ...prepare(note, snapshot).input, spendSecret: 1n })).toContain("StateMembership");
  });

  test("nullifier and leaf index are the note's own", async () => {
    const { input } = prepare(note, snapshot);
    expect(await refusal({ ...input, nullifier: 1n })).toContain("spend.nullifier === nullifier");
    expect(await refusal({ ...input, leafIndex: LEAF_INDEX + 16n })).toContain("StateMembership");
  });

  test("hiding a losing leg or softening a loss is refused", async () => {
    const { input } = prepare(note, snapshot);
    expect(await refusal({ ...input, size: (input.size as bigint[]).with(0, 9n) })).toContain(
      "StateMembership",
    );
    expect(await refusal({ ...input, scan: (input.scan as bigint[]).with(0, 0n) })).toContain("ScanRisk");
    expect(await refusal({ ...input, mark: (input.mark as bigint[]).with(0, 200n * USD) })).toMatch(
      /OpenedRows|RiskRowOpening/,
    );
  });

  test("the context is in a constraint, so an auditor's challenge cannot be swapped", async () => {
    const circuit = await instance("solvency.small");
    const witness = await circuit.witness(prepare(note, snapshot).input);
    for (const signal of [
      "context",
      "entity",
      "ratio",
      "excess",
      "leafIndex",
      "snapshotRoot",
      "stateRoot",
      "nullifier",
    ]) {
      const altered = circuit.set(witness, `main.${signal}`, circuit.get(witness, `main.${signal}`) + 99n);
      expect(circuit.violations(altered).length, signal).toBeGreaterThan(0);
    }
  });
});

test("a stress test on an auditor's own rows is the same statement", async () => {
  const stressed = smallMarket({}, { perpetual: { mark: 90n * USD } });
  expect(standingOf(note, stressed).equity).toBe(110n * USD);
  expect(await refusal(prepare(note, stressed).input)).toBeUndefined();
  expect(() => prepare(note, smallMarket({}, { perpetual: { mark: 80n * USD } }))).toThrow(/equity/);
});

test("model and circuit agree on random accounts at E = MM and one micro-dollar below", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = randomFrom(900 + seed);
    const { snapshot: market, rows } = randomMarket(random, 2);
    const held = randomNote(random, rows, 7);
    const { equity, margin } = standingOf(held, market);
    const atMargin = { ...held, cash: held.cash + margin.maintenance - equity };
    expect(await refusal(prepare(atMargin, market).input), `seed ${seed}`).toBeUndefined();
    const below = { ...atMargin, cash: atMargin.cash - 1n };
    expect(() => prepare(below, market)).toThrow(/equity/);
    // Inputs of the note one micro-dollar poorer, which the model will not make: its own tree, the rest as before.
    const tree = treeWith(commitmentOf(below));
    const forged = {
      ...prepare(atMargin, market).input,
      cash: below.cash,
      stateRoot: tree.root,
      stateLeaves: tree.path(LEAF_INDEX).leaves,
      stateLevels: tree.path(LEAF_INDEX).levels,
    };
    expect(await refusal(forged), `seed ${seed}`).toMatch(/ratioSurplus|excessSurplus/);
  }
});

test("spot alone is solvent by its own rows", async () => {
  expect(
    await refusal(prepare(noteWith(0n, [{ id: SPOT, size: 3n, fundingIndex: 0n }]), snapshot).input),
  ).toBeUndefined();
});
