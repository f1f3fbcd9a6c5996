const ROW =
  "Opened beside a place without lots before and after, where any row counts with size 0 and the note's leg is empty whatever the row.";
const UNDERLYING = "Of a group that no leg with lots is in: any other underlying may be opened there.";
const LISTING =
  "Not asked for: the registry is open, or the transition needs no membership; nothing else uses the listing.";
const CLAIM =
  "Enters the lower bound of the margin alone, which no claim lifts above the margin; a lower bound than the best one is enough here, or none is asked for.";

const ROWS = {
  "id[*]": ROW,
  "words[*][*]": ROW,
  "mark[*]": ROW,
  "fundingIndex[*]": ROW,
  "longAddOn[*]": ROW,
  "shortAddOn[*]": ROW,
  "concentrationThreshold[*]": ROW,
  "concentrationRate[*]": ROW,
  "kindBits[*][*]": ROW,
  "settled[*]": ROW,
  "rowPath0[*][*]": ROW,
  "rowPath1[*][*]": ROW,
  "rowPath2[*][*]": ROW,
  "group[*][*]": ROW,
  "underlyingPlace[*]": UNDERLYING,
  "underlyingRoot[*]": UNDERLYING,
  "underlyingPath0[*][*]": UNDERLYING,
};
const CLAIMS = {
  "claimsLong[*]": CLAIM,
  "claimsConcentrated[*]": CLAIM,
  "claimedScenario[*][*]": CLAIM,
};

/**
 * By template of circuits/instances.json the private inputs that a prover may choose, in some statement, without changing its public signals or
 * what it is about, each with why that is no harm. Nothing else may be chosen so; of every entry an example must be found. The wires within a circuit that are free
 * while its inputs stay are listed in test/soundness/uniqueness/reviewed.ts.
 */
export const FREE: Record<string, Record<string, string>> = {
  Transition: {
    ...ROWS,
    ...CLAIMS,
    safe: "A claim that may be left out: the transition then meets the stricter class.",
    salt: "Without a trade there is no tag that it would hide.",
    expiryEpoch: LISTING,
    "registryLevels[*][*]": LISTING,
  },
  Solvency: ROWS,
  Insolvency: { ...ROWS, ...CLAIMS },
  Liquidation: { ...ROWS, expiryEpoch: LISTING, "registryLevels[*][*]": LISTING },
};
