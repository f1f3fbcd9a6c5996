/*
 * Changes that break one rule of a circuit alone, where searching from an account at random does not come across them. What follows
 * from a change is computed and checked as with any other.
 */

/** An honest value by its signal's name without `main.`, between −r/2 and r/2; undefined when there is no such wire. */
export type Honest = (signal: string) => bigint | undefined;

/** New values of signals by name. */
export type NamedChange = Record<string, bigint>;

/** Changes for the constraint of these signals. */
type Rule = (honest: Honest, signals: readonly string[]) => NamedChange[];

/** The honest values of a vector. */
function vector(honest: Honest, name: string): bigint[] {
  const found: bigint[] = [];
  for (let place = 0; ; place++) {
    const value = honest(`${name}[${place}]`);
    if (value === undefined) return found;
    found.push(value);
  }
}

/** The least index that signals of a vector have. */
const leastIndex = (signals: readonly string[], name: string): number =>
  Math.min(
    ...signals.flatMap((signal) =>
      signal.startsWith(`${name}[`) ? [Number.parseInt(signal.slice(name.length + 1), 10)] : [],
    ),
  );

/** A spot leg turned short. */
const shortSpot: Rule = (honest, signals) => {
  const place = leastIndex(signals, "counted.nonNegative");
  return [{ [`oldSize[${place}]`]: -(honest(`oldSize[${place}]`) ?? 0n) }];
};

/** A leg of the package left out before another one. */
const gapInPackage: Rule = (_, signals) => {
  const leg = leastIndex(signals, "trade.used");
  return [{ [`packageId[${leg}]`]: 0n, [`packageSize[${leg}]`]: 0n }];
};

/** The first leg of the package moved to its second place. */
const emptyFirstLeg: Rule = (honest) => [
  {
    ...{ "packageId[0]": 0n, "packageSize[0]": 0n },
    ...{ "packageId[1]": honest("packageId[0]") ?? 0n, "packageSize[1]": honest("packageSize[0]") ?? 0n },
  },
];

/** A safe trade's second leg turned to the side that enlarges, at its mark. */
const enlargingSafely: Rule = (honest) => {
  const [size, id, cash] = [honest("packageSize[1]"), honest("packageId[1]"), honest("packageCash")];
  if (size === undefined || id === undefined || cash === undefined) return [];
  const mark = honest(`mark[${vector(honest, "id").indexOf(id)}]`) ?? 0n;
  return [{ "packageSize[1]": -size, packageCash: cash + 2n * size * mark }];
};

/** The asset's id for a leg of another kind as well. */
const twoMatches: Rule = (honest) => {
  const asset = honest("asset") ?? 0n;
  const ids = asset === 0n ? [] : vector(honest, "id");
  // Legs in use come last where there is an asset.
  return ids.flatMap((id, place) => (id === asset ? [] : [{ [`id[${place}]`]: asset }])).toReversed();
};

/** A settled row for a leg, which is traded instead of the package's last leg, at its mark. */
const settledTrade: Rule = (honest, signals) => {
  const place = leastIndex(signals, "settled");
  const [id, size] = [honest(`id[${place}]`) ?? 0n, honest("packageSize[3]") ?? 0n];
  const settled = { [`settled[${place}]`]: 1n };
  const before = vector(honest, "id").indexOf(honest("packageId[3]") ?? 0n);
  const [from, to] = [honest(`mark[${before}]`) ?? 0n, honest(`mark[${place}]`) ?? 0n];
  const packageCash = (honest("packageCash") ?? 0n) + size * (from - to);
  return [settled, { ...settled, "packageId[3]": id, packageCash }];
};

/** Another slice with the lots that go with it. */
function otherSlice(honest: Honest, slice: bigint): NamedChange {
  const change: NamedChange = { slice };
  for (const [place, size] of vector(honest, "size").entries()) {
    const magnitude = size < 0n ? -size : size;
    const taken = (slice * magnitude + 0xffffn) >> 16n;
    change[`taken[${place}]`] = size < 0n ? -taken : taken;
  }
  return change;
}

/** Rules by the constraint's name (see constraintName). */
export type Rules = Record<string, Rule>;

/** One lot more in a leg that is cut, and as many more taken of it as that makes. */
const largerLeg: Rule = (honest, signals) => {
  const place = leastIndex(signals, "cut");
  const magnitude = (honest(`cut[${place}].magnitude`) ?? 0n) + 1n;
  const taken = ((honest("slice") ?? 0n) * magnitude + 0xffffn) >> 16n;
  const sign = (honest(`size[${place}]`) ?? 0n) < 0n ? -1n : 1n;
  return [{ [`cut[${place}].magnitude`]: magnitude, [`taken[${place}]`]: sign * taken }];
};

/** A digit 2 in a note's place in the tree. */
const doubleDigit: Rule = (honest, signals) => {
  const bit = leastIndex(signals, "state.bits");
  const more = 2n - (honest(`state.bits[${bit}]`) ?? 0n);
  const leafIndex = (honest("leafIndex") ?? 0n) + (more << BigInt(bit));
  return [{ [`state.bits[${bit}]`]: 2n, leafIndex }];
};

const TRANSITION: Rules = {
  "counted.nonNegative[*], flow.placeIsSpot[*]": shortSpot,
  "exiting, oldNotSpot[*]": () => [{ mode: 2n }],
  "flow.lots, flow.match[*].out": twoMatches,
  "flow.lots, flow.spotMatch[*]": (honest) => vector(honest, "id").map((asset) => ({ asset })),
  "trade.hasTrade, trade.used[*]": emptyFirstLeg,
  "trade.used[*]": gapInPackage,
  "settled[*], trade.tradedMagnitude[*]": settledTrade,
  "enlargedLong[*], enlargedShort[*], safe": enlargingSafely,
};

const LIQUIDATION: Rules = {
  "counted.nonNegative[*], cut[*].magnitude, liveSize[*]": largerLeg,
  "bounds.large.nonNegative, slice": (honest) => [otherSlice(honest, 40_000n)],
};

/** Rules by template. */
export const BY_HAND: Record<string, Rules> = {
  Transition: TRANSITION,
  Solvency: { "state.bits[*]": doubleDigit },
  Liquidation: LIQUIDATION,
};
