import type { Attestation } from "../protocol/attestation.ts";
import { SOLVENCY_SIGNALS } from "../protocol/attestation.ts";
import type { Chain, LedgerView } from "../protocol/chain.ts";
import { CIRCUIT_PLACES, type CircuitPlaces, readPinnedKey } from "../protocol/circuitFiles.ts";
import { SolvusError } from "../protocol/errors.ts";
import { verifyProof } from "../protocol/groth16.ts";
import { type PostedSnapshot, rebuildSnapshot } from "../protocol/postedSnapshot.ts";
import { type VerifyingKey, verifyingKeyHash } from "../protocol/verifyingKey.ts";

/** What the auditor asked for, and so what an attestation must be. */
export interface AuditorDemand {
  /** The challenge that the auditor gave the institution, a field element. */
  challenge: bigint;
  entity: bigint;
  /** Least E/MM, Q16; 2^16 (E >= MM) by default. */
  minimumRatio?: bigint;
  /** Least E - MM in micro-USDC; 0 by default. */
  minimumExcess?: bigint;
  /**
   * Block at which the account must stand as attested; the latest by default. It is the auditor's to choose, no earlier than the
   * challenge: at an older block of the institution's choice every account was solvent once.
   */
  block?: number;
  /** Root of the auditor's own snapshot, instead of the latest one of the ledger's oracle. */
  stressSnapshot?: bigint;
  /** Most seconds from the snapshot's observations to the block; any age by default. */
  maximumAge?: bigint;
}

/** One check of an attestation. `found` and `expected` are for people. */
export interface Check {
  name: string;
  passed: boolean;
  found: string;
  expected: string;
}

/** What the checks of one attestation read. */
export interface CheckContext {
  attestation: Attestation;
  demand: AuditorDemand;
  chain: Chain;
  view: LedgerView;
  latest: PostedSnapshot | undefined;
  places?: CircuitPlaces;
}

/** The auditor's default: equity of at least the maintenance margin. */
export const SOLVENT_RATIO = 1n << 16n;

const check = (name: string, passed: boolean, found: unknown, expected: unknown): Check => ({
  name,
  passed,
  found: String(found),
  expected: String(expected),
});

function checkDemand({ attestation, demand, chain }: CheckContext): Check[] {
  const { publicSignals, chainId, ledger } = attestation;
  const { challenge, entity, minimumRatio = SOLVENT_RATIO, minimumExcess = 0n } = demand;
  const { ratio, excess } = publicSignals;
  return [
    check(
      "ledger",
      chainId === chain.chainId && ledger === chain.ledger,
      `${ledger} on chain ${chainId}`,
      `${chain.ledger} on chain ${chain.chainId}`,
    ),
    check("challenge", publicSignals.context === challenge, publicSignals.context, challenge),
    check("entity", publicSignals.entity === entity, publicSignals.entity, entity),
    check("ratio", ratio >= minimumRatio, ratio, `at least ${minimumRatio}`),
    check("excess", excess >= minimumExcess, excess, `at least ${minimumExcess}`),
  ];
}

async function checkProof({ attestation, chain, places = CIRCUIT_PLACES }: CheckContext): Promise<Check[]> {
  const { circuit, proof, publicSignals } = attestation;
  let key: VerifyingKey;
  try {
    key = await readPinnedKey(circuit, places);
  } catch (error) {
    const found = error instanceof SolvusError ? error.message : "a key that cannot be read";
    return [
      check("pinnedKey", false, found, "the generated key with the manifest's hash"),
      check("ledgerKey", false, "not checked: no pinned key", "the manifest's key"),
      check("proof", false, "not checked: no pinned key", "a valid proof"),
    ];
  }
  const hash = verifyingKeyHash(key);
  const onChain = await chain.keyHash(circuit);
  const valid = await verifyProof(
    key,
    proof,
    SOLVENCY_SIGNALS.map((name) => publicSignals[name]),
  );
  return [
    check("pinnedKey", true, hash, "the manifest's key"),
    check("ledgerKey", onChain.toLowerCase() === hash, onChain, hash),
    check("proof", valid, valid ? "valid" : "invalid", `a valid proof of ${circuit}`),
  ];
}

function checkState({ attestation, view }: CheckContext): Check[] {
  const { stateRoot, nullifier, leafIndex } = attestation.publicSignals;
  const { roots, spendings, leaves } = view.history;
  const spent = spendings.get(nullifier);
  return [
    check(
      "stateRoot",
      roots.has(stateRoot),
      stateRoot,
      `a root of the ledger's state tree up to block ${view.block}`,
    ),
    check("leaf", leaves.has(leafIndex), leafIndex, `a place that the ledger has queued`),
    check(
      "unspent",
      spent === undefined,
      spent === undefined ? "unspent" : `spent by the note at place ${spent.leafIndex}`,
      `unspent at block ${view.block}`,
    ),
  ];
}

function rebuilds(posted: PostedSnapshot): string | undefined {
  try {
    rebuildSnapshot(posted);
    return undefined;
  } catch (error) {
    return error instanceof SolvusError ? error.message : "inputs that cannot be read";
  }
}

async function checkSnapshot(context: CheckContext): Promise<Check[]> {
  const { attestation, demand, chain, view, latest } = context;
  const { snapshotRoot } = attestation.publicSignals;
  if (demand.stressSnapshot !== undefined) {
    return [
      check("stressSnapshot", snapshotRoot === demand.stressSnapshot, snapshotRoot, demand.stressSnapshot),
    ];
  }
  const posted = await chain.snapshotOf(snapshotRoot, view.block);
  const known = posted === undefined ? "never posted" : `epoch ${posted.epoch}`;
  const failure = posted && rebuilds(posted);
  const age = posted && (await chain.blockTime(view.block)) - posted.time;
  const { maximumAge } = demand;
  return [
    check(
      "snapshot",
      posted !== undefined,
      posted === undefined ? snapshotRoot : known,
      "the root of a posted epoch",
    ),
    check(
      "snapshotInputs",
      posted !== undefined && failure === undefined,
      posted === undefined ? known : (failure ?? "recomputed"),
      "the root that the published market inputs give",
    ),
    check(
      "snapshotLatest",
      latest !== undefined && latest.root === snapshotRoot,
      known,
      latest === undefined
        ? `an epoch posted by block ${view.block}`
        : `epoch ${latest.epoch}, the latest at block ${view.block}`,
    ),
    check(
      "snapshotAge",
      age !== undefined && (maximumAge === undefined || age <= maximumAge),
      age === undefined ? known : `${age} s at block ${view.block}`,
      maximumAge === undefined ? "any age" : `at most ${maximumAge} s`,
    ),
  ];
}

/** Names of the checks of an attestation, in the order of {@link checkAttestation}. */
export function checkNames({ stressSnapshot }: AuditorDemand): string[] {
  return [
    ...["ledger", "challenge", "entity", "ratio", "excess"],
    ...["pinnedKey", "ledgerKey", "proof"],
    ...["stateRoot", "leaf", "unspent"],
    ...(stressSnapshot === undefined
      ? ["snapshot", "snapshotInputs", "snapshotLatest", "snapshotAge"]
      : ["stressSnapshot"]),
  ];
}

/** Every check of an attestation, whatever the others say. */
export async function checkAttestation(context: CheckContext): Promise<Check[]> {
  return [
    ...checkDemand(context),
    ...(await checkProof(context)),
    ...checkState(context),
    ...(await checkSnapshot(context)),
  ];
}
