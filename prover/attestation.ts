import { getAddress } from "ethers";
import { type Attestation, formatAttestation } from "../protocol/attestation.ts";
import type { LedgerView } from "../protocol/chain.ts";
import type { Snapshot } from "../protocol/snapshot.ts";
import { prepareSolvency, type SolvencyClaim } from "../protocol/solvency.ts";
import { type Account, requireInserted } from "./account.ts";
import type { Prover } from "./prover.ts";

/** What an attestation is made of. */
export interface AttestationRequest {
  prover: Prover;
  account: Account;
  /** The ledger at the block that the auditor will check at. */
  view: LedgerView;
  /** The latest snapshot at that block, or the auditor's own stress snapshot. */
  snapshot: Snapshot;
  /** Ratio (Q16) and excess (micro-USDC) to show, and the auditor's challenge. */
  claim: SolvencyClaim;
}

/**
 * Proves a solvency claim to an auditor. `text` is the file to hand over.
 *
 * Throws `account.pending` for a note that is not in the state tree, `solvency.*` for a claim that does not hold.
 */
export async function createAttestation(
  request: AttestationRequest,
): Promise<{ attestation: Attestation; text: string }> {
  const { prover, account, view, snapshot, claim } = request;
  requireInserted(account);
  const { tree } = view.history;
  const statement = prepareSolvency(account.note, account.leafIndex, snapshot, claim, {
    spendSecret: account.secrets.spendSecret,
    state: { root: tree.root, path: tree.path(account.leafIndex) },
  });
  const { proof } = await prover.prove(statement);
  const attestation: Attestation = {
    chainId: account.scope.chainId,
    ledger: getAddress(account.scope.ledger),
    circuit: statement.circuit as Attestation["circuit"],
    publicSignals: statement.signals,
    proof,
  };
  return { attestation, text: formatAttestation(attestation) };
}
