import { hexlify, keccak256 } from "ethers";
import type { Observation, SnapshotHeader } from "../../contracts/signing.ts";
import { aggregateInputs } from "../../protocol/aggregatedInputs.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { decodeInputs, encodeInputs } from "../../protocol/inputsCodec.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { aggregatePrice, type Reason } from "../../protocol/priceAggregation.ts";
import { type PriceList, pricesHash, pricesOf } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { isSteady } from "../../protocol/steadiness.ts";
import { type OracleState, observationQuorum } from "./chainState.ts";
import { observerOf } from "./recovery.ts";
import { type EpochBase, viewOf } from "./view.ts";

/*
 * What follows from the observations of an epoch: aggregated prices, inputs, snapshot, header. A pure function of the chain's state and the
 * signed observations; the aggregator computes it to propose, and every reporter computes it again before it signs.
 */

/** An observation with the view that it commits to. */
export interface SubmittedObservation extends Observation {
  /** The reporter's inputs as bytes (`encodeInputs`); `restHash` is their Keccak-256. */
  rest: Uint8Array;
}

/** The epoch that is to be observed, as the chain before it and the listings determine it. */
export interface ExpectedEpoch {
  epoch: bigint;
  /** Unix seconds. */
  time: bigint;
  base: EpochBase;
  /** What all views have in common; its observed numbers are those of the epoch before. */
  listed: MarketInputs;
  keys: bigint[];
}

/** An observation that can be used. */
export interface UsableObservation {
  reporter: string;
  currency: string;
  observation: SubmittedObservation;
  view: MarketInputs;
}

/** A source that does not count in a price. */
export interface LeftOutPrice {
  reporter: string;
  key: bigint;
  reason: Reason;
}

/** What a quorum signs, and all that it follows from. */
export interface ComputedEpoch {
  header: SnapshotHeader;
  inputs: Uint8Array;
  keys: bigint[];
  prices: bigint[];
  /** By ascending address of the reporter. */
  observations: SubmittedObservation[];
  snapshot: MarketSnapshot;
  leftOut: LeftOutPrice[];
}

/**
 * The next epoch, observed at a time in Unix seconds. `market` is what is listed: needed before the first snapshot
 * (`oracle.market`), and later for what is new in it. Throws `oracle.time` for a time that is not after the latest snapshot's.
 */
export function expectedEpoch(
  state: OracleState,
  time: bigint,
  market: MarketInputs | undefined,
): ExpectedEpoch {
  const inputs = state.latest?.snapshot.inputs ?? market;
  if (inputs === undefined)
    throw new SolvusError(
      "oracle.market",
      "no snapshot is posted, expected the market to begin with to be given",
    );
  const last = state.latest?.posted.time ?? 0n;
  ensure(time > last, "oracle.time", `time is ${time}, expected later than ${last}, the latest snapshot's`);
  const base: EpochBase = { inputs, isFirst: state.latest === undefined, ...(market && { market }) };
  const listed = viewOf(base, {}, Number(time) * 1000).inputs;
  return {
    epoch: (state.latest?.posted.epoch ?? 0n) + 1n,
    time,
    base,
    listed,
    keys: pricesOf(listed).keys,
  };
}

/**
 * Takes an observation for one that can be used, or throws why it cannot: `observation.signer` (not of a reporter of the set, or signed for
 * another epoch, time or keys), `observation.length`, `observation.rest` (other bytes than it commits to, or no inputs), and
 * `observation.listing` (inputs that list something else than follows from the epoch before).
 */
export function usableObservation(
  state: OracleState,
  expected: ExpectedEpoch,
  observation: SubmittedObservation,
): UsableObservation {
  const { keys } = expected;
  const { prices, tradedAt, restHash, rest, signature } = observation;
  ensure(
    prices.length === keys.length && tradedAt.length === keys.length,
    "observation.length",
    `observation has ${prices.length} prices and ${tradedAt.length} times, expected ${keys.length} of each`,
  );
  const { epoch, time } = expected;
  const signer = observerOf(state, { epoch, time, keys, prices, tradedAt, restHash }, signature);
  const registered = state.reporters.find(({ address }) => address === signer);
  if (registered === undefined)
    throw new SolvusError(
      "observation.signer",
      `observation's signer is ${signer ?? "nobody"}, expected a reporter who signed epoch ${expected.epoch} at ${expected.time}`,
    );
  const hash = keccak256(rest);
  ensure(
    hash === restHash,
    "observation.rest",
    `other inputs of ${signer} hash to ${hash}, expected ${restHash} as signed`,
  );
  return {
    reporter: registered.address,
    currency: registered.currency,
    observation,
    view: listedView(expected, registered.address, rest),
  };
}

