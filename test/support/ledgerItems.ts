import type { Contract } from "ethers";
import { signDeposit } from "../../contracts/signing.ts";
import type { Transition } from "../../contracts/statements.ts";
import type { LedgerFixture } from "./ledgerFixture.ts";

/** This many transitions that move nothing. */
export async function plain(fixture: LedgerFixture, count: number): Promise<Transition[]> {
  const transitions: Transition[] = [];
  for (let index = 0; index < count; index++) transitions.push(await fixture.transition());
  return transitions;
}

/** Puts Alice's cash into the ledger, so that it can be paid out. */
export async function fund(fixture: LedgerFixture, amount: bigint): Promise<void> {
  const { alice } = fixture;
  await fixture.as(alice).submit(await fixture.transition({ deposit: amount }, { payer: alice.address }));
}

/** Deploys a token, gives Alice some with an allowance to the ledger, and lists it under this asset, a unit a lot. */
export async function listed(
  { ethers, ledger, alice, addresses, as }: LedgerFixture,
  asset: bigint,
  name: string,
  parameters: unknown[] = [],
): Promise<Contract> {
  const token = await ethers.deployContract(name, parameters);
  await token.getFunction("mint")(alice.address, 10n ** 12n);
  await as(alice, token).approve(addresses.ledger, 10n ** 12n);
  await ledger.listAsset(asset, await token.getAddress(), 1n);
  return token;
}

/** A transition whose deposit Alice signed, for others to submit; the payer is she, or a wallet of hers. */
export async function aliceDeposits(
  fixture: LedgerFixture,
  signals: Parameters<LedgerFixture["transition"]>[0],
  payer: string = fixture.alice.address,
): Promise<Transition> {
  const transition = await fixture.transition(signals, { payer });
  const { nullifier, commitment, asset, deposit: amount } = transition.signals;
  const { deadline } = transition.terms;
  const authorization = { nullifier, commitment, asset, amount, deadline };
  const { alice, chainId, addresses } = fixture;
  return {
    ...transition,
    payerSignature: await signDeposit(alice, chainId, addresses.ledger, authorization),
  };
}

/** Whether the note of each transition is spent. */
export async function areSpent(
  { ledger }: LedgerFixture,
  transitions: readonly Transition[],
): Promise<boolean[]> {
  return Promise.all(transitions.map(({ signals }) => ledger.isSpent(signals.nullifier)));
}
