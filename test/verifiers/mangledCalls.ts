import type { CircuitName } from "../../contracts/statements.ts";
import { circuitIndex } from "../../contracts/statements.ts";
import type { BatchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { randomItems, wordsOf } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";
import { type Hex, MANGLINGS, readBatch, readSingle } from "./calldata.ts";
import { judge, type KeyPoints } from "./equation.ts";

/** What a call came to. */
export type Outcome = "accepts" | "refuses" | "reverts";

/** A mangled call, what it must come to and what it came to. */
export interface MangledCall {
  name: string;
  data: Hex;
  expected: Outcome;
  outcome: Outcome;
}

/** What becomes of calldata at the verifier. */
async function outcomeOf({ deployer, verifier }: BatchVerifierFixture, data: Hex): Promise<Outcome> {
  let returned: string;
  try {
    returned = await deployer.call({ to: await verifier.getAddress(), data: `0x${data}` });
  } catch (error) {
    // Whatever reverts, with an error of ours or the decoder's none; a fault of the test itself must not pass for it.
    if (/revert|without a reason|invalid opcode/.test(String(error))) return "reverts";
    throw error;
  }
  if (returned === `0x${"0".repeat(63)}1`) return "accepts";
  if (returned === `0x${"0".repeat(64)}`) return "refuses";
  throw new Error(`the verifier returned ${returned}`);
}

/** A random call of `verify` or `verifyBatch` with valid proofs, mangled. Most proofs are judged once: `judged` remembers them. */
export async function mangledCall(
  fixture: BatchVerifierFixture,
  keys: Record<CircuitName, KeyPoints>,
  judged: Map<string, Outcome>,
  random: Random,
  name: string,
): Promise<MangledCall> {
  const single = random.chance(1, 3);
  const items = randomItems(fixture.forger, random, single ? 1 : 3);
  const [{ circuit, proof, inputs }] = items as [(typeof items)[number]];
  const { interface: face } = fixture.verifier;
  const call = single
    ? face.encodeFunctionData("verify", [circuitIndex(circuit), proof, inputs])
    : face.encodeFunctionData("verifyBatch", [wordsOf(items)]);
  const data = (MANGLINGS[name] as (typeof MANGLINGS)[string])(call.slice(2), single ? 288 : 0, random);
  const read = single ? readSingle(data) : readBatch(data);
  let expected: Outcome = "accepts";
  for (const item of read ?? []) {
    const key = JSON.stringify(wordsOf([item]).map(String));
    let found = judged.get(key);
    if (found === undefined) {
      const verdict = judge(keys[item.circuit], item.proof, item.inputs);
      found =
        verdict === "valid" ? "accepts" : verdict === "signal outside the field" ? "reverts" : "refuses";
      judged.set(key, found);
    }
    // A signal outside the field is seen before any point is.
    if (found === "reverts" || (found === "refuses" && expected === "accepts")) expected = found;
  }
  if (read === undefined) expected = "reverts";
  return { name, data, expected, outcome: await outcomeOf(fixture, data) };
}
