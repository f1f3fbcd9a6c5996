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

const CURRENT =
  "Harmless, and a 0 or 1 in effect: where a registry is asked, current must be 1 by another constraint; where none is, nothing uses it.";
const GROUP =
  "Needed: without it a leg counts in three groups as 1, -1 and 1 where two of them have one root. A second witness is found for most of them, the others take more than this repair.";
const TERM =
  "Needed: any loss could stand in for the product. The repair finds no loss whose sums still have digits in range and a scan risk that is their maximum.";
const PLACE =
  "Needed: a digit that is none names a place by which ChildAt mixes children. The repair does not find children for the mixture.";

/**
 * By template of circuits/instances.json the constraints for which neither a bad witness nor a direction is found, by {@link constraintName}, each with
 * why that is no harm.
 */
export const SURVIVORS: Record<string, Record<string, string>> = {
  Insertion: { "bits[*]": PLACE },
  Open: { "RequireMember.membership.current": CURRENT },
  Transition: {
    "member.membership.current": CURRENT,
    "group[*][*]": GROUP,
    "margin.sums.inGroup[*][*], margin.sums.term[*][*][*], words[*][*]": TERM,
    "rows.underlyings.bits[*].out[*]": PLACE,
  },
  Solvency: { "group[*][*]": GROUP, "rows.underlyings.bits[*].out[*]": PLACE },
  Insolvency: { "group[*][*]": GROUP, "rows.underlyings.bits[*].out[*]": PLACE },
  Liquidation: {
    "group[*][*]": GROUP,
    "keeperState.bits[*]": PLACE,
    "rows.underlyings.bits[*].out[*]": PLACE,
  },
};

/** What the list of survivors says of a search. */
export interface SurvivorReview {
  /** Survivors that the list does not name. */
  unlisted: string[];
  /** Entries of which constraints were tried and none survived. */
  stale: string[];
}

/** Holds a search against the list. @param tried the names of all constraints that were tried. */
export function reviewSurvivors(
  template: string,
  { survivors }: MutationScore,
  tried: readonly string[],
): SurvivorReview {
  const listed = SURVIVORS[template] ?? {};
  const names = new Set(survivors.map(({ signals }) => constraintName(signals)));
  return {
    unlisted: [...names].filter((name) => !Object.hasOwn(listed, name)),
    stale: Object.keys(listed).filter((name) => tried.includes(name) && !names.has(name)),
  };
}
