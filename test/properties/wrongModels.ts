import fc from "fast-check";
import { steadyRuns } from "./runs.ts";
import { type TransitionCase, transitionCases } from "./transitionCases.ts";
import { breachesOf } from "./transitionRules.ts";

/*
 * Models that get the rulebook wrong on purpose, to show that a mistake is found and that what is printed of it can be worked through by
 * hand. Each looks at a case that was changed so that the mistake follows.
 */

/** Sees a market without concentration. */
export const withoutConcentration = (found: TransitionCase): TransitionCase => ({
  ...found,
  rows: found.rows.map((row) => ({ ...row, concentrationRate: 0n })),
});

/** Sees all instruments in one underlying, so that their losses offset each other. */
export function offsettingUnderlyings(found: TransitionCase): TransitionCase {
  const { tree } = found.snapshot;
  const locate: typeof tree.locate = (id) => {
    const at = tree.locate(id);
    return at && { ...at, underlying: 0 };
  };
  return { ...found, snapshot: { ...found.snapshot, tree: { ...tree, locate } } };
}

/** The smallest case on which a wrong model differs from `accepts`, and what fast-check prints of it. */
export function foundOut(
  wrong: (found: TransitionCase) => TransitionCase,
  accepts: (found: TransitionCase) => boolean,
): { smallest: TransitionCase; printed: string } {
  const details = fc.check(
    fc.property(transitionCases, (found) => {
      const accepted = breachesOf(wrong(found)).size === 0;
      if (accepted !== accepts(found))
        throw new Error(`the wrong model ${accepted ? "accepts" : "refuses"} it`);
    }),
    steadyRuns(2_000) as fc.Parameters<[TransitionCase]>,
  );
  if (details.counterexample === null) throw new Error("the wrong model was not found out");
  return { smallest: details.counterexample[0], printed: fc.defaultReportMessage(details) as string };
}
