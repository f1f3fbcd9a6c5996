import { keccak256, type Signer } from "ethers";
import { HEADER_TYPES, oracleDomain, signObservations } from "../../contracts/signing.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import type { OracleState, StateReader } from "./chainState.ts";
import { expectedEpoch, type Proposal, type SubmittedObservation, verifyProposal } from "./epoch.ts";
import { type Journal, type SignedProposal, sameHeader } from "./journal.ts";
import type { PriceSource } from "./source.ts";
import { viewOf } from "./view.ts";

/*
 * One reporter: observes an epoch when it is asked to, and signs the header that follows from a quorum's observations, after it has computed
 * it again. It keeps what it signed, and signs no second header for an epoch while the first can be posted.
 */

/** Seconds by which an epoch's time may be ahead of the chain's, as in the contract. */
const MOST_AHEAD = 5n;
/** Seconds after which an epoch's time is too old to be observed. */
const MOST_BEHIND = 60n;
/** Seconds after which a header can no longer be posted. */
const POSTABLE_FOR = 180n;

export interface ReporterSetting {
  signer: Signer;
  source: PriceSource;
  readState: StateReader;
  journal: Journal;
  /** What is listed: the market to begin with, and what is new since. */
  market?: MarketInputs;
  /** Least seconds from one epoch to the next. */
  epochSeconds: number;
  /** Called at `observed`, `computed`, `signed`, `persisted`, before the work goes on. */
  onStage?: (stage: string) => Promise<void> | void;
}

/** What is asked of a reporter. */
export interface ObservationRequest {
  epoch: bigint;
  /** Unix seconds. */
  time: bigint;
  keys: bigint[];
}

export interface Reporter {
  address: string;
  /** Its signed observation of an epoch. The same request has the same answer for as long as that can be posted. */
  observe(request: ObservationRequest): Promise<SubmittedObservation>;
  /** Its signature over a header. */
  sign(proposal: Proposal): Promise<string>;
  /** What it signed last for the epoch that is next on the chain and can still be posted; undefined if nothing. */
  pending(): Promise<SignedProposal | undefined>;
}

function requireNext(state: OracleState, epoch: bigint): void {
  const next = (state.latest?.posted.epoch ?? 0n) + 1n;
  ensure(epoch === next, "reporter.epoch", `epoch is ${epoch}, expected ${next} at block ${state.block}`);
}

function requireTime(state: OracleState, time: bigint, mostBehind: bigint, epochSeconds: number): void {
  const now = BigInt(state.time);
  ensure(
    time <= now + MOST_AHEAD && time + mostBehind >= now,
    "reporter.time",
    `time is ${time}, expected from ${now - mostBehind} to ${now + MOST_AHEAD}`,
  );
  const last = state.latest?.posted.time;
  const least = last === undefined ? 0n : last + BigInt(epochSeconds);
  ensure(
    time >= least,
    "reporter.early",
    `time is ${time}, expected at least ${least}, an epoch after the last`,
  );
}

/** A reporter with its key, source and journal. */
export async function makeReporter(setting: ReporterSetting): Promise<Reporter> {
  const { signer, source, readState, journal, market, epochSeconds, onStage } = setting;
  const address = await signer.getAddress();

  const requireRegistered = (state: OracleState): void =>
    ensure(
      state.reporters.some((registered) => registered.address === address),
      "reporter.unregistered",
      `reporter ${address} is not in the oracle's set, expected it to be registered`,
    );

  return {
    address,
    async observe({ epoch, time, keys }) {
      const state = await readState();
      requireRegistered(state);
      requireNext(state, epoch);
      const before = journal.observed(epoch, time, keys);
      if (before !== undefined) return before;
      requireTime(state, time, MOST_BEHIND, epochSeconds);
      journal.requireTimeFree(epoch, time, state.time);
      const expected = expectedEpoch(state, time, market);
      ensure(
        String(keys) === String(expected.keys),
        "reporter.keys",
        `keys are ${String(keys).slice(0, 80)}, expected ${String(expected.keys).slice(0, 80)}`,
      );
      const seen = await source.observe(Number(time));
      await onStage?.("observed");
      const view = viewOf(expected.base, seen, Number(time) * 1000);
      const rest = encodeInputs(view.inputs);
      const [signed] = await signObservations([signer], state.chainId, state.oracle, { epoch, time, keys }, [
        { prices: view.list.prices, tradedAt: view.tradedAt, restHash: keccak256(rest) },
      ]);
      const observation = { ...(signed as NonNullable<typeof signed>), rest };
      // Two requests at once: the first to be recorded is the answer to both.
      const meanwhile = journal.observed(epoch, time, keys);
      if (meanwhile !== undefined) return meanwhile;
      journal.recordObserved(epoch, time, keys, observation);
      await onStage?.("persisted");
      return observation;
    },

    async sign(proposal) {
      const { header, keys } = proposal;
      const state = await readState();
      requireRegistered(state);
      requireNext(state, header.epoch);
      const before = journal.signed(header.epoch);
      if (before !== undefined && sameHeader(before.header, header)) return before.signature;
      requireTime(state, header.time, POSTABLE_FOR, epochSeconds);
      journal.requireFree(header, state.time);
      const { usable } = verifyProposal(state, proposal, market);
      const own = usable.find(({ reporter }) => reporter === address);
      const recorded = journal.observed(header.epoch, header.time, keys);
      if (own !== undefined && own.observation.signature !== recorded?.signature)
        throw new SolvusError(
          "reporter.ownObservation",
          `observations have one of ${address} that this reporter has not recorded, expected its own; is its key used elsewhere?`,
        );
      await onStage?.("computed");
      const signature = await signer.signTypedData(
        oracleDomain(state.chainId, state.oracle),
        HEADER_TYPES,
        header,
      );
      await onStage?.("signed");
      journal.recordSigned({ ...proposal, signature }, state.time);
      await onStage?.("persisted");
      return signature;
    },

    async pending() {
      const state = await readState();
      const signed = journal.signed((state.latest?.posted.epoch ?? 0n) + 1n);
      const isPostable = signed !== undefined && signed.header.time + POSTABLE_FOR >= BigInt(state.time);
      return isPostable ? signed : undefined;
    },
  };
}
