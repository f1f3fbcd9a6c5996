import { expect, test } from "vitest";
import { commitmentOf, emptyNote, entityOf, type Note, ownerKeyOf } from "../../protocol/note.ts";
import { prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf, encryptOpening } from "../../protocol/openEscrow.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { applyTransition } from "../../protocol/transition.ts";
import { noteWith, smallMarket } from "../support/syntheticMarket.ts";
import { inputsOf, instance, LEAF_INDEX } from "../support/transitionCircuit.ts";

test("a note under owner key 0 is neither opened nor spent: an owner key is the hash of a secret", async () => {
  const committeeKey = committeeKeyOf(5n);
  const secrets = { spendSecret: 31n, entitySecret: 41n, rho: 59n };
  const { input } = prepareOpen({
    ...secrets,
    number: 1n,
    stateRoot: new StateTree().root,
    epoch: 1n,
    committeeKey,
    context: 2n,
  });
  const open = await instance("open");
  expect(await open.refusedAt({ ...input })).toBeUndefined();
  const nobodys = emptyNote(0n, entityOf(secrets.entitySecret), secrets.rho);
  const commitment = commitmentOf(nobodys);
  const escrow = encryptOpening(nobodys, commitment, committeeKey);
  for (const spendSecret of [0n, secrets.spendSecret]) {
    expect(ownerKeyOf(spendSecret)).not.toBe(0n);
    expect(await open.refusedAt({ ...input, commitment, escrow, spendSecret })).toBe("empty === commitment;");
  }

  const snapshot = smallMarket();
  const request = { mode: 0n, asset: 0n, deposit: 1n, withdrawal: 0n, fee: 0n };
  const spend = (note: Note) =>
    inputsOf(applyTransition(note, LEAF_INDEX, snapshot, request), snapshot).input;
  const small = await instance("transition.small");
  expect(await small.refusedBy(spend(noteWith(100n)))).toBeUndefined();
  const spending = spend({ ...noteWith(100n), ownerKey: 0n });
  for (const spendSecret of [0n, 1n])
    expect(await small.refusedBy({ ...spending, spendSecret })).toMatch(/^Transition > StateMembership > /);
});
