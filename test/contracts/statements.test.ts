import { TypedDataEncoder } from "ethers";
import { beforeAll, expect, test } from "vitest";
import manifest from "../../circuits/manifest.json" with { type: "json" };
import { DEPOSIT_TYPES, HEADER_TYPES, ledgerDomain, oracleDomain } from "../../contracts/signing.ts";
import {
  CIRCUITS,
  insertionInputs,
  insolvencyInputs,
  liquidationInputs,
  openInputs,
  solvencyInputs,
  transitionInputs,
} from "../../contracts/statements.ts";
import { insertionPoint } from "../../protocol/stateTree.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture();
});

/** Public signal names of a circuit, arrays spelled out, as the manifest has them. */
function signalsOf(name: string): string[] {
  return manifest.circuits.find((circuit) => circuit.name === name)!.publicSignals;
}

/** Names of a Solidity struct's words: those of the `signals` parameter of a ledger function, arrays spelled out. */
function wordsOf(
  path: (abi: LedgerFixture["ledger"]["interface"]) => readonly { name: string; type: string }[],
) {
  return path(fixture.ledger.interface).flatMap(({ name, type }) => {
    const length = /\[(\d+)\]$/.exec(type)?.[1];
    return length ? Array.from({ length: Number(length) }, (_, index) => `${name}[${index}]`) : [name];
  });
}

test("the contracts' circuits are the manifest's, in its order", () => {
  expect(manifest.circuits.map((circuit) => circuit.name)).toEqual([...CIRCUITS]);
});

test("the ledger's public signals stand in the circuits' order", () => {
  const openWords = wordsOf((abi) => abi.getFunction("open")!.inputs[1].components!);
  expect([...openWords, "committeeKey[0]", "committeeKey[1]", "context"]).toEqual(signalsOf("open"));
  const transitionWords = wordsOf((abi) => abi.getFunction("submit")!.inputs[0].components![2].components!);
  for (const tier of ["small", "large"]) {
    expect([...transitionWords, "context"]).toEqual(signalsOf(`transition.${tier}`));
  }
  const [nodeIndex, leaves, newRoot] = fixture.ledger.interface.getFunction("insert")!.inputs;
  expect([nodeIndex.name, leaves.type, newRoot.name]).toEqual(["nodeIndex", "uint256[16]", "newRoot"]);
  expect(signalsOf("insertion")).toEqual(["oldRoot", "newRoot", "nodeIndex", "point", "value"]);
});

test("TypeScript assembles the public signals in the circuits' order", () => {
  /** An object with each signal's position as its value. */
  const positions = (name: string): Record<string, unknown> => {
    const result: Record<string, bigint | bigint[]> = {};
    for (const [index, signal] of signalsOf(name).entries()) {
      const [, base, element] = /^(\w+)(\[\d+\])?$/.exec(signal)!;
      if (element) result[base] = [...((result[base] as bigint[]) ?? []), BigInt(index)];
      else result[base] = BigInt(index);
    }
    return result;
  };
  const ascending = (length: number): bigint[] => Array.from({ length }, (_, index) => BigInt(index));
  const open = positions("open");
  const { committeeKey, context, ...openSignals } = open;
  expect(openInputs(openSignals as never, committeeKey as bigint[], context as bigint)).toEqual(
    ascending(13),
  );
  const { context: last, ...transitionSignals } = positions("transition.small");
  expect(transitionInputs(transitionSignals as never, last as bigint)).toEqual(ascending(15));
  const { restoration, context: bound, ...takeOverSignals } = positions("liquidation.large");
  expect(liquidationInputs(takeOverSignals as never, restoration as bigint, bound as bigint)).toEqual(
    ascending(25),
  );
  expect(solvencyInputs(positions("solvency.small") as never)).toEqual(ascending(8));
  expect(insolvencyInputs(positions("insolvency.small") as never)).toEqual(ascending(6));
  const insertion = positions("insertion");
  const { oldRoot, newRoot, nodeIndex } = insertion as Record<string, bigint>;
  const leaves = Array.from({ length: 16 }, (_, place) => BigInt(100 + place));
  const point = insertionPoint(oldRoot, newRoot, nodeIndex, leaves);
  const inputs = insertionInputs(oldRoot, newRoot, nodeIndex, leaves);
  expect(Object.keys(insertion).length).toBe(5);
  expect(inputs).toEqual([oldRoot, newRoot, nodeIndex, point, wordsDigest(leaves, point)]);
});

test("the signing types and domains are the contracts'", async () => {
  const { ethers, ledger, oracle, addresses, chainId } = fixture;
  const typeHash = (types: typeof DEPOSIT_TYPES, name: string): string =>
    ethers.id(TypedDataEncoder.from(types).encodeType(name));
  expect(await ledger.DEPOSIT_TYPEHASH()).toBe(typeHash(DEPOSIT_TYPES, "Deposit"));
  expect(await oracle.HEADER_TYPEHASH()).toBe(typeHash(HEADER_TYPES, "SnapshotHeader"));
  expect(await ledger.domainSeparator()).toBe(
    TypedDataEncoder.hashDomain(ledgerDomain(chainId, addresses.ledger)),
  );
  const header = await fixture.nextHeader();
  expect(await oracle.headerDigest(header)).toBe(
    TypedDataEncoder.hash(oracleDomain(chainId, addresses.oracle), HEADER_TYPES, header),
  );
});

test("the ledger exposes the keys' hashes and the committee key", async () => {
  const { ledger, verifier } = fixture;
  for (const index of CIRCUITS.keys()) {
    expect(await ledger.keyHash(index)).toBe(await verifier.keyHash(index));
  }
  expect((await ledger.committeeKey()).toArray()).toHaveLength(2);
});
