import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import type { BatchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { snarkjsKey } from "../support/snarkjsKey.ts";
import { type KeyPoints, keyPoints } from "./equation.ts";

/** The verifying keys of a fixture, as points for the equation. */
export function fixtureKeys({ forger }: BatchVerifierFixture): Record<CircuitName, KeyPoints> {
  const entries = CIRCUITS.map((circuit) => [circuit, keyPoints(snarkjsKey(forger.keys[circuit]))]);
  return Object.fromEntries(entries);
}
