import { z } from "zod";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";

/*
 * A proven half of a trade as a file. It holds what goes on the chain and nothing else: whoever has both halves can submit them, and
 * nobody can change them.
 */

const FORMAT = "solvus-trade-half";
const decimal = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address");

export const halfSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  tier: decimal,
  proof: z.array(decimal).length(8),
  signals: z.strictObject({
    stateRoot: decimal,
    snapshotRoot: decimal,
    registryRoot: decimal,
    nullifier: decimal,
    commitment: decimal,
    mode: decimal,
    asset: decimal,
    deposit: decimal,
    withdrawal: decimal,
    fee: decimal,
    tradeTag: decimal,
    side: decimal,
    escrow: z.array(decimal).length(2),
  }),
  terms: z.strictObject({ payer: address, recipient: address, relayer: address, deadline: decimal }),
});

/** Text of a half's file. */
export function formatHalf({ tier, proof, signals, terms }: ProvenTransition): string {
  const content = { format: FORMAT, version: 1, tier, proof, signals, terms };
  return `${JSON.stringify(content, (_, value) => (typeof value === "bigint" ? String(value) : value), 2)}\n`;
}

/** The transition of a half's file. */
export function provenOf({ tier, proof, signals, terms }: z.infer<typeof halfSchema>): ProvenTransition {
  return { tier, proof, signals, terms, payerSignature: "0x" };
}
