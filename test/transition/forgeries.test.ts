import { describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { SolvusError } from "../../protocol/errors.ts";
import { commitmentOf, spendOf } from "../../protocol/note.ts";
import type { CircuitInput, CircuitValue } from "../../protocol/openedRowsInput.ts";
import { checkPackage, type TradePackage, tradeTagOf } from "../../protocol/trade.ts";
import { computeTransition, type TransitionRequest } from "../../protocol/transition.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  SECOND_PERPETUAL,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { inputsOf, instance, LEAF_INDEX, refusedAt, withRow } from "../support/transitionCircuit.ts";

const USD = 1_000_000n;
const REQUEST: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
const snapshot = smallMarket();
const note = noteWith(9000n * USD, [
  { id: PERPETUAL, size: 10n, fundingIndex: 400_000n },
  { id: SPOT, size: 4n, fundingIndex: 0n },
]);
const PACKAGE: TradePackage = {
  legs: [
    { id: PERPETUAL, size: 2n },
    { id: OPTION, size: -3n },
  ],
  cash: -110n * USD,
  salt: 77n,
};

const inputs = (request: Partial<TransitionRequest> = {}): CircuitInput =>
  inputsOf(computeTransition(note, LEAF_INDEX, snapshot, { ...REQUEST, ...request }), snapshot).input;
const traded = (): CircuitInput => inputs({ trade: { package: PACKAGE, side: 0 } });
const refusal = (input: CircuitInput) => refusedAt("transition.small", "circuits/transition.circom", input);

/** The input with the element at `index` of an array signal changed. */
function withElement(input: CircuitInput, signal: string, index: number, value: CircuitValue): CircuitInput {
  return { ...input, [signal]: (input[signal] as CircuitValue[]).with(index, value) };
}

describe("public signals", () => {
  test("the honest inputs are accepted, with and without a trade", async () => {
    expect(await refusal(inputs())).toBeUndefined();
    expect(await refusal(traded())).toBeUndefined();
  });

  test.each([
    ["stateRoot", "state.root === stateRoot"],
    ["snapshotRoot", "OpenedRows"],
    ["nullifier", "spend.nullifier === nullifier"],
    ["commitment", "newNote.commitment === commitment"],
    ["tradeTag", "trade.tag === tradeTag"],
  ])("another %s is refused", async (signal, constraint) => {
    const input = traded();
    expect(await refusal({ ...input, [signal]: (input[signal] as bigint) + 1n })).toContain(constraint);
  });

  test.each([0, 1])(
    "an altered escrow word %i is refused: the committee reads what happened",
    async (word) => {
      const input = traded();
      expect(
        await refusal(withElement(input, "escrow", word, (input.escrow as bigint[])[word]! + 1n)),
      ).toContain("change.words === escrow");
    },
  );

  test("the context is in a constraint: another one breaks the witness", async () => {
    const circuit = await instance("transition.small");
    const witness = await circuit.witness(inputs());
    expect(circuit.violations(witness)).toEqual([]);
    expect(circuit.violations(circuit.set(witness, "main.context", 1n)).join()).toContain("Transition");
  });

  test("every public signal is in some constraint", async () => {
    const circuit = await instance("transition.small");
    const witness = await circuit.witness(traded());
    for (const signal of [
      "stateRoot",
      "snapshotRoot",
      "registryRoot",
      "nullifier",
      "commitment",
      "mode",
      "asset",
      "deposit",
      "withdrawal",
      "fee",
      "tradeTag",
      "side",
      "escrow[0]",
      "escrow[1]",
      "context",
    ]) {
      const altered = circuit.set(witness, `main.${signal}`, circuit.get(witness, `main.${signal}`) + 12345n);
      expect(circuit.violations(altered).length, signal).toBeGreaterThan(0);
    }
  });
});

describe("the note and its owner", () => {
  test("another spend secret, entity, rho or cash is not the note in the tree", async () => {
    const input = inputs();
    for (const signal of ["spendSecret", "entity", "rho", "cash"]) {
      expect(await refusal({ ...input, [signal]: (input[signal] as bigint) + 1n }), signal).toContain(
        "StateMembership",
      );
    }
  });

  test("a note has one nullifier: another leaf index is not its place, and 2^28 more is no index", async () => {
    const input = inputs();
    expect(await refusal({ ...input, leafIndex: LEAF_INDEX + 1n })).toMatch(/StateMembership|state/);
    expect(await refusal({ ...input, leafIndex: LEAF_INDEX + (1n << 28n) })).toMatch(/StateMembership|state/);
  });

  test("a twin note with the same contents elsewhere has another nullifier, so it cannot burn this one", () => {
    expect(spendOf(note, LEAF_INDEX).nullifier).not.toBe(spendOf(note, LEAF_INDEX + 1n).nullifier);
    expect(spendOf(note, LEAF_INDEX).nextRho).not.toBe(note.rho);
  });

  test("two instruments in one place, or an instrument on an empty leg, change the commitment", () => {
    const other = { ...note, legs: note.legs.with(5, { id: OPTION, size: 0n, fundingIndex: 0n }) };
    expect(commitmentOf(other)).not.toBe(commitmentOf(note));
  });

  test("an empty leg is empty: a funding index on it is refused", async () => {
    expect(await refusal(withElement(inputs(), "oldFundingIndex", 3, 9n))).toContain(
      "oldZero[i].out * oldFundingIndex[i]",
    );
  });
});

describe("rows", () => {
  test.each([
    "mark",
    "fundingIndex",
    "longAddOn",
    "shortAddOn",
    "concentrationThreshold",
    "concentrationRate",
    "id",
  ])("an altered %s is not the row of the snapshot", async (signal) => {
    const input = inputs();
    const value = (input[signal] as bigint[])[0] as bigint;
    expect(await refusal(withElement(input, signal, 0, value + 1n))).toMatch(
      /RiskRowOpening|OpenedRows|state.root/,
    );
  });

  test("altered losses are not the row of the snapshot", async () => {
    const input = inputs();
    const words = (input.words as bigint[][])[0] as bigint[];
    expect(await refusal(withElement(input, "words", 0, words.with(2, (words[2] as bigint) - 1n)))).toMatch(
      /RiskRowOpening|OpenedRows/,
    );
  });

  test("flags unpack in one way: a kind bit of 3 or -1 is refused as not boolean", async () => {
    for (const bits of [
      [3n, 0n],
      [0n, FIELD_ORDER - 1n],
      [2n, 0n],
    ]) {
      expect(await refusal(withElement(inputs(), "kindBits", 0, bits))).toContain("RiskRowOpening");
    }
  });

  test("a leg counts in the group of its underlying and in no other", async () => {
    const input = inputs();
    expect(await refusal(withElement(input, "group", 0, [0n, 1n, 0n]))).toContain("OpenedRows");
    expect(await refusal(withElement(input, "group", 0, [0n, 0n, 0n]))).toContain("OpenedRows");
    expect(await refusal(withElement(input, "group", 0, [1n, 1n, FIELD_ORDER - 1n]))).toContain("OpenedRows");
  });

  test("an underlying's place has one representation: 64 more is refused", async () => {
    const input = inputs();
    expect(await refusal(withElement(input, "underlyingPlace", 2, 66n))).toContain("Underlyings");
  });

  test("another epoch, factor, band or debt limit is not this snapshot's", async () => {
    for (const signal of ["epoch", "imFactor", "priceBand", "debtLimit"]) {
      const input = inputs();
      expect(await refusal({ ...input, [signal]: (input[signal] as bigint) + 1n }), signal).toContain(
        "OpenedRows",
      );
    }
  });
});

describe("packages have one form", () => {
  const refusedPackage = (trade: Partial<TradePackage>): string => {
    try {
      checkPackage({ ...PACKAGE, ...trade });
      return "accepted";
    } catch (error) {
      return (error as SolvusError).rule;
    }
  };

  test("descending or repeated ids are refused: +S and -S of one instrument cannot widen the price band", async () => {
    const input = traded();
    expect(
      await refusal({ ...input, packageId: [OPTION, PERPETUAL, 0n, 0n], packageSize: [-3n, 2n, 0n, 0n] }),
    ).toContain("TradePackage");
    expect(
      await refusal({ ...input, packageId: [PERPETUAL, PERPETUAL, 0n, 0n], packageSize: [5n, -3n, 0n, 0n] }),
    ).toContain("TradePackage");
    expect(
      refusedPackage({
        legs: [
          { id: OPTION, size: 1n },
          { id: PERPETUAL, size: 1n },
        ],
      }),
    ).toBe("trade.order");
    expect(
      refusedPackage({
        legs: [
          { id: PERPETUAL, size: 1n },
          { id: PERPETUAL, size: -1n },
        ],
      }),
    ).toBe("trade.order");
  });

  test("a gap before a used leg, an id on an unused leg, the null instrument are refused", async () => {
    const input = traded();
    expect(
      await refusal({ ...input, packageId: [PERPETUAL, 0n, OPTION, 0n], packageSize: [2n, 0n, -3n, 0n] }),
    ).toContain("TradePackage");
    expect(await refusal({ ...input, packageId: [PERPETUAL, OPTION, 15n, 0n] })).toContain("TradePackage");
    expect(await refusal({ ...input, packageId: [0n, OPTION, 0n, 0n] })).toContain("TradePackage");
    expect(refusedPackage({ legs: [{ id: 0n, size: 1n }] })).toBe("trade.order");
    expect(refusedPackage({ legs: [{ id: 5n, size: 0n }] })).toBe("trade.size");
  });

  test("cash without legs, a side without a trade, a side of 2 are refused", async () => {
    const input = inputs();
    expect(await refusal({ ...input, packageCash: 5n })).toContain("TradePackage");
    expect(await refusal({ ...input, side: 1n })).toContain("TradePackage");
    expect(await refusal({ ...traded(), side: 2n })).toContain("TradePackage");
    expect(refusedPackage({ legs: [] })).toBe("trade.legs");
  });

  test("a trade hidden behind tag 0, or a tag without a trade, is refused", async () => {
    expect(await refusal({ ...traded(), tradeTag: 0n })).toContain("trade.tag === tradeTag");
    expect(await refusal({ ...inputs(), tradeTag: tradeTagOf(PACKAGE) })).toContain("trade.tag === tradeTag");
  });

  test("a package leg lands in exactly one place: none or two are refused", async () => {
    const input = traded();
    // The option was put in place 2: without it there, its leg of the package has no place. The perpetual in place 3 too: two places.
    expect(await refusal(withRow(input, 2, inputs(), 2))).toContain("TradePackage");
    expect(await refusal(withRow(input, 3, input, 0))).toContain("TradePackage");
  });

  test("both sides of a package sum to zero in every leg and in cash", () => {
    const counterparty = noteWith(9000n * USD);
    const mine = computeTransition(note, LEAF_INDEX, snapshot, {
      ...REQUEST,
      trade: { package: PACKAGE, side: 0 },
    });
    const theirs = computeTransition(counterparty, LEAF_INDEX, snapshot, {
      ...REQUEST,
      trade: { package: PACKAGE, side: 1 },
    });
    for (const { id } of PACKAGE.legs) {
      const sum = [mine, theirs]
        .flatMap(({ slots }) => slots)
        .reduce((total, slot) => total + (slot.id === id ? slot.traded : 0n), 0n);
      expect(sum).toBe(0n);
    }
    const funding = 10n * 100_000n;
    expect(mine.after.cash - note.cash + funding + (theirs.after.cash - counterparty.cash)).toBe(0n);
  });
});

describe("hints", () => {
  test("a scan risk one too low or one too high is refused: it has one valid value", async () => {
    const input = inputs();
    const scan = (input.scan as bigint[])[0] as bigint;
    expect(scan).toBeGreaterThan(0n);
    expect(await refusal(withElement(input, "scan", 0, scan - 1n))).toContain("Margin > ScanRisk");
    expect(await refusal(withElement(input, "scan", 0, scan + 1n))).toContain("Margin > ScanRisk");
    expect(await refusal(withElement(input, "scan", 2, 1n))).toContain("Margin > ScanRisk");
  });

  test("claims of the lower bound must be boolean, and at most one scenario is claimed", async () => {
    const input = inputs();
    expect(await refusal(withElement(input, "claimsLong", 0, 2n))).toContain("MarginLowerBound");
    expect(await refusal(withElement(input, "claimsConcentrated", 0, 5n))).toContain("MarginLowerBound");
    expect(
      await refusal(
        withElement(
          input,
          "claimedScenario",
          0,
          Array.from({ length: 16 }, () => 1n),
        ),
      ),
    ).toContain("ScenarioLoss");
    expect(
      await refusal(
        withElement(
          input,
          "claimedScenario",
          0,
          Array.from({ length: 16 }, (_, s) => (s === 3 ? 4n : 0n)),
        ),
      ),
    ).toContain("ScenarioLoss");
  });

  test("wrong claims only lower the bound: no witness of them raises it above the margin", async () => {
    const circuit = await instance("transition.small");
    const honest = circuit.get(await circuit.witness(inputs()), "main.before.bound");
    const margin = computeTransition(note, LEAF_INDEX, snapshot, REQUEST).margin.maintenance;
    expect(honest).toBe(margin);
    for (const [signal, value] of [
      ["claimsLong", 0n],
      ["claimsConcentrated", 1n],
    ] as const) {
      const bound = circuit.get(
        await circuit.witness(withElement(inputs(), signal, 0, value)),
        "main.before.bound",
      );
      expect(bound > FIELD_ORDER / 2n ? bound - FIELD_ORDER : bound).toBeLessThan(margin);
    }
  });

  test("a second underlying does not lend its scan risk", async () => {
    const both = noteWith(9000n * USD, [
      { id: PERPETUAL, size: 10n, fundingIndex: 500_000n },
      { id: SECOND_PERPETUAL, size: -7n, fundingIndex: 0n },
    ]);
    const { input } = inputsOf(computeTransition(both, LEAF_INDEX, snapshot, REQUEST), snapshot);
    const [a, b, c] = input.scan as [bigint, bigint, bigint];
    expect(await refusal({ ...input, scan: [b, a, c] })).toContain("ScanRisk");
  });
});
