/** What model, rulebook and circuit said of many cases. */
export interface Tally {
  /**
   * Counts one case. Throws an Error unless all three accept, or all three refuse: the model by a rule that the rulebook's restatement
   * finds breached, the circuit at the place of such a rule.
   */
  expect(
    verdict: string,
    breaches: readonly string[],
    refusal: string | undefined,
    places: Record<string, RegExp>,
  ): void;
  /** How often the model gave each verdict. */
  verdicts: Map<string, number>;
  /** How often a rule was the only one breached, so that the circuit's refusal was of it alone. */
  alone: Map<string, number>;
}

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

export function newTally(): Tally {
  const verdicts = new Map<string, number>();
  const alone = new Map<string, number>();
  return {
    verdicts,
    alone,
    expect(verdict, breaches, refusal, places) {
      count(verdicts, verdict);
      const opinions = `model: ${verdict}; rulebook: ${breaches.join(", ") || "accepted"}; circuit: ${refusal ?? "accepted"}`;
      const accepted = verdict === "accepted";
      if (accepted !== (breaches.length === 0) || accepted !== (refusal === undefined))
        throw new Error(opinions);
      if (refusal === undefined) return;
      if (!breaches.includes(verdict)) throw new Error(`not the same rule: ${opinions}`);
      if (!breaches.some((rule) => places[rule]?.test(refusal)))
        throw new Error(`not the rule's place: ${opinions}`);
      if (breaches.length === 1) count(alone, verdict);
    },
  };
}
