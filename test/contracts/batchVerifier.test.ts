import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CIRCUITS } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { holdCurve } from "../../protocol/curve.ts";
import { verifyProof } from "../../protocol/groth16.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { type Item, provenItem, randomItems, SPOILS } from "../support/proofBatch.ts";
import { randomFrom } from "../support/random.ts";
import { snarkjsKey } from "../support/snarkjsKey.ts";
import { compareRandom, compareSpoiled, everySingle } from "./batchVerdicts.ts";

let fixture: BatchVerifierFixture;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
});

afterAll(async () => {
  await fixture.forger.close();
});

describe("a batch accepts exactly when every single verification accepts", () => {
  test("valid proofs of one circuit, 1 to 16 of them", async () => {
    const every = Array.from({ length: 16 }, (_, place) => place + 1);
    for (const [circuit, lengths] of [
      ["transition.small", every],
      ["liquidation.large", [1, 2, 15, 16]],
      ["insertion", [1, 2, 15, 16]],
    ] as const) {
      const items = Array.from({ length: 16 }, () => provenItem(fixture.forger, circuit));
      for (const length of lengths) expect(await fixture.batch(items.slice(0, length))).toBe(true);
    }
  });

  test("valid proofs of all circuits at once, in any order", async () => {
    const items = fixture.everyCircuit();
    expect(await everySingle(fixture, items)).toBe(true);
    expect(await fixture.batch(items)).toBe(true);
    expect(await fixture.batch(items.toReversed())).toBe(true);
  });

  test("public signals that are all 0, 1 or r − 1, alone and together", async () => {
    const uniform = [0n, 1n, FIELD_ORDER - 1n].map((value): Item => {
      const inputs = Array<bigint>(15).fill(value);
      return { circuit: "transition.large", inputs, proof: fixture.forger.forge("transition.large", inputs) };
    });
    for (const item of uniform) expect(await fixture.batch([item])).toBe(true);
    expect(await fixture.batch(uniform)).toBe(true);
    expect(await fixture.batch(uniform.with(1, { ...uniform[1], inputs: uniform[0].inputs }))).toBe(false);
  });

  test("one spoiled proof at each of the sixteen places", async () => {
    const items = fixture.everyCircuit();
    for (const [place, item] of items.entries()) {
      const spoiled = items.with(place, provenItem(fixture.forger, item.circuit, 1n));
      expect(await fixture.single(spoiled[place])).toBe(false);
      expect(await fixture.batch(spoiled)).toBe(false);
    }
  });

  test.for(Object.keys(SPOILS))("random batches with %s", async (name) => {
    await compareSpoiled(fixture, name, randomFrom(name.length), 2);
  });

  test("random batches with zero to three spoils of any kind", async () => {
    const verdicts = await compareRandom(fixture, randomFrom(20), 24);
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(2);
  });

  test("snarkjs agrees on random batches, off the chain", async () => {
    const random = randomFrom(21);
    const keys = Object.fromEntries(CIRCUITS.map((name) => [name, snarkjsKey(fixture.forger.keys[name])]));
    const spoils = [
      "an input raised by one",
      "an input raised by r",
      "C negated",
      "the other tier's circuit",
      "two whole items exchanged",
      "A and B negated, the same product",
    ];
    const hold = await holdCurve();
    for (const name of spoils) {
      const items = SPOILS[name](randomItems(fixture.forger, random, 4), 0, random);
      const verdicts: boolean[] = [];
      for (const { circuit, proof, inputs } of items) {
        verdicts.push(await verifyProof(keys[circuit], proof, inputs));
      }
      expect(await fixture.batch(items), name).toBe(verdicts.every(Boolean));
    }
    await hold.release();
  });
});
