import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Contract, ContractFactory } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { compile } from "../../scripts/checks/solidity/compile.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { type Item, wordsOf } from "../support/proofBatch.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { ATTACKS } from "./attacks.ts";
import { MANGLINGS } from "./calldata.ts";
import { cancellingBatch, GUESSES, movedSignals } from "./cancelling.ts";
import type { KeyPoints } from "./equation.ts";
import { fixtureKeys } from "./fixtureKeys.ts";
import { attackedBatch, provenItem } from "./items.ts";
import { mangledCall } from "./mangledCalls.ts";

/* Verifiers with a bug each: the comparison of verifiers must find every one, or it is worth nothing. */

const BATCH = "contracts/BatchVerification.sol";
const SINGLE = "contracts/Groth16Verifier.sol";

/** A bug: in a file, what stands there and what stands there instead. */
const BUGS: Record<string, [file: string, right: string, wrong: string]> = {
  "a batch lets signals >= r through": [
    BATCH,
    "refused := or(refused, lt(sub(FIELD_ORDER, 1), value))",
    "refused := 0",
  ],
  "verify lets signals >= r through": [
    SINGLE,
    "if (inputs[i] >= FIELD_ORDER) revert InputNotInField(i, inputs[i]);",
    "",
  ],
  "coefficients that are all 1": [
    BATCH,
    "and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffff)",
    "1",
  ],
  "coefficients drawn from the domain alone": [
    BATCH,
    "seed := keccak256(add(transcript, 0x20), shl(5, mload(transcript)))",
    "seed := keccak256(add(transcript, 0x20), 0x20)",
  ],
  "a product that nobody reads": [BATCH, "valid := and(valid, eq(mload(0x00), 1))", "valid := and(valid, 1)"],
  "points C that are not weighted": [
    BATCH,
    "mstore(add(term, 0x40), sub(FIELD_ORDER, coefficient))",
    "mstore(add(term, 0x40), sub(FIELD_ORDER, 1))",
  ],
  "an item that may be cut": [
    BATCH,
    "if (next > words.length) revert BatchLengthMismatch(next, words.length);",
    "",
  ],
  "one tier's key for both": [
    SINGLE,
    "if (circuit == Circuit.TransitionLarge) return _transitionLargeKey;",
    "if (circuit == Circuit.TransitionLarge) return _transitionSmallKey;",
  ],
};

interface Output {
  contracts: Record<string, Record<string, { abi: object[]; evm: { bytecode: { object: string } } }>>;
}

let fixture: BatchVerifierFixture;
let keys: Record<CircuitName, KeyPoints>;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
  keys = fixtureKeys(fixture);
});

afterAll(() => fixture.forger.close());

/** The project's verifier with a bug, over the keys of the fixture's. */
async function buggy([file, right, wrong]: (typeof BUGS)[string]): Promise<Contract> {
  const sources = Object.fromEntries(
    [BATCH, SINGLE].map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
  );
  expect(sources[file].split(right).length, "the right text stands there once").toBe(2);
  sources[file] = sources[file].replace(right, wrong);
  const output = compile(sources, {
    optimizer: { enabled: true, runs: 200 },
    viaIR: true,
    outputSelection: { [SINGLE]: { Groth16Verifier: ["abi", "evm.bytecode.object"] } },
  }) as unknown as Output;
  const { abi, evm } = output.contracts[SINGLE].Groth16Verifier;
  const places = await Promise.all(
    CIRCUITS.map((circuit) => fixture.verifier.keyAddress(circuitIndex(circuit))),
  );
  const factory = new ContractFactory(abi as never, `0x${evm.bytecode.object}`, fixture.deployer);
  const deployed = await factory.deploy(places);
  return deployed.waitForDeployment() as unknown as Promise<Contract>;
}

/** What a verifier says; a revert counts as no. */
const says = (call: Promise<boolean>): Promise<boolean> => call.catch(() => false);

/** Batches with what is known of them. */
function attempts(random: Random): { items: Item[]; valid: boolean }[] {
  const three = { forger: fixture.forger, keys } as never;
  const { items, names } = attackedBatch(three, random, 4);
  const valid = Object.values(names).every((name) => ATTACKS[name].verdict === "valid");
  const single = provenItem(three, random);
  const name = random.pick(Object.keys(ATTACKS));
  const attacked = ATTACKS[name].apply(single, random, keys);
  return [
    { items, valid },
    { items: [attacked], valid: ATTACKS[name].verdict === "valid" },
    {
      items: cancellingBatch(fixture.forger, random, random.pick(Object.values(GUESSES))).items,
      valid: false,
    },
    { items: movedSignals(fixture.forger, random), valid: false },
  ];
}

/** Whether a verifier is caught within so many rounds. */
async function isCaught(verifier: Contract, random: Random, rounds: number): Promise<boolean> {
  for (let round = 0; round < rounds; round++) {
    for (const { items, valid } of attempts(random)) {
      if ((await says(verifier.verifyBatch(wordsOf(items)))) !== valid) return true;
      const [{ circuit, proof, inputs }] = items;
      const alone = says(verifier.verify(circuitIndex(circuit), proof, inputs));
      if (items.length === 1 && (await alone) !== valid) return true;
    }
    const name = random.pick(Object.keys(MANGLINGS));
    const mangled = await mangledCall({ ...fixture, verifier }, keys, new Map(), random, name);
    if (mangled.outcome !== mangled.expected) return true;
  }
  return false;
}

describe("the comparison of verifiers", () => {
  test("finds nothing in the project's own", { timeout: 600_000 }, async () => {
    expect(await isCaught(fixture.verifier, randomFrom(40), 20)).toBe(false);
  });

  test.for(Object.keys(BUGS))("finds %s", { timeout: 600_000 }, async (name) => {
    expect(await isCaught(await buggy(BUGS[name]), randomFrom(name.length), 120)).toBe(true);
  });
});
