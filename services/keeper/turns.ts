/*
 * Planning a take-over takes some ten milliseconds, and there may be hundreds to plan: some in each round. Accounts that cannot be had, however
 * good they look, must not keep a keeper from those that can.
 */

/** Rules by the places of accounts for which no bid was found at an epoch, those that were planned last at the end. */
export interface InVain {
  epoch: bigint;
  rules: Map<bigint, string>;
}

/** Said of an account for which a bid is yet to be planned. */
export const NOT_PLANNED = "keeper.turn";

/** Bids that are planned in full in one round. */
export const PLANNED_BIDS = 8;

/** Forgets what another epoch's planning came to. */
export function beginEpoch(inVain: InVain, epoch: bigint): void {
  if (inVain.epoch === epoch) return;
  inVain.epoch = epoch;
  inVain.rules.clear();
}

/** Notes that no bid was found for the account at a place. */
export function plannedInVain({ rules }: InVain, place: bigint, rule: string): void {
  rules.delete(place);
  rules.set(place, rule);
}

/** Whose turn it is now, and who comes later: those first that were not planned at this epoch, in their order, then those planned longest ago. */
export function turns<Candidate>(
  candidates: readonly Candidate[],
  placeOf: (candidate: Candidate) => bigint,
  { rules }: InVain,
): { now: Candidate[]; later: Candidate[] } {
  const order = new Map([...rules.keys()].map((place, at) => [place, at + 1]));
  const turnOf = (candidate: Candidate): number => order.get(placeOf(candidate)) ?? 0;
  const inTurn = candidates.toSorted((one, other) => turnOf(one) - turnOf(other));
  return { now: inTurn.slice(0, PLANNED_BIDS), later: inTurn.slice(PLANNED_BIDS) };
}
