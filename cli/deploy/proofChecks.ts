import { existsSync } from "node:fs";
import type { Contract } from "ethers";
import { CIRCUITS, circuitIndex } from "../../contracts/statements.ts";
import {
  type CircuitPlaces,
  manifestEntry,
  provingKeyFile,
  readManifest,
  witnessFile,
} from "../../protocol/circuitFiles.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { createProver } from "../../prover/prover.ts";
import { insertionStatement } from "../../prover/statements.ts";
import { type Check, equal, guarded } from "./checks.ts";

/** Generators of the two groups: well-formed points that prove nothing under any key whose secrets are unknown. */
const G1 = [1n, 2n];
const G2 = [
  11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  10857046999023057135944570762232829481370756359578518086990519993285655852781n,
  4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  8495653923123431417604973247489272438418190587263600148770280649306958101930n,
];
const FALSE_PROOF = [...G1, ...G2, ...G1];

/** A statement with its proof, as words of a batch. */
interface Item {
  circuit: bigint;
  proof: readonly bigint[];
  inputs: readonly bigint[];
}

const wordsOf = (items: readonly Item[]): bigint[] =>
  items.flatMap(({ circuit, proof, inputs }) => [circuit, ...proof, ...inputs]);

/** False statements: for each circuit a well-formed proof of nothing, with public signals 1, 2, 3, … */
async function falseItems(places: CircuitPlaces): Promise<(Item & { name: string })[]> {
  const manifest = await readManifest(places.manifest);
  return CIRCUITS.map((name) => ({
    name,
    circuit: circuitIndex(name),
    proof: FALSE_PROOF,
    inputs: manifestEntry(manifest, name).publicSignals.map((_, place) => BigInt(place + 1)),
  }));
}

/** A true insertion into the empty tree, proven with the key at hand; undefined when there is none. */
async function trueInsertion(places: CircuitPlaces): Promise<Item | undefined> {
  const files = [provingKeyFile(places.build, "insertion"), witnessFile(places.build, "insertion")];
  if (!files.every((file) => existsSync(file))) return undefined;
  const leaves = [1n, 2n, ...Array<bigint>(14).fill(0n)];
  const insertion = new StateTree().insertionInput(0, leaves);
  const prover = createProver({ places });
  try {
    const { proof, publicSignals } = await prover.prove(insertionStatement(insertion));
    return { circuit: circuitIndex("insertion"), proof, inputs: publicSignals };
  } finally {
    await prover.close();
  }
}

/**
 * The deployed verifier refuses a proof known to be false for every circuit, singly, in a batch of its own, and beside a true proof; it accepts the
 * true one, and refuses it for other public signals.
 */
export async function proofChecks(verifier: Contract, places: CircuitPlaces): Promise<Check[]> {
  const single = ({ circuit, proof, inputs }: Item): Promise<boolean> =>
    verifier.verify(circuit, [...proof], [...inputs]);
  const batch = (...items: Item[]): Promise<boolean> => verifier.verifyBatch(wordsOf(items));
  const accepted = (name: string, expected: boolean, look: () => Promise<boolean>): Promise<Check[]> => {
    const say = (valid: boolean): string => (valid ? "accepted" : "refused");
    return guarded(name, say(expected), async () => [equal(name, say(await look()), say(expected))]);
  };
  const lies = await falseItems(places);
  const truth = await trueInsertion(places);
  const checks: Check[] = [];
  for (const lie of lies) {
    checks.push(...(await accepted(`falseProof.${lie.name}`, false, () => single(lie))));
    checks.push(...(await accepted(`falseProof.${lie.name}.batch`, false, () => batch(lie))));
  }
  if (truth === undefined) {
    const found = "no proving key of insertion here";
    return [...checks, { name: "trueProof", passed: undefined, found, expected: "accepted" }];
  }
  const altered = {
    ...truth,
    inputs: truth.inputs.map((input, place) => (place === 0 ? input + 1n : input)),
  };
  checks.push(
    ...(await accepted("trueProof", true, () => single(truth))),
    ...(await accepted("trueProof.batch", true, () => batch(truth))),
    ...(await accepted("trueProof.altered", false, () => single(altered))),
    ...(await accepted("trueProof.altered.batch", false, () => batch(altered))),
  );
  for (const lie of lies)
    checks.push(...(await accepted(`trueProof.beside.${lie.name}`, false, () => batch(truth, lie))));
  return checks;
}
