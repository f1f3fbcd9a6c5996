import { expect } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";

/** Expects what `act` does, now or later, to be refused by a rule. */
export async function expectRule(rule: string, act: () => unknown): Promise<void> {
  let refused: string | undefined;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    refused = error.rule;
  }
  expect(refused).toBe(rule);
}
