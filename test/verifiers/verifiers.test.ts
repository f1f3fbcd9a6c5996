import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { randomFrom } from "../support/random.ts";
import { ATTACKS } from "./attacks.ts";
import { attackedBatch, edgeProofs, provenItem, randomInputs } from "./items.ts";
import { type ThreeVerifiers, threeVerifiers } from "./threeVerifiers.ts";

/** Circuits whose proofs the equation judges soonest. */
const FEW_SIGNALS: CircuitName[] = ["insertion", "insolvency.small", "insolvency.large", "solvency.small"];

let three: ThreeVerifiers;

beforeAll(async () => {
  three = await threeVerifiers();
});

afterAll(() => three.forger.close());

describe("the contract, snarkjs' contract and the equation worked out off the chain", () => {
  test("accept valid proofs", async () => {
    const random = randomFrom(1);
    for (const circuit of CIRCUITS) {
      const item = provenItem(three, random, circuit);
      expect(await three.single(item)).toBe(true);
      expect(await three.batch([item])).toBe(true);
      if (FEW_SIGNALS.includes(circuit)) expect(await three.snarkjs(item)).toBe(true);
    }
  });

  test.for(Object.entries(ATTACKS))("agree on %s", async ([name, { verdict, snarkjsAccepts, apply }]) => {
    const random = randomFrom(name.length);
    const item = apply(provenItem(three, random, random.pick(FEW_SIGNALS)), random, three.keys);
    // Pairings off the chain take long: of what only they can tell, some are left to the long test.
    if (verdict !== "equation" || random.chance(1, 3)) expect(three.equation(item)).toBe(verdict);
    const said = verdict === "signal outside the field" ? "InputNotInField" : verdict === "valid";
    expect(await three.single(item)).toBe(said);
    expect(await three.batch([item])).toBe(said);
    expect(await three.snarkjs(item)).toBe(snarkjsAccepts ?? said === true);
  });

  test("accept points at infinity where the equation holds with them", async () => {
    const random = randomFrom(3);
    const circuit: CircuitName = "insertion";
    const proofs = edgeProofs(three.keys, circuit, randomInputs(random, circuit));
    for (const [name, item] of Object.entries(proofs)) {
      expect(three.equation(item), name).toBe("valid");
      expect(await three.single(item), name).toBe(true);
      expect(await three.snarkjs(item), name).toBe(true);
    }
    expect(await three.batch(Object.values(proofs))).toBe(true);
  });

  test("agree on random batches with zero to three attacks", async () => {
    const random = randomFrom(4);
    const tally = { true: 0, false: 0 };
    for (let round = 0; round < 6; round++) {
      const { items, names } = attackedBatch(three, random, 4);
      const singles = await Promise.all(items.map((item) => three.single(item)));
      const foreign = await Promise.all(items.map((item) => three.snarkjs(item)));
      for (const [index, said] of singles.entries()) {
        const excused = ATTACKS[names[index] ?? "nothing"].snarkjsAccepts === true;
        expect(foreign[index], `round ${round}, item ${index}: ${names[index]}`).toBe(
          excused || said === true,
        );
      }
      const expected = singles.every((said) => said === true);
      expect((await three.batch(items)) === true, `round ${round}: ${JSON.stringify(names)}`).toBe(expected);
      tally[`${expected}`]++;
    }
    expect(Math.min(tally.true, tally.false)).toBeGreaterThan(0);
  });
});
