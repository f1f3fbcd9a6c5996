import { performance } from "node:perf_hooks";
import { keccak256 } from "ethers";
import { NOTE_LEGS } from "../protocol/constants.ts";
import { encodeInputs } from "../protocol/inputsCodec.ts";
import { EMPTY_LEG, type Leg } from "../protocol/leg.ts";
import type { MarketInputs, OptionQuote, UnderlyingInputs } from "../protocol/marketInputs.ts";
import type { Note } from "../protocol/note.ts";
import { type PostedSnapshot, rebuildSnapshot } from "../protocol/postedSnapshot.ts";
import { pricesOf, withPrices } from "../protocol/pricedInputs.ts";
import { buildSnapshot } from "../protocol/snapshot.ts";
import { standingOf } from "../protocol/solvency.ts";
import { standingsOf } from "../services/keeper/bulkMargin.ts";
import { median } from "./benchmark.ts";

const ACCOUNTS = 10_000;
const LEGS = 8;
const EPOCHS = 5;
const EXPIRIES = 10;
const OPTIONS = 490;
const DAY = 86_400_000;
const TIME = Date.UTC(2024, 0, 10);

/** Spot, perpetual and options of one underlying. */
function underlying(name: string, price: number, firstId: number): UnderlyingInputs {
  const quote = (index: number): OptionQuote => ({
    id: firstId + 2 + index,
    strike: Math.round((price * (50 + Math.floor(index / EXPIRIES / 2) * 4)) / 100),
    call: Math.floor(index / EXPIRIES) % 2 === 0,
    volatility: 500_000 + index * 100,
    forward: price,
    time: TIME,
  });
  return {
    name,
    index: price,
    scan: { model: "volatile", floor: 120_000, cap: 350_000, realizedVolatility: 500_000, previousRange: 0 },
    concentrationUnits: 1_000,
    spot: { id: firstId, lotExponent: -2 },
    perpetual: { id: firstId + 1, lotExponent: -2, mark: price, fundingIndex: 12_345 },
    expiries: Array.from({ length: EXPIRIES }, (_, group) => ({
      expiry: TIME + (1 + group * 15) * DAY,
      lotExponent: -2,
      options: Array.from({ length: OPTIONS }, (_, index) => index)
        .filter((index) => index % EXPIRIES === group)
        .map(quote),
    })),
    settled: [],
  };
}

/** The snapshot of an epoch as it is posted: two underlyings, 984 instruments; each epoch has other prices. */
function posted(epoch: number): PostedSnapshot {
  const draft: MarketInputs = {
    epoch,
    time: TIME + epoch * 60_000,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: [
      underlying("BTC", 50_000_000_000 + epoch * 7_000_000, 1),
      underlying("ETH", 2_500_000_000 + epoch * 900_000, 1_001),
    ],
    archives: [],
  };
  const prices = pricesOf(draft);
  const inputs = withPrices(draft, prices);
  const bytes = encodeInputs(inputs);
  return {
    ...prices,
    epoch: BigInt(epoch),
    time: BigInt(Math.floor(inputs.time / 1000)),
    root: buildSnapshot(inputs).root,
    steady: true,
    inputsHash: keccak256(bytes),
    inputs: bytes,
    block: epoch,
  };
}

/** Accounts of eight legs in both underlyings, without anything random. */
function accounts(): Note[] {
  return Array.from({ length: ACCOUNTS }, (_, account) => {
    const legs = Array.from({ length: NOTE_LEGS }, (_, place): Leg => {
      if (place >= LEGS) return EMPTY_LEG;
      const first = place % 2 === 0 ? 1 : 1_001;
      const id = BigInt(first + 1 + ((account * 31 + place * 67) % OPTIONS));
      const size = BigInt(((account * 17 + place * 29) % 401) - 200) || 1n;
      return { id, size, fundingIndex: BigInt((account * 13 + place) % 20_000) };
    });
    const distinct = legs.map((leg, place) =>
      legs.findIndex(({ id }) => id === leg.id) === place ? leg : EMPTY_LEG,
    );
    return {
      ownerKey: 1n,
      entity: 2n,
      rho: BigInt(account),
      cash: BigInt(account) * 10_000_000n,
      legs: distinct,
    };
  });
}

const seconds = (work: () => unknown): number => {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
};

/** Seconds for an epoch, by its part: medians over epochs that each have a fresh snapshot. */
function measure(part: (epoch: PostedSnapshot, notes: readonly Note[]) => number): number {
  const notes = accounts();
  const epochs = Array.from({ length: EPOCHS + 1 }, (_, index) => posted(index + 1));
  const [warm, ...measured] = epochs.map((epoch) => part(epoch, notes));
  if (warm === undefined) throw new Error("no epoch was measured");
  return median(measured);
}

/** The epoch whole: the posted snapshot is recomputed from its inputs, and every account evaluated on it. */
function epochSeconds(): number {
  return measure((epoch, notes) => seconds(() => standingsOf(notes, rebuildSnapshot(epoch))));
}

function marginSeconds(): number {
  return measure((epoch, notes) => {
    const snapshot = rebuildSnapshot(epoch);
    return seconds(() => standingsOf(notes, snapshot));
  });
}

function modelSeconds(): number {
  return measure((epoch, notes) => {
    const snapshot = rebuildSnapshot(epoch);
    return seconds(() => notes.map((note) => standingOf(note, snapshot)));
  });
}

export const benchmarks = [
  { name: "keeper.accounts_per_second", unit: "accounts/s", run: () => ACCOUNTS / epochSeconds() },
  { name: "keeper.epoch_10000_accounts.seconds", unit: "s", run: epochSeconds },
  { name: "keeper.margins_per_second", unit: "accounts/s", run: () => ACCOUNTS / marginSeconds() },
  { name: "keeper.margins_per_second.model", unit: "accounts/s", run: () => ACCOUNTS / modelSeconds() },
];
