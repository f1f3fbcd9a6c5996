import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { type OracleState, observationQuorum, signatureQuorum } from "./chainState.ts";
import { type Answer, askAll, type Patience } from "./collect.ts";
import {
  type ComputedEpoch,
  computeEpoch,
  type ExpectedEpoch,
  expectedEpoch,
  type Proposal,
  type UsableObservation,
  usableObservation,
  verifyProposal,
} from "./epoch.ts";
import { signerOf } from "./recovery.ts";
import type { RemoteReporter } from "./reporterClient.ts";

/*
 * One epoch as an aggregator makes it: ask all reporters what they see, compute the snapshot, gather a quorum's signatures. When some
 * reporters have signed a header of the epoch already (an aggregator was killed after it had their signatures), that one is completed:
 * they sign no other.
 */

/** A reporter that has no part in an epoch, and why. */
export interface LeftOut {
  reporter: string;
  at: "observation" | "signature" | "price";
  rule: string;
  message: string;
}

/** A snapshot that can be posted. */
export interface SignedEpoch {
  computed: ComputedEpoch;
  /** By ascending address. */
  signatures: string[];
  leftOut: LeftOut[];
  /** Whether an earlier aggregator's header was completed. */
  isResumed: boolean;
}

export interface RoundSetting {
  reporters: readonly RemoteReporter[];
  state: OracleState;
  /** Unix seconds of the epoch to be observed. */
  time: bigint;
  market?: MarketInputs;
  patience: Patience;
  onStage?: (stage: string) => Promise<void> | void;
}

function refusalsOf(answers: readonly Answer<unknown>[], at: LeftOut["at"]): LeftOut[] {
  return answers.flatMap((answer) =>
    "refusal" in answer ? [{ reporter: answer.from, at, ...answer.refusal }] : [],
  );
}

/** Reporters of the set that nobody hosts at the addresses that the aggregator knows. */
function absentOf({ state, reporters }: RoundSetting): LeftOut[] {
  const present = new Set(reporters.map(({ address }) => address.toLowerCase()));
  return state.reporters
    .filter(({ address }) => !present.has(address.toLowerCase()))
    .map(({ address }) => ({
      reporter: address,
      at: "observation",
      rule: "reporter.silent",
      message: "hosted at none of the URLs that answer",
    }));
}

/** A quorum's signatures over what was computed; the reporters compute it again. Throws `oracle.signatures` for too few. */
async function gatherSignatures(
  { reporters, state, patience }: RoundSetting,
  computed: ComputedEpoch,
): Promise<{ signatures: string[]; leftOut: LeftOut[] }> {
  const needed = signatureQuorum(state.reporters.length);
  const answers = await askAll(reporters, needed, patience, async (reporter, timeout) => {
    const signature = await reporter.sign(computed, timeout);
    const signer = signerOf(state, computed.header, signature);
    ensure(
      signer === reporter.address,
      "signature.signer",
      `signature is by ${signer ?? "nobody"}, expected ${reporter.address} over the header`,
    );
    return signature;
  });
  const signed = answers.flatMap((answer) => ("value" in answer ? [answer] : []));
  const leftOut = refusalsOf(answers, "signature");
  if (signed.length < needed)
    throw new SolvusError(
      "oracle.signatures",
      `${signed.length} reporters signed epoch ${computed.header.epoch}, expected at least ${needed}; ${reasonsText(leftOut)}`,
    );
  signed.sort((first, second) => (BigInt(first.from) < BigInt(second.from) ? -1 : 1));
  return { signatures: signed.map(({ value }) => value), leftOut };
}

const reasonsText = (leftOut: readonly LeftOut[]): string =>
  leftOut
    .map(({ reporter, rule }) => `${reporter.slice(0, 8)} ${rule}`)
    .join(", ")
    .slice(0, 200) || "no refusals";

