import { readLedger } from "../../protocol/chain.ts";
import { Q16 } from "../../protocol/constants.ts";
import { entityOf } from "../../protocol/note.ts";
import { type Standing, standingOf } from "../../protocol/solvency.ts";
import { createAttestation } from "../../prover/attestation.ts";
import { type AttestationReport, verifyAttestation } from "../../verifier/attestation.ts";
import type { AuditorDemand } from "../../verifier/attestationChecks.ts";
import type { Institution } from "./people.ts";
import { accountOf, type Play } from "./play.ts";

/** What an institution shows of its standing: a ratio and an excess that hold, rounded down. */
export interface ShownClaim {
  /** Q16, in eighths, which Q16 holds exactly. */
  ratio: bigint;
  /** Micro-USDC, in whole thousands of dollars. */
  excess: bigint;
}

/** The claim that rounds a standing down: it gives the auditor a bound, not the figures. Wants a positive margin. */
export function roundedClaim({ equity, margin }: Standing): ShownClaim {
  const eighths = (8n * equity) / margin.maintenance;
  const thousands = (equity - margin.maintenance) / 1_000_000_000n;
  return { ratio: (eighths * Q16) / 8n, excess: thousands * 1_000_000_000n };
}

/** An attestation as it goes to the auditor. */
export interface Attested {
  text: string;
  claim: ShownClaim;
  standing: Standing;
  proveSeconds: number;
}

/** Proves an institution's solvency at the latest snapshot in answer to an auditor's challenge; by default the rounded claim. */
export async function attest(
  play: Play,
  owner: Institution,
  challenge: bigint,
  claim?: ShownClaim,
): Promise<Attested> {
  const { deployed, prover, market } = play;
  const account = await accountOf(play, owner);
  const standing = standingOf(account.note, market.snapshot);
  const shown = claim ?? roundedClaim(standing);
  const view = await readLedger(deployed.chain);
  const start = performance.now();
  const { text } = await createAttestation({
    prover,
    account,
    view,
    snapshot: market.snapshot,
    claim: { ...shown, context: challenge },
  });
  return { text, claim: shown, standing, proveSeconds: (performance.now() - start) / 1000 };
}

/** What the auditor demands of an institution. */
export function demandOf(owner: Institution, challenge: bigint): AuditorDemand {
  return { challenge, entity: entityOf(owner.secrets.entitySecret) };
}

/** The auditor's check, from chain data and pinned keys alone. */
export function audit(play: Play, text: string, demand: AuditorDemand): Promise<AttestationReport> {
  return verifyAttestation(text, play.deployed.chain, demand);
}
