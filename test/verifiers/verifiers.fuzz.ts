import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CIRCUITS } from "../../contracts/statements.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { randomFrom } from "../support/random.ts";
import { ATTACKS } from "./attacks.ts";
import { MANGLINGS } from "./calldata.ts";
import { cancellingBatch, GUESSES, movedSignals, passedRound } from "./cancelling.ts";
import { fixtureKeys } from "./fixtureKeys.ts";
import { attackedBatch, provenItem } from "./items.ts";
import { mangledCall, type Outcome } from "./mangledCalls.ts";
import { type ThreeVerifiers, threeVerifiers } from "./threeVerifiers.ts";

const SEED = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
const LONG = { timeout: 1_800_000 };

describe(`verifiers, seed ${SEED}`, () => {
  let three: ThreeVerifiers;
  beforeAll(async () => {
    three = await threeVerifiers();
  });
  afterAll(() => three.forger.close());

  test("every attack on every circuit", LONG, async () => {
    const random = randomFrom(SEED);
    for (const [name, { verdict, snarkjsAccepts, apply }] of Object.entries(ATTACKS)) {
      for (const circuit of CIRCUITS) {
        const item = apply(provenItem(three, random, circuit), random, three.keys);
        const said = verdict === "signal outside the field" ? "InputNotInField" : verdict === "valid";
        const where = `${name}, ${circuit}`;
        expect(three.equation(item), where).toBe(verdict);
        expect(await three.single(item), where).toBe(said);
        expect(await three.batch([item]), where).toBe(said);
        expect(await three.snarkjs(item), where).toBe(snarkjsAccepts ?? said === true);
      }
    }
  });

  test("200 random batches of up to sixteen, every item judged three times", LONG, async () => {
    const random = randomFrom(SEED + 1);
    const tally = { true: 0, false: 0, items: 0 };
    for (let round = 0; round < 200; round++) {
      const { items, names } = attackedBatch(three, random);
      const where = `round ${round}: ${JSON.stringify(names)}`;
      const verdicts = items.map((item) => three.equation(item));
      for (const [index, item] of items.entries()) {
        const excused = ATTACKS[names[index] ?? "nothing"].snarkjsAccepts === true;
        expect(await three.snarkjs(item), where).toBe(excused || verdicts[index] === "valid");
      }
      const expected = verdicts.every((verdict) => verdict === "valid");
      expect((await three.batch(items)) === true, where).toBe(expected);
      tally[`${expected}`]++;
      tally.items += items.length;
    }
    console.log(`seed ${SEED}: ${JSON.stringify(tally)}`);
    expect(Math.min(tally.true, tally.false)).toBeGreaterThan(30);
  });
});

describe(`batches and calldata, seed ${SEED}`, () => {
  let fixture: BatchVerifierFixture;
  beforeAll(async () => {
    fixture = await batchVerifierFixture();
  });
  afterAll(() => fixture.forger.close());

  test("1,800 batches whose errors cancel under guessed coefficients", LONG, async () => {
    const random = randomFrom(SEED + 2);
    for (const [name, guess] of Object.entries(GUESSES)) {
      for (let round = 0; round < 200; round++) {
        const { items } = cancellingBatch(fixture.forger, random, guess);
        expect(await fixture.batch(items), `${name}, round ${round}`).toBe(false);
      }
    }
  });

  test("1,000 batches with signals moved or points passed round", LONG, async () => {
    const random = randomFrom(SEED + 3);
    for (let round = 0; round < 500; round++) {
      expect(await fixture.batch(movedSignals(fixture.forger, random)), `round ${round}`).toBe(false);
      expect(await fixture.batch(passedRound(fixture.forger, random)), `round ${round}`).toBe(false);
    }
  });

  test("2,400 mangled calls: what is decoded is what is judged", LONG, async () => {
    const random = randomFrom(SEED + 4);
    const keys = fixtureKeys(fixture);
    const tally: Record<Outcome, number> = { accepts: 0, refuses: 0, reverts: 0 };
    for (const name of Object.keys(MANGLINGS)) {
      for (let round = 0; round < 200; round++) {
        const { data, expected, outcome } = await mangledCall(fixture, keys, new Map(), random, name);
        expect(outcome, `${name}, round ${round}: ${data}`).toBe(expected);
        tally[outcome]++;
      }
    }
    console.log(`seed ${SEED}: ${JSON.stringify(tally)}`);
    expect(Math.min(...Object.values(tally))).toBeGreaterThan(100);
  });
});
