import { SolvusError } from "../../protocol/errors.ts";

/*
 * A proof takes the relayer longer to refuse than its sender to make up. Whoever sends false ones is shut out for a while, so that he does
 * not take others' turns.
 */

/** Counts false proofs by client address. */
export interface Penalties {
  /** Throws `http.tooMany` while an address is shut out. */
  require(address: string): void;
  /** Notes a false proof. */
  add(address: string): void;
}

/** False proofs of an address within a window after which it is shut out until the window ends. */
const TOLERATED = 20;
export const WINDOW_MS = 60_000;
/** Addresses that are remembered. */
const REMEMBERED = 10_000;

/** `now` gives milliseconds of the clock. */
export function makePenalties(now: () => number = Date.now): Penalties {
  const counts = new Map<string, { since: number; count: number }>();
  const current = (address: string) => {
    const known = counts.get(address);
    return known !== undefined && now() - known.since < WINDOW_MS ? known : undefined;
  };
  return {
    require(address) {
      if ((current(address)?.count ?? 0) < TOLERATED) return;
      throw new SolvusError(
        "http.tooMany",
        `proofs: ${TOLERATED} false ones within a minute from this address, expected valid ones; try again in a minute`,
      );
    },
    add(address) {
      const known = current(address);
      if (known !== undefined) {
        known.count++;
        return;
      }
      counts.delete(address);
      counts.set(address, { since: now(), count: 1 });
      if (counts.size > REMEMBERED) counts.delete(counts.keys().next().value as string);
    },
  };
}
