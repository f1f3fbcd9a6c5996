import { KIND, NOTE_LEGS, SCENARIOS } from "../../protocol/constants.ts";
import { EMPTY_LEG, type Leg } from "../../protocol/leg.ts";
import { entityOf, type Note, ownerKeyOf } from "../../protocol/note.ts";
import { NULL_ROW, type RiskRow } from "../../protocol/riskRow.ts";
import { commitSnapshot, type RiskParameters, type Snapshot } from "../../protocol/snapshot.ts";
import type { Random } from "./random.ts";

/** Rows made up for tests: losses are linear in the price, which makes margins easy to work out by hand. */
export function linearRow(id: bigint, kind: bigint, mark: bigint, changes: Partial<RiskRow> = {}): RiskRow {
  // Scenario s moves the price by (s - 8) sixteenths of a fifth of the mark; a long lot loses what the price falls.
  const losses = Array.from({ length: SCENARIOS }, (_, s) => -(mark * BigInt(s - 8)) / 80n);
  return {
    id,
    kind,
    settled: false,
    mark,
    fundingIndex: 0n,
    losses,
    longAddOn: mark / 200n,
    shortAddOn: mark / 100n,
    concentrationThreshold: 1_000_000n,
    concentrationRate: mark / 50n,
    ...changes,
  };
}

/** A settled row: nothing but its id, kind and the funding index that pays it out. */
export function settledRow(id: bigint, fundingIndex: bigint): RiskRow {
  return { ...NULL_ROW, id, kind: KIND.option, settled: true, fundingIndex };
}

export const PARAMETERS: RiskParameters = {
  imFactor: (13n << 16n) / 10n,
  priceBand: 5n << 16n,
  debtLimit: 0n,
};

export const SECRETS = { spendSecret: 1234567n, entitySecret: 7654321n };

export const SPOT = 10n;
export const PERPETUAL = 11n;
export const OPTION = 12n;
export const SECOND_PERPETUAL = 21n;
export const SETTLED_OPTION = 13n;

/** Two underlyings: at place 0 a spot, a perpetual, an option and a settled option; at place 3 another perpetual. */
export function smallMarket(
  parameters: Partial<RiskParameters> = {},
  changes: Partial<Record<string, Partial<RiskRow>>> = {},
): Snapshot {
  const underlyings: RiskRow[][] = [];
  underlyings[0] = [
    linearRow(SPOT, KIND.spot, 200_000_000n, changes.spot),
    linearRow(PERPETUAL, KIND.perpetual, 100_000_000n, { fundingIndex: 500_000n, ...changes.perpetual }),
    linearRow(OPTION, KIND.option, 30_000_000n, { fundingIndex: 0n, ...changes.option }),
    { ...settledRow(SETTLED_OPTION, -40_000_000n), ...changes.settled },
  ];
  underlyings[1] = [];
  underlyings[2] = [];
  underlyings[3] = [linearRow(SECOND_PERPETUAL, KIND.perpetual, 50_000_000n, changes.second)];
  return commitSnapshot(7n, { ...PARAMETERS, ...parameters }, underlyings);
}

/** A note of the test owner with the given cash and legs. */
export function noteWith(cash: bigint, legs: readonly Leg[] = []): Note {
  return {
    ownerKey: ownerKeyOf(SECRETS.spendSecret),
    entity: entityOf(SECRETS.entitySecret),
    rho: 99n,
    cash,
    legs: Array.from({ length: NOTE_LEGS }, (_, place) => legs[place] ?? EMPTY_LEG),
  };
}

/** Rows of every kind with odd values, in `count` underlyings of eight instruments at scattered places. */
export function randomMarket(random: Random, count: number): { snapshot: Snapshot; rows: RiskRow[] } {
  const underlyings: RiskRow[][] = [];
  const rows: RiskRow[] = [];
  for (let u = 0; u < count; u++) {
    const place = 9 * u + Number(random.between(0n, 8n));
    const spot = random.between(10_000_000n, 900_000_000n);
    underlyings[place] = Array.from({ length: 8 }, (_, k) => {
      const kind = random.pick([KIND.spot, KIND.perpetual, KIND.perpetual, KIND.option, KIND.option]);
      const settled = kind === KIND.option && random.chance(1, 5);
      const delta = kind === KIND.option ? random.between(-100n, 100n) : 100n;
      const value = (amount: bigint): bigint => (settled ? 0n : amount);
      const row: RiskRow = {
        id: BigInt(100 * (u + 1) + k),
        kind,
        settled,
        mark: value(kind === KIND.option ? random.between(0n, spot / 3n) : spot),
        fundingIndex: kind === KIND.spot ? 0n : random.between(-9_000_000n, 9_000_000n),
        losses: Array.from({ length: SCENARIOS }, (_, s) =>
          value((-spot * delta * BigInt(s - 8)) / 4000n + random.between(-spot / 50n, spot / 50n)),
        ),
        longAddOn: value(random.between(0n, spot / 100n)),
        shortAddOn: value(random.between(0n, spot / 50n)),
        concentrationThreshold: value(random.between(0n, 2_000n)),
        concentrationRate: value(random.between(0n, spot / 20n)),
      };
      rows.push(row);
      return row;
    });
  }
  for (let place = 0; place < underlyings.length; place++) underlyings[place] ??= [];
  return { snapshot: commitSnapshot(random.between(1n, 1_000_000n), PARAMETERS, underlyings), rows };
}

/** A note with up to `places` random legs among `rows`, at random places, and enough cash to be near its margin more often than not. */
export function randomNote(random: Random, rows: readonly RiskRow[], places: number): Note {
  const note = noteWith(random.between(-20_000_000_000n, 300_000_000_000n));
  const free = [...rows];
  for (let place = 0; place < places; place++) {
    if (random.chance(1, 3)) continue;
    const row = free.splice(Number(random.between(0n, BigInt(free.length - 1))), 1)[0] as RiskRow;
    const size =
      row.kind === KIND.spot
        ? random.between(1n, 3_000n)
        : random.pick([1n, -1n]) * random.between(1n, 3_000n);
    const fundingIndex =
      row.kind === KIND.spot ? 0n : row.fundingIndex + random.between(-2_000_000n, 2_000_000n);
    note.legs[place] = { id: row.id, size, fundingIndex };
  }
  return note;
}
