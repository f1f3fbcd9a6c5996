import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CircuitName } from "../../contracts/statements.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { provenItem, wordsOf } from "../support/proofBatch.ts";
import { randomFrom } from "../support/random.ts";
import { MANGLINGS } from "./calldata.ts";
import { cancellingBatch, GUESSES, movedSignals, passedRound } from "./cancelling.ts";
import type { KeyPoints } from "./equation.ts";
import { fixtureKeys } from "./fixtureKeys.ts";
import { mangledCall } from "./mangledCalls.ts";

let fixture: BatchVerifierFixture;
let keys: Record<CircuitName, KeyPoints>;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
  keys = fixtureKeys(fixture);
});

afterAll(() => fixture.forger.close());

describe("false proofs in a batch do not cancel", () => {
  test.for(Object.entries(GUESSES))("under coefficients guessed as %s", async ([name, guess]) => {
    const random = randomFrom(name.length);
    for (let round = 0; round < 1; round++) {
      const { items, places } = cancellingBatch(fixture.forger, random, guess);
      expect(await fixture.single(items[places[0]])).toBe(false);
      expect(await fixture.batch(items)).toBe(false);
      expect(
        await fixture.batch(
          items.filter((_, index) => !places.includes(index)).concat(fixture.proven("open")),
        ),
      ).toBe(true);
    }
  });

  test("when signals move from one item to another, or points are passed round", async () => {
    const random = randomFrom(30);
    for (let round = 0; round < 2; round++) {
      expect(await fixture.batch(movedSignals(fixture.forger, random))).toBe(false);
      expect(await fixture.batch(passedRound(fixture.forger, random))).toBe(false);
    }
  });
});

describe("calldata", () => {
  test.for(Object.keys(MANGLINGS))("%s: what is decoded is what is judged", async (name) => {
    const random = randomFrom(name.length);
    const judged = new Map();
    for (let round = 0; round < 1; round++) {
      const { data, expected, outcome } = await mangledCall(fixture, keys, judged, random, name);
      expect(outcome, `round ${round}: ${data}`).toBe(expected);
    }
  });

  test("with too little gas for the precompiles a batch is never accepted", async () => {
    const to = await fixture.verifier.getAddress();
    const valid = fixture.proven("insertion", "insolvency.small");
    const forged = valid.with(1, provenItem(fixture.forger, "insolvency.small", 1n));
    const call = async (items: typeof valid, gasLimit: bigint): Promise<boolean> => {
      const data = fixture.verifier.interface.encodeFunctionData("verifyBatch", [wordsOf(items)]);
      return (await fixture.deployer.call({ to, data, gasLimit })).endsWith("1");
    };
    expect(await call(valid, 1_000_000n)).toBe(true);
    const outcomes = new Set<string>();
    for (let gasLimit = 40_000n; gasLimit < 500_000n; gasLimit += 20_000n) {
      const outcome = await call(forged, gasLimit).catch(() => "out of gas");
      outcomes.add(String(outcome));
    }
    expect([...outcomes].sort()).toEqual(["false", "out of gas"]);
  });
});
