import { expect, test } from "vitest";
import { measureLedgerGas } from "../support/ledgerGas.ts";

test("the ledger accepts real proofs of every kind of call", async () => {
  const gas = await measureLedgerGas();
  for (const [call, used] of Object.entries(gas)) expect(used, call).toBeGreaterThan(21_000n);
});
