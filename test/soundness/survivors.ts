import type { MutationScore } from "./mutationScore.ts";

/** Signals of a constraint without indices and without the numbers of anonymous components, each once. */
export function constraintName(signals: readonly string[]): string {
  const general = signals.map((signal) =>
    signal
      .replace(/^main\./, "")
      .replace(/\[\d+\]/g, "[*]")
      .replace(/_\d+_\d+(?=[.[]|$)/g, ""),
  );
  return [...new Set(general)].sort().join(", ");
}

/**
 * By template of circuits/instances.json the constraints for which neither a bad witness nor a direction is found, by {@link constraintName}, each with
 * why that is no harm.
 */
export const SURVIVORS: Record<string, Record<string, string>> = {};

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
