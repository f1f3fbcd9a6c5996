import { beforeAll, describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { openingWords, prepareInsolvency } from "../../protocol/insolvency.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import type { Circuit } from "../support/circuit.ts";
import { randomFrom } from "../support/random.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  randomMarket,
  randomNote,
  SECOND_PERPETUAL,
  SETTLED_OPTION,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { instance, LEAF_INDEX, treeWith } from "../support/transitionCircuit.ts";

const USD = 1_000_000n;
const snapshot = smallMarket();

/** Ten long perpetuals and a settled option: MM = $105; cash chosen so that the equity is as asked. */
const noteAt = (equity: bigint): Note =>
  noteWith(equity - 1_000n * USD + 10n * 100n, [
    { id: PERPETUAL, size: 10n, fundingIndex: 500_000n - 100n },
    { id: SETTLED_OPTION, size: -1n, fundingIndex: -40n * USD },
  ]);

function prepare(note: Note, market: Snapshot = snapshot, point = 0n) {
  const tree = treeWith(commitmentOf(note));
  return prepareInsolvency(note, LEAF_INDEX, market, { root: tree.root, path: tree.path(LEAF_INDEX) }, point);
}

let circuit: Circuit;
beforeAll(async () => {
  circuit = await instance("insolvency.small");
});

describe("E < MM, exactly", () => {
  test("an account a micro-dollar below its margin is insolvent; at its margin it is not", async () => {
    const below = noteAt(105n * USD - 1n);
    expect(standingOf(below, snapshot)).toMatchObject({ equity: 105n * USD - 1n });
    expect(await circuit.refusedBy(prepare(below).input)).toBeUndefined();
    expect(() => prepare(noteAt(105n * USD))).toThrow(/expected below the maintenance margin/);

    // The healthy account's own numbers, put before the circuit all the same.
    const healthy = noteAt(105n * USD);
    const tree = treeWith(commitmentOf(healthy));
    const { input } = prepare(below);
    const forged = {
      ...input,
      cash: healthy.cash,
      stateRoot: tree.root,
      stateLeaves: tree.path(LEAF_INDEX).leaves,
      stateLevels: tree.path(LEAF_INDEX).levels,
    };
    const value = wordsDigest(openingWords(healthy), 0n);
    expect(await circuit.refusedBy({ ...forged, disclosureValue: value })).toContain("Range");
  });

  test("no choice of signs, concentration or scenario makes a healthy account insolvent", async () => {
    const random = randomFrom(20_210_111);
    let healthy = 0;
    while (healthy < 12) {
      const market = randomMarket(random, 3);
      const note = randomNote(random, market.rows, 5);
      const { equity, margin } = standingOf(note, market.snapshot);
      if (equity < margin.maintenance) continue;
      healthy++;
      // A shadow of the note with less cash is insolvent; its input with the true cash must be refused whatever is claimed.
      const shadow = { ...note, cash: note.cash - (equity - margin.maintenance) - 1n };
      const tree = treeWith(commitmentOf(note));
      const path = tree.path(LEAF_INDEX);
      const { input } = prepare(shadow, market.snapshot);
      const bits = (count: number): bigint[] =>
        Array.from({ length: count }, () => (random.chance(1, 2) ? 1n : 0n));
      const scenario = (): bigint[] => {
        const chosen = Number(random.between(0n, 16n));
        return Array.from({ length: 16 }, (_, s) => (s === chosen ? 1n : 0n));
      };
      const claims: CircuitInput = {
        claimsLong: bits(7),
        claimsConcentrated: bits(7),
        claimedScenario: [scenario(), scenario(), scenario()],
      };
      for (const hints of [{}, claims]) {
        const forged = { ...input, cash: note.cash, ...hints };
        expect(
          await circuit.refusedBy({
            ...forged,
            stateRoot: tree.root,
            stateLeaves: path.leaves,
            stateLevels: path.levels,
          }),
        ).toContain("Range");
      }
    }
  });

  test("two scenarios for one underlying, or claims that are no bits, are refused", async () => {
    const { input } = prepare(noteAt(0n));
    const scenarios = input.claimedScenario as bigint[][];
    const two = Array.from({ length: 16 }, (_, s) => (s < 2 ? 1n : 0n));
    expect(await circuit.refusedBy({ ...input, claimedScenario: scenarios.with(0, two) })).toContain(
      "ScenarioLoss",
    );
    expect(
      await circuit.refusedBy({ ...input, claimsLong: (input.claimsLong as bigint[]).with(0, 2n) }),
    ).toContain("MarginLowerBound");
    expect(
      await circuit.refusedBy({
        ...input,
        claimsConcentrated: (input.claimsConcentrated as bigint[]).with(0, 5n),
      }),
    ).toContain("MarginLowerBound");
  });

  test("one underlying in two groups, which would unhedge an account, is refused", async () => {
    const { input } = prepare(noteAt(0n));
    const places = input.underlyingPlace as bigint[];
    expect(
      await circuit.refusedBy({ ...input, underlyingPlace: places.with(1, places[0] as bigint) }),
    ).toContain("Underlyings");
  });
});

describe("which note", () => {
  const note = noteWith(-500n * USD, [
    { id: PERPETUAL, size: 3n, fundingIndex: 0n },
    { id: OPTION, size: -4n, fundingIndex: 0n },
    { id: SPOT, size: 1n, fundingIndex: 0n },
    { id: SECOND_PERPETUAL, size: -2n, fundingIndex: 9n },
  ]);

  test("the nullifier and the leaf index are the note's: a twin elsewhere is another", async () => {
    const { input } = prepare(note);
    expect(await circuit.refusedAt({ ...input, nullifier: 1n })).toContain("spend.nullifier === nullifier");
    expect(await circuit.refusedBy({ ...input, leafIndex: LEAF_INDEX + 16n })).toContain("StateMembership");
    expect(await circuit.refusedBy({ ...input, leafIndex: LEAF_INDEX + (1n << 28n) })).toContain(
      "StateMembership",
    );
  });

  test("a reveal publishes the note's own words and no others", async () => {
    const point = 123_456_789_123_456_789n;
    const words = openingWords(note);
    expect(words.length).toBe(24);
    const { input, signals } = prepare(note, snapshot, point);
    expect(signals.disclosureValue).toBe(wordsDigest(words, point));
    expect(await circuit.refusedBy(input)).toBeUndefined();
    for (const [place, word] of words.entries()) {
      const other = wordsDigest(words.with(place, (word + 1n) % FIELD_ORDER), point);
      expect(await circuit.refusedAt({ ...input, disclosureValue: other })).toContain(
        "disclosure.digest === disclosureValue",
      );
    }
  });

  test("a flag discloses nothing: point 0 has value 0 for every note", async () => {
    expect(prepare(note).signals).toMatchObject({ disclosurePoint: 0n, disclosureValue: 0n });
    expect(await circuit.refusedAt({ ...prepare(note).input, disclosureValue: 1n })).toContain(
      "disclosureValue",
    );
  });
});

test("random accounts: the circuit proves exactly those that the model calls insolvent", async () => {
  const verdicts = { insolvent: 0, healthy: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomFrom(seed);
    const { snapshot: market, rows } = randomMarket(random, 3);
    const note = randomNote(random, rows, 5);
    const { equity, margin } = standingOf(note, market);
    if (equity >= margin.maintenance) {
      verdicts.healthy++;
      expect(() => prepare(note, market)).toThrow();
      continue;
    }
    verdicts.insolvent++;
    const witness = await circuit.witness(prepare(note, market).input);
    expect(circuit.violations(witness)).toEqual([]);
  }
  expect(Math.min(verdicts.insolvent, verdicts.healthy)).toBeGreaterThan(3);
});
