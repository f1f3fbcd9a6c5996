import { expect, test } from "vitest";
import { commitmentOf, emptyNote, entityOf, ownerKeyOf } from "../../protocol/note.ts";
import { prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf, encryptOpening } from "../../protocol/openEscrow.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { createProver } from "../../prover/prover.ts";

test("a note under owner key 0 cannot be opened: an owner key is the hash of a secret", async () => {
  const committeeKey = committeeKeyOf(5n);
  const secrets = { spendSecret: 31n, entitySecret: 41n, rho: 59n };
  const { input, signals } = prepareOpen({
    ...secrets,
    number: 1n,
    stateRoot: new StateTree().root,
    epoch: 1n,
    committeeKey,
    context: 2n,
  });
  const prover = createProver();
  const judge = (changes: object) =>
    prover.witness({ circuit: "open", input: { ...input, ...changes }, publicSignals: signals });
  expect((await judge({})).publicSignals).toEqual(signals);
  const nobodys = emptyNote(0n, entityOf(secrets.entitySecret), secrets.rho);
  const commitment = commitmentOf(nobodys);
  const escrow = encryptOpening(nobodys, commitment, committeeKey);
  for (const spendSecret of [0n, secrets.spendSecret]) {
    expect(ownerKeyOf(spendSecret)).not.toBe(0n);
    // The line of `empty === commitment` in the template itself, not in a part of it.
    await expect(judge({ commitment, escrow, spendSecret })).rejects.toThrow(/: Open \(line \d+\)$/);
  }
  await prover.close();
});
