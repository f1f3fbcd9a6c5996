import type { MutationScore } from "./mutationScore.ts";

/**
 * Signals of a constraint without indices and without the numbers of anonymous components, each once; of a constraint within a Poseidon permutation
 * the permutation alone.
 */
export function constraintName(signals: readonly string[]): string {
  const general = signals.map((signal) =>
    signal
      .replace(/^main\./, "")
      .replace(/\[\d+\]/g, "[*]")
      .replace(/_\d+_\d+(?=[.[]|$)/g, ""),
  );
  const permutation = general.map((signal) => /^.*\.permutation(?=\.)/.exec(signal)?.[0]).find(Boolean);
  if (permutation !== undefined) return permutation;
  return [...new Set(general)].sort().join(", ");
}

const SAME_ROOT =
  "Every group computes the root of all rows, and one public root is compared with them: another output here would have to be the other groups' hash. Two of the three constraints of each S-box remain; the third is killed by the square's other root, and all three in the node below, which is the same template.";

const ONE_TREE =
  "The paths of both notes end in one root: another output here would have to be the hash at the top of the other path. The rest is as with groups.";

/**
 * By template of circuits/instances.json the constraints for which no bad witness is found although they are needed to first order, by
 * {@link constraintName}, each with why there is none.
 */
export const NEEDED_TO_FIRST_ORDER: Record<string, Record<string, string>> = {
  Transition: { "rows.underlyings.level1[*].Hash.many.permutation": SAME_ROOT },
  Solvency: { "rows.underlyings.level1[*].Hash.many.permutation": SAME_ROOT },
  Insolvency: { "rows.underlyings.level1[*].Hash.many.permutation": SAME_ROOT },
  Liquidation: {
    "rows.underlyings.level1[*].Hash.many.permutation": SAME_ROOT,
    "keeperState.NodeAt[*].Hash.many.permutation": ONE_TREE,
    "targetState.NodeAt[*].Hash.many.permutation": ONE_TREE,
  },
};

const QUARTER =
  "Needed: a slice could be dust. Of the accounts here, each slice that small also makes the ratio fall, by whole lots; that such a slice is refused is tested with another account.";
const FRACTION =
  "Neither shown: a sign that is a fraction makes whole products only of an equity with many low digits of 0.";

/**
 * By template the constraints for which neither a bad witness nor a direction is found, by {@link constraintName}, each with why that is no harm.
 */
export const SURVIVORS: Record<string, Record<string, string>> = {
  Liquidation: {
    "bounds.quarterOfAllowed.nonNegative, bounds.quarterOfWhole.nonNegative": QUARTER,
    "payments.solvent": FRACTION,
  },
};

/** What the lists say of a search. */
export interface SurvivorReview {
  /** Constraints without a bad witness that the lists do not name. */
  unlisted: string[];
  /** Entries of which constraints were tried and all have one. */
  stale: string[];
}

/** Holds a search against both lists. @param tried the names of all constraints that were tried. */
export function reviewSurvivors(
  template: string,
  { firstOrder, survivors }: MutationScore,
  tried: readonly string[],
): SurvivorReview {
  const unlisted: string[] = [];
  const stale: string[] = [];
  for (const [listed, found] of [
    [NEEDED_TO_FIRST_ORDER[template] ?? {}, firstOrder],
    [SURVIVORS[template] ?? {}, survivors],
  ] as const) {
    const names = new Set(found.map(({ signals }) => constraintName(signals)));
    unlisted.push(...[...names].filter((name) => !Object.hasOwn(listed, name)));
    stale.push(...Object.keys(listed).filter((name) => tried.includes(name) && !names.has(name)));
  }
  return { unlisted, stale };
}
