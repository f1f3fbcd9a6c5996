import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { SnapshotHeader } from "../../contracts/signing.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { readJson, writeText } from "../files.ts";
import type { Proposal, SubmittedObservation } from "./epoch.ts";
import {
  epochForm,
  formatObservation,
  formatProposal,
  observationForm,
  signedProposalForm,
} from "./forms.ts";

/*
 * What a reporter has signed, in a file of its own that is written before anything of it is told to anybody. So a reporter that was killed
 * does not sign a second time what it does not remember.
 */

/** A header with all that it follows from, and the reporter's signature over it. */
export interface SignedProposal extends Proposal {
  signature: string;
}

interface ObservedEntry {
  epoch: bigint;
  time: bigint;
  keys: readonly bigint[];
  observation: SubmittedObservation;
}

/** Seconds of the chain after a header's time in which it can be posted, with a margin for re-orgs. */
const POSTABLE_FOR = 180n + 30n;
/** Epochs that stay in the file. */
const KEPT = 4n;

const journalForm = z.strictObject({
  format: z.literal("solvus-reporter-journal"),
  version: z.literal(1),
  chainId: z.string(),
  oracle: z.string(),
  reporter: z.string(),
  observed: z.array(epochForm.extend({ observation: observationForm })),
  signed: z.array(signedProposalForm),
});

/** Whose journal it is. */
export interface JournalOwner {
  chainId: bigint;
  oracle: string;
  reporter: string;
}

export interface Journal {
  /** What was observed of an epoch at a time and with keys; undefined if nothing was. */
  observed(epoch: bigint, time: bigint, keys: readonly bigint[]): SubmittedObservation | undefined;
  /** Records an observation. Throws `reporter.observedAnother` if there is another one of the same epoch, time and keys. */
  recordObserved(
    epoch: bigint,
    time: bigint,
    keys: readonly bigint[],
    observation: SubmittedObservation,
  ): void;
  /** The last header that was signed for an epoch. */
  signed(epoch: bigint): SignedProposal | undefined;
  /** Throws `reporter.signedAnother` if another header was signed for the epoch that may still be posted at the chain's time `now`. */
  requireFree(header: SnapshotHeader, now: number): void;
  /** As `requireFree`, for an epoch that is to be observed at a time. */
  requireTimeFree(epoch: bigint, time: bigint, now: number): void;
  /** Records a signature, or throws as `requireFree` does. */
  recordSigned(proposal: SignedProposal, now: number): void;
  /** The latest epoch that was signed; 0 for none. */
  latest(): bigint;
}

/** The largest of some epochs or times; 0 of none. */
function latestOf(values: readonly bigint[]): bigint {
  let latest = 0n;
  for (const value of values) if (value > latest) latest = value;
  return latest;
}

export const sameHeader = (first: SnapshotHeader, second: SnapshotHeader): boolean =>
  first.epoch === second.epoch &&
  first.time === second.time &&
  first.snapshotRoot === second.snapshotRoot &&
  first.pricesHash === second.pricesHash &&
  first.inputsHash === second.inputsHash &&
  first.steady === second.steady;

/**
 * Opens the journal of a reporter in a directory, which no other process may use. Misuse (`file.*`) for a file that is none,
 * `reporter.journal` for that of another chain, oracle or reporter.
 */
export function openJournal(directory: string, owner: JournalOwner): Journal {
  const file = join(directory, `${owner.reporter.toLowerCase()}.json`);
  const identity = {
    chainId: String(owner.chainId),
    oracle: owner.oracle.toLowerCase(),
    reporter: owner.reporter.toLowerCase(),
  };
  const stored = existsSync(file) ? readJson(file, "journal", journalForm) : undefined;
  for (const field of ["chainId", "oracle", "reporter"] as const)
    ensure(
      stored === undefined || stored[field] === identity[field],
      "reporter.journal",
      `journal ${JSON.stringify(file)}: ${field} is ${stored?.[field]}, expected ${identity[field]}; give each deployment a data directory`,
    );
  let observed: ObservedEntry[] = stored?.observed ?? [];
  let signed: SignedProposal[] = stored?.signed ?? [];

  const save = (): void => {
    const latest = latestOf([
      ...observed.map(({ epoch }) => epoch),
      ...signed.map(({ header }) => header.epoch),
    ]);
    // While no epoch is posted, many times of one are observed: those that no header can have any more go.
    const newest = latestOf(observed.map(({ time }) => time));
    observed = observed.filter(({ epoch, time }) => epoch + KEPT > latest && time + POSTABLE_FOR >= newest);
    signed = signed.filter(({ header }) => header.epoch + KEPT > latest);
    writeText(
      file,
      `${JSON.stringify({
        format: "solvus-reporter-journal",
        version: 1,
        ...identity,
        observed: observed.map(({ epoch, time, keys, observation }) => ({
          epoch: String(epoch),
          time: String(time),
          keys: keys.map(String),
          observation: formatObservation(observation),
        })),
        signed: signed.map((proposal) => ({ ...formatProposal(proposal), signature: proposal.signature })),
      })}\n`,
    );
  };

  const refuseAnother = (epoch: bigint, now: number, isSame: (before: SnapshotHeader) => boolean): void => {
    for (const { header: before } of signed) {
      if (before.epoch !== epoch || isSame(before)) continue;
      const free = before.time + POSTABLE_FOR;
      if (BigInt(now) <= free)
        throw new SolvusError(
          "reporter.signedAnother",
          `another header of epoch ${epoch} was signed, of time ${before.time}, and may be posted until ${free}; expected that one`,
        );
    }
  };

  const journal: Journal = {
    observed: (epoch, time, keys) =>
      observed.find(
        (entry) => entry.epoch === epoch && entry.time === time && String(entry.keys) === String(keys),
      )?.observation,
    recordObserved(epoch, time, keys, observation) {
      const before = journal.observed(epoch, time, keys);
      if (before !== undefined) {
        ensure(
          before.signature === observation.signature,
          "reporter.observedAnother",
          `observation of epoch ${epoch} at ${time} differs from the one that was signed before`,
        );
        return;
      }
      observed.push({ epoch, time, keys, observation });
      save();
    },
    signed: (epoch) => signed.findLast(({ header }) => header.epoch === epoch),
    latest: () => latestOf(signed.map(({ header }) => header.epoch)),
    requireFree(header, now) {
      const latest = journal.latest();
      if (header.epoch + KEPT <= latest)
        throw new SolvusError(
          "reporter.journal",
          `epoch is ${header.epoch}, expected at least ${latest - KEPT + 1n}: epoch ${latest} was signed; give a restarted chain a data directory of its own`,
        );
      refuseAnother(header.epoch, now, (before) => sameHeader(before, header));
    },
    requireTimeFree: (epoch, time, now) => refuseAnother(epoch, now, (before) => before.time === time),
    recordSigned(proposal, now) {
      journal.requireFree(proposal.header, now);
      const { header, inputs, keys, observations, signature } = proposal;
      signed = signed.filter((before) => !sameHeader(before.header, header));
      signed.push({ header, inputs, keys, observations, signature });
      save();
    },
  };
  return journal;
}
