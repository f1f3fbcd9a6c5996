import { describe, expect, test } from "vitest";
import { FIELD_ORDER, SIZE_BOUND } from "../../protocol/constants.ts";
import { addOnOf, scanRisk } from "../../protocol/margin.ts";
import { lossWords, NULL_ROW } from "../../protocol/riskRow.ts";
import { loadTemplate } from "../support/circuit.ts";
import { randomFrom } from "../support/random.ts";

const LOSS_BOUND = (1n << 40n) - 1n;
const wordsOf = (losses: readonly bigint[]): bigint[] => lossWords({ ...NULL_ROW, losses: [...losses] });
const filled = (value: bigint): bigint[] => Array.from({ length: 16 }, () => value);

describe("ScanRisk", () => {
  const scan = loadTemplate("circuits/lib/scanRisk.circom", "ScanRisk", [], ["sums", "scan"]);

  test("is the largest loss, at least 0, on random sums and at the bounds", async () => {
    const random = randomFrom(11);
    const bound = (1n << 81n) - 1n;
    const cases = [
      filled(0n),
      filled(-1n),
      filled(-bound),
      filled(bound),
      filled(0n).with(15, 1n),
      filled(-bound).with(0, bound),
    ];
    for (let k = 0; k < 12; k++) cases.push(Array.from({ length: 16 }, () => random.between(-bound, bound)));
    for (const losses of cases) {
      const worst = scanRisk([{ size: 1n, row: { ...NULL_ROW, losses }, underlying: 0 }]);
      const inputs = { sums: wordsOf(losses), scan: worst };
      expect(await (await scan).refusedBy(inputs), `${losses}`).toBeUndefined();
      expect(await (await scan).refusedBy({ ...inputs, scan: worst + 1n })).toContain("ScanRisk");
      expect(await (await scan).refusedBy({ ...inputs, scan: worst - 1n })).toContain("ScanRisk");
    }
  });

  test("a borrow between digits forges no smaller maximum: the digit of 84 bits that it takes is refused by its range", async () => {
    // Losses 0, 1, -5: claiming 0 makes the middle difference -1, which borrows 2^84 from the third digit and leaves 2^84 - 1.
    const losses = filled(0n).with(1, 1n).with(2, -5n);
    expect(await (await scan).refusedBy({ sums: wordsOf(losses), scan: 0n })).toContain("ScanRisk > Range");
    expect(await (await scan).refusedBy({ sums: wordsOf(losses), scan: 1n })).toBeUndefined();
  });

  test("a scan of p - 1 is refused by its range", async () => {
    expect(await (await scan).refusedBy({ sums: wordsOf(filled(0n)), scan: FIELD_ORDER - 1n })).toContain(
      "Range",
    );
  });
});

describe("GroupSums with ScanRisk", () => {
  const sums = loadTemplate(
    "circuits/lib/groupSums.circom",
    "GroupSums",
    [18, 2],
    ["size", "group", "words"],
  );
  const scan = loadTemplate("circuits/lib/scanRisk.circom", "ScanRisk", [], ["sums", "scan"]);

  test("all legs full at the bounds of size and loss, in every sign, agree with the model", async () => {
    const random = randomFrom(5);
    for (const pattern of ["same", "opposite", "random"]) {
      const legs = Array.from({ length: 18 }, (_, i) => {
        const flip = pattern === "opposite" ? i % 2 === 0 : pattern === "random" && random.chance(1, 2);
        return {
          size: flip ? SIZE_BOUND - 1n : -SIZE_BOUND,
          losses: Array.from({ length: 16 }, () =>
            pattern === "random" && random.chance(1, 2) ? LOSS_BOUND : -LOSS_BOUND,
          ),
        };
      });
      const witness = await (await sums).witness({
        size: legs.map(({ size }) => size),
        group: legs.map(() => [1n, 0n]),
        words: legs.map(({ losses }) => wordsOf(losses)),
      });
      const words = Array.from({ length: 6 }, (_, k) => k).map(async (k) =>
        (await sums).get(witness, `main.sums[0][${k}]`),
      );
      const worst = scanRisk(
        legs.map(({ size, losses }) => ({ size, row: { ...NULL_ROW, losses }, underlying: 0 })),
      );
      expect(
        await (await scan).refusedBy({ sums: await Promise.all(words), scan: worst }),
        pattern,
      ).toBeUndefined();
    }
  });
});