function listedView({ listed }: ExpectedEpoch, reporter: string, rest: Uint8Array): MarketInputs {
  try {
    const view = decodeInputs(rest);
    const ones = pricesOf(listed);
    // Refuses views that differ in anything that is not observed.
    aggregateInputs([listed, view], ones);
    return view;
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    const rule = error.rule === "inputs.listing" ? "observation.listing" : "observation.rest";
    throw new SolvusError(rule, `inputs of ${reporter}: ${error.message}`);
  }
}

const byAddress = (first: UsableObservation, second: UsableObservation): number =>
  BigInt(first.reporter) < BigInt(second.reporter) ? -1 : 1;

/** Prices of the latest snapshot by key. */
function lastPrices({ latest }: OracleState): Map<bigint, bigint> {
  const { keys, prices } = latest?.posted ?? { keys: [], prices: [] };
  return new Map(keys.map((key, place) => [key, prices[place] as bigint]));
}

/**
 * Computes the epoch from usable observations, one of each reporter. Throws `oracle.quorum` for too few, `oracle.price` for a price that the contract would
 * refuse, and `inputs.*`, `row.*`, `snapshot.*` for inputs that give no snapshot.
 */
export function computeEpoch(
  state: OracleState,
  expected: ExpectedEpoch,
  usable: readonly UsableObservation[],
): ComputedEpoch {
  const { epoch, time, keys } = expected;
  const quorum = observationQuorum(state.reporters.length);
  const sources = [...usable].sort(byAddress);
  const twice = sources.find(({ reporter }, place) => reporter === sources[place - 1]?.reporter);
  ensure(twice === undefined, "oracle.twice", `observations has two of ${twice?.reporter}, expected one`);
  ensure(
    sources.length >= quorum,
    "oracle.quorum",
    `observations has ${sources.length}, expected at least ${quorum} of ${state.reporters.length} reporters`,
  );
  const last = lastPrices(state);
  const leftOut: LeftOutPrice[] = [];
  const round = {
    time,
    lastTime: state.latest?.posted.time ?? 0n,
    quorum,
    severalCurrencies: new Set(state.reporters.map(({ currency }) => currency)).size > 1,
  };
  const prices = keys.map((key, place) => {
    const seen = sources.map(({ currency, observation }) => ({
      currency,
      price: observation.prices[place] as bigint,
      tradedAt: observation.tradedAt[place] as bigint,
    }));
    const { verdict, price, count, reasons } = aggregatePrice(round, seen, last.get(key) ?? 0n);
    ensure(
      verdict === "priced",
      "oracle.price",
      `price of key ${key}: ${verdict} with ${count} sources, expected at least ${quorum}`,
    );
    reasons.forEach((reason, source) => {
      const { reporter } = sources[source] as UsableObservation;
      if (reason !== "used") leftOut.push({ reporter, key, reason });
    });
    return price;
  });
  const list: PriceList = { keys, prices };
  const inputs = aggregateInputs(
    sources.map(({ view }) => view),
    list,
  );
  const snapshot = buildSnapshot(inputs);
  const bytes = encodeInputs(inputs);
  const before = state.latest?.snapshot.inputs;
  const header: SnapshotHeader = {
    epoch,
    time,
    snapshotRoot: snapshot.root,
    pricesHash: pricesHash(list),
    inputsHash: keccak256(bytes),
    steady: before === undefined || isSteady(before, inputs),
  };
  const observations = sources.map(({ observation }) => observation);
  return { header, inputs: bytes, keys, prices, observations, snapshot, leftOut };
}

/** A header and what it is claimed to follow from. */
export type Proposal = Pick<ComputedEpoch, "header" | "inputs" | "keys" | "observations">;

/**
 * Computes a proposal again and throws, naming the first field that differs, unless everything in it follows from its observations
 * (`proposal.<field>`); otherwise as {@link usableObservation} and {@link computeEpoch}.
 */
export function verifyProposal(
  state: OracleState,
  proposal: Proposal,
  market: MarketInputs | undefined,
): { computed: ComputedEpoch; usable: UsableObservation[] } {
  const { header } = proposal;
  const expected = expectedEpoch(state, header.time, market);
  const differs = (field: string, found: unknown, wanted: unknown): void => {
    ensure(
      String(found) === String(wanted),
      `proposal.${field}`,
      `${field} is ${String(found).slice(0, 80)}, expected ${String(wanted).slice(0, 80)}`,
    );
  };
  differs("epoch", header.epoch, expected.epoch);
  differs("keys", proposal.keys, expected.keys);
  const usable = proposal.observations.map((observation) => usableObservation(state, expected, observation));
  const computed = computeEpoch(state, expected, usable);
  for (const field of ["snapshotRoot", "pricesHash", "inputsHash", "steady"] as const)
    differs(field, header[field], computed.header[field]);
  differs("inputs", hexlify(proposal.inputs), hexlify(computed.inputs));
  return { computed, usable };
}
