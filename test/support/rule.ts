import { SolvusError } from "../../protocol/errors.ts";

/** The rule by which `act` is refused, undefined when it is not. Other errors are passed on. */
export function ruleOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
}

/** "accepted", or the rule by which `act` is refused. Other errors are passed on. */
export const verdictOf = (act: () => unknown): string => ruleOf(act) ?? "accepted";
