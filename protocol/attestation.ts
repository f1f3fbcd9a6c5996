import { z } from "zod";
import { FIELD_ORDER } from "./constants.ts";
import { ensure, SolvusError } from "./errors.ts";
import { BASE_FIELD_ORDER, PROOF_WORDS } from "./groth16.ts";
import type { SolvencySignals } from "./solvency.ts";

/*
 * A solvency attestation as a file: a proof and its public signals, and the ledger that they are about. Nothing is in it that a
 * verifier could not check: neither keys nor blocks nor figures. Its text is canonical, so an altered byte is refused or fails a check.
 */

export const ATTESTATION_FORMAT = "solvus-attestation";
export const ATTESTATION_VERSION = 1;

/** Circuits that prove solvency. */
export const SOLVENCY_CIRCUITS = ["solvency.small", "solvency.large"] as const;

export interface Attestation {
  chainId: bigint;
  /** Address of the ledger, 0x… with checksum. */
  ledger: string;
  circuit: (typeof SOLVENCY_CIRCUITS)[number];
  publicSignals: SolvencySignals;
  /** In the contracts' order: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y. */
  proof: bigint[];
}

/** Public signals in the circuit's order. */
export const SOLVENCY_SIGNALS = [
  "stateRoot",
  "snapshotRoot",
  "nullifier",
  "leafIndex",
  "ratio",
  "excess",
  "entity",
  "context",
] as const satisfies readonly (keyof SolvencySignals)[];

const decimal = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/, "expected a decimal number without leading zeros")
  .transform(BigInt);
const below = (bound: bigint, what: string) =>
  decimal.refine((value) => value < bound, `expected a number below the order of the ${what}`);
const element = below(FIELD_ORDER, "scalar field");

const attestationSchema = z.strictObject({
  format: z.literal(ATTESTATION_FORMAT),
  version: z.literal(ATTESTATION_VERSION),
  chainId: decimal,
  ledger: z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address"),
  circuit: z.enum(SOLVENCY_CIRCUITS),
  publicSignals: z.strictObject({
    stateRoot: element,
    snapshotRoot: element,
    nullifier: element,
    leafIndex: element,
    ratio: element,
    excess: element,
    entity: element,
    context: element,
  }),
  proof: z.array(below(BASE_FIELD_ORDER, "base field")).length(PROOF_WORDS),
});

/** The one text of an attestation. */
export function formatAttestation(attestation: Attestation): string {
  const { chainId, ledger, circuit, publicSignals, proof } = attestation;
  const value = {
    format: ATTESTATION_FORMAT,
    version: ATTESTATION_VERSION,
    chainId,
    ledger,
    circuit,
    publicSignals: Object.fromEntries(SOLVENCY_SIGNALS.map((name) => [name, publicSignals[name]])),
    proof,
  };
  return `${JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part), 2)}\n`;
}

/**
 * Reads the text of an attestation. Throws `attestation.json` and `attestation.format` (one line naming the field) for anything but what
 * {@link formatAttestation} writes: an unknown version or field, a missing one, a number that is not canonical or not below its
 * field's order, other white space.
 */
export function parseAttestation(text: string): Attestation {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SolvusError("attestation.json", "attestation: not JSON, expected the output of `attest`");
  }
  const parsed = attestationSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.map(String).join(".") || "file";
    throw new SolvusError("attestation.format", `attestation: ${path}: ${issue?.message}`);
  }
  const { format, version, ...attestation } = parsed.data;
  ensure(
    formatAttestation(attestation) === text,
    "attestation.format",
    "attestation: file: another order of fields, white space or a repeated field, expected the canonical text",
  );
  return attestation;
}
