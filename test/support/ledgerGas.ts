import type { ContractTransactionResponse } from "ethers";
import type { Transition } from "../../contracts/statements.ts";
import { createForger } from "./forgedProofs.ts";
import { batchArguments, type LedgerFixture, ledgerFixture, randomElement } from "./ledgerFixture.ts";

/** Most items of a batch, and leaves of a node of the state tree. */
export const LARGEST_BATCH = 16;

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
  /** A take-over of a slice, with a reward from the fund and a fee. */
  takeOver: bigint;
  /** The insertion of a full node. */
  insertion: bigint;
}

/** Gas of as many fee-paying items, submitted together and one after the other. */
export interface BatchGas {
  items: number;
  /** One batch: sides of trades, and a transition by itself if the number is odd. */
  batch: bigint;
  /** The same items without batches: trades by pairs, as nobody can submit a side alone. */
  singles: bigint;
}

/**
 * Measures on a fresh in-process chain, with proofs forged for development keys: the verifier does the same work for them as for any
 * others. Each call is measured in the ledger's usual state: queue and roots in use, an open node, the sender's balances not 0.
 */
export async function measureLedgerGas(): Promise<LedgerGas> {
  return withFixture(async (fixture) => {
    const { alice, bob, ledger } = fixture;
    const leaves: bigint[] = [];
    const deposited = await fixture.transition({ deposit: 50_000_000n }, { payer: alice.address });
    await fixture.as(alice).submit(deposited);
    leaves.push(deposited.signals.commitment);

    const opening = await fixture.opening();
    const open = await gasOf(ledger.open(...opening));
    leaves.push(opening[1].commitment, opening[1].accountTag);

    const plain = await fixture.transition();
    const transition = await gasOf(ledger.submit(plain));
    leaves.push(plain.signals.commitment);

    const more = await fixture.transition({ deposit: 1_000_000n }, { payer: alice.address });
    const deposit = await gasOf(fixture.as(alice).submit(more));
    leaves.push(more.signals.commitment);

    const less = await fixture.transition(
      { withdrawal: 2_000_000n, fee: 100_000n },
      { recipient: alice.address, relayer: bob.address },
    );
    const withdrawal = await gasOf(fixture.as(bob).submit(less));
    leaves.push(less.signals.commitment);

    const [first, second] = await feePayers(fixture, 2);
    const tradePair = await gasOf(fixture.as(bob).submitTrade(first, second));
    leaves.push(first.signals.commitment, second.signals.commitment);

    const item = await fixture.flaggedTakeOver(
      { reward: 1_000_000n, fee: 100_000n },
      { relayer: bob.address },
    );
    const takeOver = await gasOf(fixture.as(bob).takeOver(item));
    leaves.push(item.signals.targetCommitment, item.signals.keeperCommitment);

    while (leaves.length < LARGEST_BATCH) {
      const filler = await fixture.transition();
      await ledger.submit(filler);
      leaves.push(filler.signals.commitment);
    }
    const insertion = await gasOf(ledger.insert(...(await fixture.insertion(0n, leaves))));
    return { open, transition, deposit, withdrawal, tradePair, takeOver, insertion };
  });
}

/**
 * Measures batches of these sizes, 1 to {@link LARGEST_BATCH}, as {@link measureLedgerGas} measures calls. A batch of the largest size begins at
 * a new node and fills it, so that it bears the node's whole share of storage; smaller ones stay in an open node, and so do the single
 * calls they are compared with.
 */
export async function measureBatchGas(sizes: readonly number[]): Promise<BatchGas[]> {
  return withFixture(async (fixture) => {
    const { alice, bob, ledger } = fixture;
    await fixture
      .as(alice)
      .submit(await fixture.transition({ deposit: 500_000_000n }, { payer: alice.address }));
    /** Makes `free` places of an open node follow: 16 stand for a new one. */
    const makeRoom = async (free: number): Promise<void> => {
      const left = (): Promise<number> =>
        ledger.queue().then(({ tail }: { tail: bigint }) => LARGEST_BATCH - (Number(tail) % LARGEST_BATCH));
      while ((await left()) < free || (free < LARGEST_BATCH && (await left()) === LARGEST_BATCH)) {
        await ledger.submit(await fixture.transition());
      }
    };
    await fixture.as(bob).submit(...(await feePayers(fixture, 1)));
    const single = await gasAfter(makeRoom(1), async () =>
      fixture.as(bob).submit(...(await feePayers(fixture, 1))),
    );
    const pair = await gasAfter(makeRoom(2), async () =>
      fixture.as(bob).submitTrade(...(await feePayers(fixture, 2))),
    );
    const figures: BatchGas[] = [];
    for (const items of sizes) {
      await fixture.postSnapshot();
      const transitions = await feePayers(fixture, items);
      await makeRoom(items);
      const batch = await gasOf(fixture.as(bob).submitBatch(...batchArguments({ transitions })));
      const singles = BigInt(Math.floor(items / 2)) * pair + BigInt(items % 2) * single;
      figures.push({ items, batch, singles });
    }
    return figures;
  });
}

/** Sides of trades, each with a fee for Bob; the last one of an odd number is a transition by itself. */
async function feePayers(fixture: LedgerFixture, count: number): Promise<Transition[]> {
  const transitions: Transition[] = [];
  for (let index = 0; index < count; index++) {
    const alone = index === count - 1 && count % 2 === 1;
    const tradeTag = index % 2 === 1 ? transitions[index - 1].signals.tradeTag : randomElement();
    const trade = alone ? {} : { tradeTag, side: BigInt(index % 2) };
    transitions.push(await fixture.transition({ ...trade, fee: 100_000n }, { relayer: fixture.bob.address }));
  }
  return transitions;
}

async function gasOf(call: Promise<ContractTransactionResponse>): Promise<bigint> {
  return (await (await call).wait())!.gasUsed;
}

async function gasAfter(
  preparation: Promise<unknown>,
  call: () => Promise<ContractTransactionResponse>,
): Promise<bigint> {
  await preparation;
  return gasOf(call());
}

async function withFixture<T>(measure: (fixture: LedgerFixture) => Promise<T>): Promise<T> {
  const forger = await createForger();
  try {
    return await measure(await ledgerFixture({ fundDeposit: 1_000_000_000n }, forger));
  } finally {
    await forger.close();
  }
}
