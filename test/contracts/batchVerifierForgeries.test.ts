import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { inverse } from "../support/forgedProofs.ts";
import { randomElement } from "../support/ledgerFixture.ts";
import { coefficientsOf, type Item, inputCountOf, provenItem, wordsOf } from "../support/proofBatch.ts";

let fixture: BatchVerifierFixture;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
});

afterAll(async () => {
  await fixture.forger.close();
});

describe("wrong proofs that would make up for each other", () => {
  const mod = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;

  test("errors that cancel if coefficients were equal, within a circuit and across two", async () => {
    for (const circuits of [
      ["transition.small", "transition.small"],
      ["open", "liquidation.large"],
    ] as const) {
      const error = randomElement();
      const items = [
        provenItem(fixture.forger, circuits[0], error),
        provenItem(fixture.forger, circuits[1], mod(-error)),
      ];
      for (const item of items) expect(await fixture.single(item)).toBe(false);
      expect(await fixture.batch(items)).toBe(false);
      expect(await fixture.batch([...fixture.proven("insertion"), ...items, ...fixture.proven("open")])).toBe(
        false,
      );
    }
  });

  test("public signals moved from one item to the other, their sum unchanged", async () => {
    const [one, other] = fixture.proven("solvency.small", "solvency.small");
    const moved = [
      { ...one, inputs: one.inputs.with(3, one.inputs[3] + 5n) },
      { ...other, inputs: other.inputs.with(3, other.inputs[3] - 5n) },
    ];
    expect(await fixture.batch([one, other])).toBe(true);
    expect(await fixture.batch(moved)).toBe(false);
  });

  test("halves of two proofs, C exchanged: the sum of the C is unchanged", async () => {
    const [one, other] = fixture.proven("insolvency.large", "insolvency.large");
    const exchanged = [
      { ...one, proof: [...one.proof.slice(0, 6), ...other.proof.slice(6)] },
      { ...other, proof: [...other.proof.slice(0, 6), ...one.proof.slice(6)] },
    ];
    expect(await fixture.batch([one, other])).toBe(true);
    expect(await fixture.batch(exchanged)).toBe(false);
  });

  test("errors that cancel under coefficients known from the batch before", async () => {
    let items = fixture.proven("transition.small", "transition.large", "open");
    for (let attempt = 0; attempt < 20; attempt++) {
      // Aim at the coefficients of the batch as it is: their weighted errors sum to 0. The new proofs then draw others.
      const aimedAt = coefficientsOf(items, fixture.forger.keys);
      const error = randomElement();
      const balance = mod(-aimedAt[0] * error * inverse(aimedAt[1]));
      expect(mod(aimedAt[0] * error + aimedAt[1] * balance)).toBe(0n);
      items = [
        { ...items[0], proof: fixture.forger.forge("transition.small", items[0].inputs, error) },
        { ...items[1], proof: fixture.forger.forge("transition.large", items[1].inputs, balance) },
        items[2],
      ];
      expect(coefficientsOf(items, fixture.forger.keys)).not.toEqual(aimedAt);
      expect(await fixture.batch(items)).toBe(false);
    }
  });

  /** Scalars of the first two points A that the verifier multiplies: the coefficients of the first two items. */
  async function drawn(words: readonly bigint[]): Promise<bigint[]> {
    const transaction = {
      from: fixture.deployer.address,
      to: await fixture.verifier.getAddress(),
      data: fixture.verifier.interface.encodeFunctionData("verifyBatch", [words]),
    };
    const trace = await fixture.ethers.provider.send("debug_traceCall", [
      transaction,
      "latest",
      { tracer: "callTracer" },
    ]);
    const scalars: bigint[] = trace.calls
      .filter(({ to }: { to: string }) => BigInt(to) === 7n)
      .map(({ input }: { input: string }) => BigInt(`0x${input.slice(-64)}`));
    return [scalars[0], scalars[2]];
  }

  test("coefficients have 128 bits, differ, and are the documented hash", async () => {
    for (const items of [
      fixture.everyCircuit(),
      fixture.proven("open", "open"),
      fixture.proven("insertion", "solvency.large"),
    ]) {
      const coefficients = coefficientsOf(items, fixture.forger.keys);
      expect(await drawn(wordsOf(items))).toEqual(coefficients.slice(0, 2));
      expect(new Set(coefficients).size).toBe(items.length);
    }
    const [one] = fixture.proven("open");
    const [first, second] = await drawn(wordsOf([one, one]));
    expect(first).not.toBe(second);
    for (const coefficient of [first, second]) {
      expect(coefficient).toBeGreaterThan(0n);
      expect(coefficient).toBeLessThan(2n ** 128n);
    }
  });

  test("every circuit, proof word and input of the batch, and their order, change the coefficients", async () => {
    const items = fixture.proven("insolvency.small", "insolvency.small");
    const words = wordsOf(items);
    const length = 9 + inputCountOf("insolvency.small");
    const seen = new Set<bigint>();
    for (const [index, word] of words.entries()) {
      // The first word of an item is its circuit; the large tier has as many signals.
      const other = index % length === 0 ? circuitIndex("insolvency.large") : word + 1n;
      seen.add((await drawn(words.with(index, other)))[0]);
    }
    seen.add((await drawn(words))[0]);
    seen.add((await drawn(wordsOf(items.toReversed())))[0]);
    seen.add((await drawn(words.slice(0, length)))[0]);
    expect(seen.size).toBe(words.length + 3);
  });
});

describe("malformed points", () => {
  test("a point of the twist outside the subgroup, also beside A at infinity", async () => {
    // x = 1 on y² = x³ + 3/(9 + i); the curve has far more points than the subgroup.
    const outside = [
      0n,
      1n,
      5912654199736721486680175016176231956195085055698687135131307249486702594212n,
      18278151005453108793778860132295291098363647455926340152056652516292830556603n,
    ];
    const items = fixture.proven("open", "insertion");
    for (const place of [0, 1]) {
      const altered = items[place].proof.toSpliced(2, 4, ...outside);
      expect(await fixture.batch(items.with(place, { ...items[place], proof: altered }))).toBe(false);
      const beside = altered.toSpliced(0, 2, 0n, 0n);
      expect(await fixture.batch(items.with(place, { ...items[place], proof: beside }))).toBe(false);
    }
  });

  test("a proof of zeros, a batch of them", async () => {
    const zeros = (circuit: CircuitName): Item => ({
      circuit,
      proof: Array<bigint>(8).fill(0n),
      inputs: Array<bigint>(inputCountOf(circuit)).fill(0n),
    });
    expect(await fixture.batch([zeros("open")])).toBe(false);
    expect(await fixture.batch(CIRCUITS.map(zeros))).toBe(false);
    expect(await fixture.batch([...fixture.proven("open"), zeros("transition.small")])).toBe(false);
  });
});
