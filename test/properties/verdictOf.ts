import { SolvusError } from "../../protocol/errors.ts";

/** "accepted", or the rule by which `act` is refused. Other errors are passed on. */
export function verdictOf(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
}