describe("ScenarioLoss", () => {
  const loss = loadTemplate("circuits/lib/scenarioLoss.circom", "ScenarioLoss", [], ["sums", "scenario"]);

  test("reads each scenario, negative ones too, and 0 when none is claimed", async () => {
    const random = randomFrom(3);
    const bound = (1n << 81n) - 1n;
    const losses = Array.from({ length: 16 }, () => random.between(-bound, bound));
    for (let s = 0; s <= 16; s++) {
      const scenario = Array.from({ length: 16 }, (_, k) => (k === s ? 1n : 0n));
      const witness = await (await loss).witness({ sums: wordsOf(losses), scenario });
      expect((await loss).get(witness, "main.loss")).toBe(
        (((losses[s] ?? 0n) % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER,
      );
    }
  });

  test("a digit cannot be read with a borrow from its neighbour", async () => {
    const circuit = await loss;
    const witness = await circuit.witness({ sums: wordsOf(filled(5n)), scenario: filled(0n).with(0, 1n) });
    const shift = 1n << 81n;
    let forged = circuit.set(witness, "main.digit[0]", shift + 5n + (1n << 84n));
    forged = circuit.set(forged, "main.digit[1]", shift + 4n);
    expect(circuit.violations(forged).join()).toContain("Range");
  });
});

describe("AddOn", () => {
  const addOn = loadTemplate(
    "circuits/lib/addOn.circom",
    "AddOn",
    [],
    ["size", "nonNegative", "longAddOn", "shortAddOn", "concentrationThreshold", "concentrationRate"],
  );

  test("agrees with the model for both signs, around the threshold and at the bounds", async () => {
    const row = {
      ...NULL_ROW,
      longAddOn: LOSS_BOUND,
      shortAddOn: 7n,
      concentrationThreshold: 100n,
      concentrationRate: LOSS_BOUND,
    };
    for (const threshold of [0n, 100n, SIZE_BOUND - 1n]) {
      for (const size of [0n, 1n, -1n, 99n, 100n, 101n, -100n, -101n, SIZE_BOUND - 1n, -SIZE_BOUND]) {
        const witness = await (await addOn).witness({
          size,
          nonNegative: size >= 0n ? 1n : 0n,
          longAddOn: row.longAddOn,
          shortAddOn: row.shortAddOn,
          concentrationThreshold: threshold,
          concentrationRate: row.concentrationRate,
        });
        const expected = addOnOf({ size, row: { ...row, concentrationThreshold: threshold }, underlying: 0 });
        expect((await addOn).get(witness, "main.addOn"), `${size} at ${threshold}`).toBe(expected);
      }
    }
  });
});

describe("ranges", () => {
  const unsigned = loadTemplate("circuits/lib/range.circom", "Range", [36], ["in"]);
  const signed = loadTemplate("circuits/lib/range.circom", "SignedRange", [36], ["in"]);

  test("Range(36) takes 0 and 2^36 - 1, refuses 2^36 and p - 1", async () => {
    expect(await (await unsigned).refusedBy({ in: 0n })).toBeUndefined();
    expect(await (await unsigned).refusedBy({ in: SIZE_BOUND - 1n })).toBeUndefined();
    expect(await (await unsigned).refusedBy({ in: SIZE_BOUND })).toContain("Num2Bits");
    expect(await (await unsigned).refusedBy({ in: FIELD_ORDER - 1n })).toContain("Num2Bits");
  });

  test("SignedRange(36) takes -2^36 and 2^36 - 1 with their signs, refuses one further either way", async () => {
    const sign = async (value: bigint) =>
      (await signed).get(await (await signed).witness({ in: value }), "main.nonNegative");
    expect(await sign(-SIZE_BOUND)).toBe(0n);
    expect(await sign(-1n)).toBe(0n);
    expect(await sign(0n)).toBe(1n);
    expect(await sign(SIZE_BOUND - 1n)).toBe(1n);
    expect(await (await signed).refusedBy({ in: SIZE_BOUND })).toContain("Num2Bits");
    expect(await (await signed).refusedBy({ in: -SIZE_BOUND - 1n })).toContain("Num2Bits");
  });
});
