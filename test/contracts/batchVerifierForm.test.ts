import type { Contract } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deployVerifier } from "../../contracts/deploy.ts";
import { circuitIndex } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { expectRefusal } from "../support/ledgerFixture.ts";
import { type Item, provenItem, wordsOf } from "../support/proofBatch.ts";

let ideal: Contract;
let fixture: BatchVerifierFixture;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
  ideal = await deployVerifier(fixture.ethers, "ideal", fixture.deployer);
});

afterAll(async () => {
  await fixture.forger.close();
});

describe.for(["Groth16Verifier", "IdealVerifier"])("form of a batch, %s", (name) => {
  const contract = (): Contract => (name === "IdealVerifier" ? ideal : fixture.verifier);
  const refuses = (words: readonly bigint[], error: string, parameters: readonly unknown[]): Promise<void> =>
    expectRefusal(contract().verifyBatch([...words]), contract(), error, parameters);

  /** Declares every item proven if the verifier is the ideal one. */
  async function declared(items: Item[]): Promise<bigint[]> {
    if (name === "IdealVerifier") {
      for (const { circuit, proof, inputs } of items) await ideal.prove(circuitIndex(circuit), proof, inputs);
    }
    return wordsOf(items);
  }

  test("accepts sixteen items of all circuits; refuses another proof or signal among them", async () => {
    const items = fixture.everyCircuit();
    const words = await declared(items);
    expect(await contract().verifyBatch(words)).toBe(true);
    expect(await contract().verifyBatch(words.with(1, words[1] + 1n))).toBe(false);
    const last = words.length - 1;
    expect(await contract().verifyBatch(words.with(last, words[last] + 1n))).toBe(false);
  });

  test("refuses an empty batch, which would be valid for nothing", async () => {
    await refuses([], "EmptyBatch", []);
  });

  test("refuses seventeen items", async () => {
    const items = await declared(Array<Item>(17).fill(provenItem(fixture.forger, "insertion")));
    await refuses(items, "BatchTooLarge", [16n]);
  });

  test("refuses words cut off anywhere within the last item", async () => {
    const words = await declared(fixture.proven("insolvency.small", "insertion"));
    const start = words.length - 14;
    for (let given = start + 1; given < words.length; given++) {
      await refuses(words.slice(0, given), "BatchLengthMismatch", [BigInt(words.length), BigInt(given)]);
    }
    expect(await contract().verifyBatch(words.slice(0, start))).toBe(true);
  });

  test("refuses words after the last item", async () => {
    const words = await declared(fixture.proven("insertion"));
    const given = BigInt(words.length);
    await refuses([...words, 0n], "BatchLengthMismatch", [given + 22n, given + 1n]);
    await refuses([...words, 10n], "UnknownCircuit", [10n]);
    await refuses([...words, ...words.slice(0, 13)], "BatchLengthMismatch", [2n * given, 2n * given - 1n]);
  });

  test("refuses a circuit that does not exist", async () => {
    const words = await declared(fixture.proven("open", "insertion"));
    for (const circuit of [10n, 2n ** 8n, 2n ** 256n - 1n]) {
      await refuses(words.with(0, circuit), "UnknownCircuit", [circuit]);
      await refuses(words.with(22, circuit), "UnknownCircuit", [circuit]);
    }
  });

  test("refuses a public signal >= r: x and x + r are one scalar to the curve", async () => {
    const items = fixture.proven("open", "solvency.small");
    const words = await declared(items);
    for (const [index, input] of items[1].inputs.entries()) {
      const position = words.length - 8 + index;
      for (const value of [input + FIELD_ORDER, FIELD_ORDER, 2n ** 256n - 1n]) {
        await refuses(words.with(position, value), "InputNotInField", [BigInt(index), value]);
      }
    }
  });

  test("refuses a number of words beyond the end of calldata", async () => {
    const words = await declared(fixture.proven("insertion"));
    const data = contract().interface.encodeFunctionData("verifyBatch", [words]);
    const to = await contract().getAddress();
    for (const cut of [2, 64, 64 * 13]) {
      await expect(fixture.deployer.call({ to, data: data.slice(0, -cut) })).rejects.toThrow();
    }
  });
});
