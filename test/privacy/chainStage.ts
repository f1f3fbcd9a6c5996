import type { Forger } from "../support/forgedProofs.ts";
import { ledgerFixture } from "../support/ledgerFixture.ts";
import { differences, observe, type Seen } from "./observer.ts";
import type { Pair } from "./pairs.ts";

const USDC = 1_000_000n;

/** Names under which two histories differ, each played on the chain as it was at the beginning. */
export type Told = (pair: Pair) => Promise<string[]>;

/** A ledger with some money, one note in its tree, and an insurance fund; with a forger its verifier is the real one. */
export async function privacyStage(forger?: Forger): Promise<Told> {
  const fixture = await ledgerFixture({ fundDeposit: 500n * USDC }, forger);
  const { bob, ledger, ethers } = fixture;
  const transition = await fixture.transition({ deposit: 700n * USDC }, { payer: bob.address });
  await fixture.as(bob).submit(transition);
  await fixture.advance(31n);
  await ledger.seal();
  await ledger.insert(...(await fixture.insertion(0n, [transition.signals.commitment])));
  let base: string = await ethers.provider.send("evm_snapshot", []);
  const play = async (history: Pair[number]): Promise<Seen> => {
    await ethers.provider.send("evm_revert", [base]);
    base = await ethers.provider.send("evm_snapshot", []);
    const receipts = [];
    for (const act of history) receipts.push(await act(fixture));
    return observe(fixture, receipts);
  };
  return async ([one, other]) => differences(await play(one), await play(other));
}
