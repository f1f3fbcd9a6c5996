import { SolvusError } from "./errors.ts";

/** A size of circuit: how many leg places it reads and how many underlyings it opens. The other places of a note must be empty. */
export interface Tier {
  name: "small" | "large";
  legs: number;
  underlyings: number;
}

/** Tiers in ascending order, as in `circuits/instances.json`; their leg counts fill the 2^15 and 2^16 domains. */
export const TIERS: readonly Tier[] = [
  { name: "small", legs: 7, underlyings: 3 },
  { name: "large", legs: 18, underlyings: 6 },
];

/** The smallest tier that holds `legs` leg places and `underlyings` distinct underlyings. Throws `tier.none`. */
export function tierFor(shape: { legs: number; underlyings: number }): Tier {
  const tier = TIERS.find(({ legs, underlyings }) => shape.legs <= legs && shape.underlyings <= underlyings);
  if (tier !== undefined) return tier;
  const largest = TIERS.at(-1) as Tier;
  throw new SolvusError(
    "tier.none",
    `account: ${shape.legs} leg places and ${shape.underlyings} underlyings, expected at most ${largest.legs} and ${largest.underlyings}`,
  );
}
