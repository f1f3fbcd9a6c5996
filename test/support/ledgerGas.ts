import type { ContractTransactionResponse } from "ethers";
import { createForger } from "./forgedProofs.ts";
import { ledgerFixture, randomElement } from "./ledgerFixture.ts";

/** Gas of the ledger's calls, by name, with real pairings. */
export interface LedgerGas {
  /** An opening, in an open node. */
  open: bigint;
  /** A transition in which nothing is paid: a settlement, or half of what a trade costs. */
  transition: bigint;
  /** A deposit of cash by its sender. */
  deposit: bigint;
  /** A withdrawal of cash with a fee. */
  withdrawal: bigint;
  /** Both sides of a trade in one call, each with a fee. */
  tradePair: bigint;
  /** The insertion of a full node. */
  insertion: bigint;
  /** The posting of a snapshot by one reporter, with inputs of a few bytes. */
  post: bigint;
}

/**
 * Measures on a fresh in-process chain, with proofs forged for development keys: the verifier does the same work for them as for any
 * others. Each call is measured in the ledger's usual state: queue and roots in use, the sender's balances not 0.
 */
export async function measureLedgerGas(): Promise<LedgerGas> {
  const forger = await createForger();
  try {
    const fixture = await ledgerFixture({}, forger);
    const { alice, bob, ledger } = fixture;
    const gas = async (call: Promise<ContractTransactionResponse>): Promise<bigint> =>
      (await (await call).wait())!.gasUsed;

    const leaves: bigint[] = [];
    const deposited = await fixture.transition({ deposit: 50_000_000n }, { payer: alice.address });
    await fixture.as(alice).submit(deposited);
    leaves.push(deposited.signals.commitment);

    const opening = await fixture.opening();
    const open = await gas(ledger.open(...opening));
    leaves.push(opening[1].commitment, opening[1].accountTag);

    const plain = await fixture.transition();
    const transition = await gas(ledger.submit(plain));
    leaves.push(plain.signals.commitment);

    const more = await fixture.transition({ deposit: 1_000_000n }, { payer: alice.address });
    const deposit = await gas(fixture.as(alice).submit(more));
    leaves.push(more.signals.commitment);

    const less = await fixture.transition(
      { withdrawal: 2_000_000n, fee: 100_000n },
      { recipient: alice.address, relayer: bob.address },
    );
    const withdrawal = await gas(fixture.as(bob).submit(less));
    leaves.push(less.signals.commitment);

    const tradeTag = randomElement();
    const first = await fixture.transition({ tradeTag, side: 0n, fee: 100_000n }, { relayer: bob.address });
    const second = await fixture.transition({ tradeTag, side: 1n, fee: 100_000n }, { relayer: bob.address });
    const tradePair = await gas(fixture.as(bob).submitTrade(first, second));
    leaves.push(first.signals.commitment, second.signals.commitment);

    while (leaves.length < 16) {
      const filler = await fixture.transition();
      await ledger.submit(filler);
      leaves.push(filler.signals.commitment);
    }
    const insertion = await gas(ledger.insert(...(await fixture.insertion(0n, leaves))));

    await fixture.postSnapshot();
    const block = await fixture.ethers.provider.getBlock("latest", true);
    const receipt = await fixture.ethers.provider.getTransactionReceipt(block!.transactions[0]);
    return { open, transition, deposit, withdrawal, tradePair, insertion, post: receipt!.gasUsed };
  } finally {
    await forger.close();
  }
}