/** The header that most reporters have signed for the next epoch and that follows from its observations; undefined if there is none. */
async function pendingProposal(setting: RoundSetting): Promise<ComputedEpoch | undefined> {
  const { reporters, state, patience, market } = setting;
  const answers = await askAll(reporters, reporters.length, patience, async (reporter, timeout) => {
    const pending = await reporter.pending(timeout);
    // A claim that somebody has signed something counts for nothing without his signature.
    if (pending === undefined || signerOf(state, pending.header, pending.signature) !== reporter.address)
      throw new SolvusError("reporter.nothing", "no header is pending, expected one with the signature");
    return pending;
  });
  const proposals = new Map<string, { proposal: Proposal; count: number }>();
  for (const answer of answers) {
    if (!("value" in answer)) continue;
    const { header } = answer.value;
    const name = `${header.time} ${header.snapshotRoot} ${header.pricesHash} ${header.inputsHash} ${header.steady}`;
    const known = proposals.get(name);
    if (known === undefined) proposals.set(name, { proposal: answer.value, count: 1 });
    else known.count++;
  }
  const ordered = [...proposals.values()].sort((first, second) => second.count - first.count);
  for (const { proposal } of ordered) {
    try {
      return verifyProposal(state, proposal, market).computed;
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
    }
  }
  return undefined;
}

/** Asks all reporters for observations that can be used. */
function gatherObservations(
  { reporters, state, patience }: RoundSetting,
  expected: ExpectedEpoch,
): Promise<Answer<UsableObservation>[]> {
  const quorum = observationQuorum(state.reporters.length);
  const { epoch, time, keys } = expected;
  return askAll(reporters, quorum, patience, async (reporter, timeout) => {
    const observation = await reporter.observe({ epoch, time, keys }, timeout);
    const usable = usableObservation(state, expected, observation);
    ensure(
      usable.reporter === reporter.address,
      "observation.signer",
      `observation's signer is ${usable.reporter}, expected ${reporter.address}`,
    );
    return usable;
  });
}

/** Completes a header that reporters have signed before; undefined when there is none, or too few sign it. */
async function resume(setting: RoundSetting): Promise<SignedEpoch | undefined> {
  const computed = await pendingProposal(setting);
  if (computed === undefined) return undefined;
  try {
    return { computed, ...(await gatherSignatures(setting, computed)), isResumed: true };
  } catch (error) {
    if (error instanceof SolvusError && error.rule === "oracle.signatures") return undefined;
    throw error;
  }
}

/** Computes the epoch from answers; or why it cannot be, with the reasons of those left out. */
function computeFrom(
  setting: RoundSetting,
  expected: ExpectedEpoch,
  answers: readonly Answer<UsableObservation>[],
): { computed: ComputedEpoch; leftOut: LeftOut[] } | { refusal: SolvusError } {
  const usable = answers.flatMap((answer) => ("value" in answer ? [answer.value] : []));
  const leftOut = [...absentOf(setting), ...refusalsOf(answers, "observation")];
  try {
    return { computed: computeEpoch(setting.state, expected, usable), leftOut };
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    return { refusal: new SolvusError(error.rule, `${error.message}; ${reasonsText(leftOut)}`) };
  }
}

const isAnyLate = (answers: readonly Answer<unknown>[]): boolean =>
  answers.some((answer) => "refusal" in answer && answer.refusal.rule === "reporter.late");

/**
 * Makes the next epoch, signed by a quorum. Throws, and nothing is lost, when too few reporters see, agree or sign: `oracle.quorum`,
 * `oracle.price`, `oracle.signatures`. Headers that reporters have signed and that nobody completes lapse after three minutes of the chain.
 */
export async function makeEpoch(setting: RoundSetting): Promise<SignedEpoch> {
  const { state, time, market, patience, onStage } = setting;
  const expected = expectedEpoch(state, time, market);
  const gathered = await gatherObservations(setting, expected);
  if (refusalsOf(gathered, "observation").some(({ rule }) => rule === "reporter.signedAnother")) {
    const resumed = await resume(setting);
    if (resumed !== undefined) return resumed;
  }
  let made = computeFrom(setting, expected, gathered);
  if ("refusal" in made && isAnyLate(gathered)) {
    // Some that answer at once may have seen nothing, or lie: then all are waited for.
    const waiting = { ...setting, patience: { ...patience, graceMs: patience.answerMs } };
    made = computeFrom(setting, expected, await gatherObservations(waiting, expected));
  }
  if ("refusal" in made) throw made.refusal;
  const { computed, leftOut } = made;
  await onStage?.("computed");
  const { signatures, leftOut: unsigned } = await gatherSignatures(setting, computed);
  const byPrice = computed.leftOut.map(
    ({ reporter, key, reason }): LeftOut => ({
      reporter,
      at: "price",
      rule: `price.${reason}`,
      message: `key ${key}`,
    }),
  );
  return {
    computed,
    signatures,
    leftOut: [...leftOut, ...byPrice, ...unsigned],
    isResumed: false,
  };
}
