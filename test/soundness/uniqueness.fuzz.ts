import { expect, test } from "vitest";
import { randomFrom } from "../support/random.ts";
import { edited, systemOf } from "./planted/edited.ts";
import { disagreement } from "./uniqueness/crossCheck.ts";
import { unprovenSignals } from "./uniqueness/report.ts";

test("never calls a wire determined that takes two values, in thousands of small systems", {
  timeout: 900_000,
}, () => {
  const first = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
  let checked = 0;
  for (let seed = first; seed < first + 20_000; seed++) {
    const found = disagreement(randomFrom(seed));
    expect(found.wrong, `SOLVUS_FUZZ_SEED=${seed}`).toEqual([]);
    if (found.checked) checked++;
  }
  expect(checked).toBeGreaterThan(10_000);
});

/** Templates of the circuits, their hints withheld, and edits each of which leaves a hint a choice. */
const SPOILED: {
  file: string;
  template: string;
  inputs: string[];
  withheld: string[];
  edits: [text: string, other: string][];
}[] = [
  {
    file: "scanRisk",
    template: "ScanRisk",
    inputs: ["sums", "scan"],
    withheld: ["scan"],
    edits: [
      ["product[16] === 0;", ""],
      ["slackRange[3 * k + d] = Range(82);", "slackRange[3 * k + d] = Range(84);"],
      ["scanRange.in <== scan;", "scanRange.in <== 0;"],
      ["packed === total;", ""],
    ],
  },
  {
    file: "scenarioLoss",
    template: "ScenarioLoss",
    inputs: ["sums", "scenario"],
    withheld: [],
    edits: [
      ["digitRange[d] = Range(82);", "digitRange[d] = Range(85);"],
      ["packed === shifted;", ""],
    ],
  },
  {
    file: "takeOverPayments",
    template: "TakeOverPayments",
    inputs: ["equity", "maintenance", "slice", "rate", "payment", "deficit", "reward"],
    withheld: ["payment", "deficit", "reward"],
    edits: [
      ["paymentRange.in <== payment;", "paymentRange.in <== 0;"],
      ["component paymentRemainder = Range(32);", "component paymentRemainder = Range(33);"],
      ["deficitRange.in <== deficit;", "deficitRange.in <== 0;"],
      ["component rewardRemainder = Range(32);", "component rewardRemainder = Range(33);"],
    ],
  },
  {
    file: "canonicalBits",
    template: "CanonicalBits",
    inputs: ["in"],
    withheld: [],
    edits: [["Range(62)(((-1) >> 192) - 1 - upper);", ""]],
  },
  {
    file: "primeOrderPoint",
    template: "PrimeOrderPoint",
    inputs: ["point"],
    withheld: [],
    edits: [
      ["inverse * point[0] === 1;", ""],
      ["u * (1 - point[1]) === 1 + point[1];", ""],
      ["vv === u * (uu + 168698 * u + 1);", ""],
    ],
  },
];

test.each(SPOILED.map((spoiled) => [spoiled.template, spoiled] as const))(
  "proves the hints of %s, and no longer once a line of it is spoiled",
  { timeout: 300_000 },
  async (template, { file, inputs, withheld, edits }) => {
    const path = `circuits/lib/${file}.circom`;
    const signals = async (source: string) => {
      const system = await systemOf(source, template, inputs);
      const names = [...system.inputs.keys()].filter((name) => withheld.includes(name.replace(/\[.*$/, "")));
      return unprovenSignals(system, names);
    };
    expect(await signals(path)).toEqual([]);
    for (const [text, other] of edits)
      expect(await signals(edited(path, { [text]: other })), text).not.toEqual([]);
  },
);
