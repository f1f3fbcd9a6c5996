import { type Attestation, parseAttestation } from "../protocol/attestation.ts";
import { type Chain, type LedgerView, readLedger } from "../protocol/chain.ts";
import type { CircuitPlaces } from "../protocol/circuitFiles.ts";
import { holdCurve } from "../protocol/curve.ts";
import { ensure, SolvusError } from "../protocol/errors.ts";
import { type AuditorDemand, type Check, checkAttestation, checkNames } from "./attestationChecks.ts";

/** What the verification of one attestation found. */
export interface AttestationReport {
  /** True when every check passed. */
  accepted: boolean;
  /** Block at which the account was checked. */
  block: number;
  checks: Check[];
  /** Absent when the text is no attestation. */
  attestation?: Attestation;
}

export interface VerifierOptions {
  /** Manifest and generated keys; by default those of the repository. */
  places?: CircuitPlaces;
}

/** An attestation's text and what is demanded of it. */
export interface AttestationCase {
  text: string;
  demand: AuditorDemand;
}

/**
 * Verifies a solvency attestation from chain data. Nothing is taken from the attestation but what it claims: the key is the one that
 * the manifest pins, challenge, entity, thresholds and block are the auditor's.
 *
 * Refusals are failed checks in the report. Throws only when chain or files cannot be read, for a block that is not there
 * (`verify.block`) and for a history that does not fit (`history.*`).
 */
export async function verifyAttestation(
  text: string,
  chain: Chain,
  demand: AuditorDemand,
  options: VerifierOptions = {},
): Promise<AttestationReport> {
  const { reports } = await verifyAttestations([{ text, demand }], chain, options);
  return reports[0] as AttestationReport;
}

/** Verifies several attestations on one chain. `accepted` is true when there is at least one and each was accepted. */
export async function verifyAttestations(
  cases: readonly AttestationCase[],
  chain: Chain,
  options: VerifierOptions = {},
): Promise<{ accepted: boolean; reports: AttestationReport[] }> {
  const latestBlock = await chain.blockNumber();
  const views = new Map<number, Promise<LedgerView>>();
  const viewAt = (block: number): Promise<LedgerView> => {
    const known = views.get(block) ?? readLedger(chain, block);
    views.set(block, known);
    return known;
  };
  const hold = await holdCurve();
  try {
    const reports: AttestationReport[] = [];
    for (const { text, demand } of cases) {
      const block = demand.block ?? latestBlock;
      ensure(
        Number.isInteger(block) && block >= 0 && block <= latestBlock,
        "verify.block",
        `block: got ${block}, expected 0 to ${latestBlock}, the latest`,
      );
      reports.push(await report(text, demand, await viewAt(block), chain, options));
    }
    return { accepted: reports.length > 0 && reports.every(({ accepted }) => accepted), reports };
  } finally {
    await hold.release();
  }
}

async function report(
  text: string,
  demand: AuditorDemand,
  view: LedgerView,
  chain: Chain,
  { places }: VerifierOptions,
): Promise<AttestationReport> {
  const { block } = view;
  const expected = "an attestation of version 1 in its canonical text";
  let attestation: Attestation;
  try {
    attestation = parseAttestation(text);
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    return {
      accepted: false,
      block,
      checks: [
        { name: "format", passed: false, found: error.message, expected },
        ...checkNames(demand).map((name) => ({
          name,
          passed: false,
          found: "not checked",
          expected: "a readable attestation",
        })),
      ],
    };
  }
  const latest = demand.stressSnapshot === undefined ? await chain.latestSnapshot(block) : undefined;
  const checks = [
    { name: "format", passed: true, found: "canonical", expected },
    ...(await checkAttestation({ attestation, demand, chain, view, latest, places })),
  ];
  return { accepted: checks.every(({ passed }) => passed), block, checks, attestation };
}
