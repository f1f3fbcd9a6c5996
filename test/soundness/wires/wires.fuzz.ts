import { describe, expect, test } from "vitest";
import { attackWires, wiresToAttack } from "../adversary.ts";
import { underAttack } from "../circuitUnderAttack.ts";
import { attackStatement, attackWithout, type Target } from "./attack.ts";
import { instanceOf, targetsOf } from "./circuits.ts";
import { describeReport, emptyReport, reviewFreedom } from "./report.ts";

/*
 * Single wires of honest witnesses. SOLVUS_FUZZ_SEED repeats a run; SOLVUS_WIRE_VALUES is how many of some fifteen values each input takes.
 */
const seed = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
const values = Number(process.env.SOLVUS_WIRE_VALUES ?? 2);
/** What the first statement of a circuit takes, and what the others do. */
const FIRST = { values, everyNth: 1, hintValues: 3, others: 500 };
const OTHERS = { values: Math.ceil(values / 2), everyNth: 3, hintValues: 0, others: 0 };

/** Circuits, and inputs of each that have one value. */
const SMALL: [circuit: string, bound: string[]][] = [
  ["transition.small", ["nullifier", "commitment", "escrow[0]", "escrow[1]", "tradeTag", "scan[0]"]],
  ["solvency.small", ["nullifier", "stateRoot", "snapshotRoot", "scan[0]"]],
  ["insolvency.small", ["nullifier", "disclosureValue", "stateRoot", "snapshotRoot"]],
  ["liquidation.small", ["targetCommitment", "keeperEscrow[5]", "taken[0]", "payment", "deficit", "cured"]],
];
const LARGE = ["transition.large", "solvency.large", "insolvency.large", "liquidation.large"];

const loaded = new Map<string, Promise<Target[]>>();
/** The targets of one circuit at a time, since each takes some hundred megabytes. */
function targets(name: string): Promise<Target[]> {
  const found = loaded.get(name) ?? targetsOf(name);
  loaded.clear();
  loaded.set(name, found);
  return found;
}

describe.each(SMALL)("%s", (name, bound) => {
  test("no change of a wire is accepted but what is free by design, and other honest statements", {
    timeout: 3_600_000,
  }, async () => {
    const report = emptyReport();
    for (const [index, target] of (await targets(name)).entries())
      attackStatement(target, { seed, ...(index === 0 ? FIRST : OTHERS) }, report);
    const { unlisted, stale } = reviewFreedom(instanceOf(name).template, report);
    for (const line of [`seed ${seed}`, ...describeReport(name, report)]) console.log(line);
    expect(report.faults, `seed ${seed}`).toEqual([]);
    expect(unlisted, `seed ${seed}`).toEqual([]);
    expect(stale, `seed ${seed}`).toEqual([]);
    expect(report.statements.size).toBeGreaterThan(0);
  });

  test.each(bound)(
    "%s: without the constraint that alone refuses a change, a falsehood is found",
    {
      timeout: 600_000,
    },
    async (input) => {
      const [target] = await targets(name);
      const report = emptyReport();
      const constraints = attackWithout(target as Target, input, seed, report);
      expect(constraints).toBeGreaterThan(0);
      const { unlisted } = reviewFreedom(instanceOf(name).template, report);
      expect([...report.faults, ...unlisted], `seed ${seed}`).not.toEqual([]);
    },
  );
});

test.each(LARGE)(
  "%s: a sample of changes is accepted in no other case either",
  {
    timeout: 3_600_000,
  },
  async (name) => {
    const report = emptyReport();
    for (const target of await targets(name))
      attackStatement(target, { seed, values: 1, everyNth: 20, hintValues: 1, others: 200 }, report);
    const { unlisted } = reviewFreedom(instanceOf(name).template, report);
    for (const line of [`seed ${seed}`, ...describeReport(name, report)]) console.log(line);
    expect(report.faults, `seed ${seed}`).toEqual([]);
    expect(unlisted, `seed ${seed}`).toEqual([]);
  },
);

test.each(["insertion", "open"])(
  "%s: no private input but a public signal itself can be changed unnoticed",
  {
    timeout: 1_800_000,
  },
  async (name) => {
    const circuit = await underAttack(name);
    const attack = circuit.attacked(0);
    const wires = wiresToAttack(attack, 500, seed).filter((wire) => wire > circuit.system.publics);
    const { accepted, noticed } = attackWires(attack, circuit.system, wires);
    const byTemplate = new Map<string, number>();
    for (const [constraint, times] of noticed) {
      const templates = circuit.templatesOf(constraint);
      byTemplate.set(templates, (byTemplate.get(templates) ?? 0) + times);
    }
    for (const [templates, times] of [...byTemplate].sort((one, other) => other[1] - one[1]))
      console.log(`${name}: ${times} changes noticed first by ${templates}`);
    // circomlib's IsZero leaves the inverse of 0 free; its answer does not depend on it.
    expect(
      accepted.filter((signal) => !/\.inv$/.test(signal)),
      `seed ${seed}`,
    ).toEqual([]);
  },
);
