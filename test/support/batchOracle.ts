import type { ContractTransactionResponse } from "ethers";
import { type Batch, type LedgerFixture, revertData } from "./ledgerFixture.ts";

/** What a batch, or its items one by one, made of a ledger. */
export interface Outcome {
  /** Errors of the refused items, encoded, by `kind.index`. */
  refusals: Record<string, string>;
  /** Opened, Transitioned and TakenOver, in order, with all they say. */
  events: unknown[][];
  /** Balances, debts, flags and queue afterwards. */
  state: unknown;
}

const APPLIED = ["Opened", "Transitioned", "TakenOver"];

/** The error of a batch that reverted, and the state that it left behind. */
export interface Reverted {
  error: string;
  state: unknown;
}

/** Runs an action, notes what it made, and takes it back. All its transactions happen at the same second. */
export async function tryOut<T>(
  fixture: LedgerFixture,
  batch: Batch,
  action: (send: Send) => Promise<T>,
): Promise<{ result: T } & Pick<Outcome, "events" | "state">> {
  const { ethers, ledger } = fixture;
  const before = await ethers.provider.send("evm_snapshot", []);
  const time = (await fixture.now()) + 2n;
  const events: unknown[][] = [];
  const result = await action(async (call) => {
    await fixture.nextBlockAt(time);
    const receipt = await (await call()).wait();
    for (const log of receipt!.logs) {
      const event = ledger.interface.parseLog(log);
      if (event && APPLIED.includes(event.name)) events.push([event.name, ...event.args.toArray(true)]);
    }
    return receipt!.logs.flatMap((log) => {
      const event = ledger.interface.parseLog(log);
      return event?.name === "Skipped" ? [event.args.toArray(true)] : [];
    });
  });
  const state = await stateOf(fixture, batch);
  await ethers.provider.send("evm_revert", [before]);
  return { result, events, state };
}

/** Sends a transaction and returns what it skipped: kind, index, reason. */
export type Send = (call: () => Promise<ContractTransactionResponse>) => Promise<unknown[][]>;

/** The outcome of doing nothing. */
export async function outcomeOfNothing(fixture: LedgerFixture, batch: Batch): Promise<unknown> {
  return (await tryOut(fixture, batch, async () => undefined)).state;
}

/** The outcome of a batch; the error's name if it reverts as a whole. */
export async function outcomeOfBatch(fixture: LedgerFixture, batch: Batch): Promise<Outcome | Reverted> {
  const { openings, transitions, takeOvers } = batch;
  const ledger = fixture.as(fixture.bob);
  const tried = await tryOut(fixture, batch, async (send) => {
    try {
      return await send(() => ledger.submitBatch(openings, transitions, takeOvers));
    } catch (error) {
      const data = revertData(error);
      if (data === undefined) throw error;
      return data;
    }
  });
  const { result, events, state } = tried;
  if (typeof result === "string") {
    return { error: ledger.interface.parseError(result)?.name ?? result, state };
  }
  const refusals = Object.fromEntries(
    result.map(([kind, index, reason]) => [`${kind}.${index}`, reason as string]),
  );
  return { refusals, events, state };
}

/** The outcome of a batch's items, each submitted alone in the batch's order, trades by pairs. */
export async function outcomeOfSingles(fixture: LedgerFixture, batch: Batch): Promise<Outcome> {
  const ledger = fixture.as(fixture.bob);
  const refusals: Record<string, string> = {};
  const { events, state } = await tryOut(fixture, batch, async (send) => {
    /** Submits something and notes its refusal for these items; says whether it was pairing that failed. */
    const submit = async (
      names: string[],
      call: () => Promise<ContractTransactionResponse>,
    ): Promise<string | undefined> => {
      try {
        await send(call);
        return undefined;
      } catch (error) {
        const data = revertData(error);
        if (data === undefined) throw error;
        for (const name of names) refusals[name] = data;
        return ledger.interface.parseError(data)?.name;
      }
    };
    for (const [index, { proof, signals, terms }] of batch.openings.entries()) {
      await submit([`0.${index}`], () => ledger.open(proof, signals, terms));
    }
    for (let index = 0; index < batch.transitions.length; index++) {
      const [first, second] = batch.transitions.slice(index, index + 2);
      const { tradeTag } = first.signals;
      if (tradeTag === 0n || second?.signals.tradeTag !== tradeTag) {
        await submit([`1.${index}`], () => ledger.submit(first));
        continue;
      }
      const names = [`1.${index}`, `1.${index + 1}`];
      const refusal = await submit(names, () => ledger.submitTrade(first, second));
      // Two that are no pair: the second may still be one with whatever follows.
      if (refusal === "SidesNotOpposite" || refusal === "SnapshotsDiffer") delete refusals[names[1]];
      else index++;
    }
    for (const [index, item] of batch.takeOvers.entries()) {
      await submit([`2.${index}`], () => ledger.takeOver(item));
    }
  });
  return { refusals, events, state };
}

/** Everything that a batch may change, and some that it must not. */
async function stateOf(fixture: LedgerFixture, batch: Batch): Promise<unknown> {
  const { ledger, auction, fund, usdc, ethers, addresses } = fixture;
  const people = [
    ...[fixture.admin, fixture.alice, fixture.bob, fixture.carol].map(({ address }) => address),
  ];
  const tokens = [usdc];
  for (const asset of [1n, 2n]) {
    const { token } = await ledger.assetOf(asset);
    if (BigInt(token) !== 0n) tokens.push(await ethers.getContractAt("TestToken", token));
  }
  const balances: bigint[] = [];
  for (const [asset, token] of tokens.entries()) {
    for (const holder of [...people, addresses.ledger, addresses.fund]) {
      balances.push(await token.balanceOf(holder));
    }
    for (const account of people) balances.push(await ledger.balanceOwed(asset, account));
    balances.push(await ledger.totalOwed(asset));
  }
  const { tail, inserted, openedAt } = await ledger.queue();
  const accumulators: string[] = [];
  for (let node = 0n; node * 16n < tail; node++) accumulators.push(await ledger.accumulatorOf(node));
  const nullifiers = [
    ...batch.transitions.map(({ signals }) => signals.nullifier),
    ...batch.takeOvers.flatMap(({ signals }) => [signals.targetNullifier, signals.keeperNullifier]),
  ];
  const spent = await Promise.all(nullifiers.map((nullifier) => ledger.isSpent(nullifier)));
  const tags = await Promise.all(batch.openings.map(({ signals }) => ledger.isTagUsed(signals.accountTag)));
  const flags: unknown[] = [];
  const flagged = batch.takeOvers.map(({ signals }) => signals.targetLeafIndex);
  for (let leaf = tail > 40n ? tail - 40n : 0n; leaf < tail; leaf++) flagged.push(leaf);
  for (const leaf of flagged) flags.push((await auction.flagOf(leaf)).toArray());
  const fundState = await Promise.all([
    fund.balance(),
    fund.uncovered(),
    fund.isImpaired(),
    fund.totalClaims(),
    ledger.cashHoldings(),
  ]);
  return { balances, tail, inserted, openedAt, accumulators, spent, tags, flags, fundState };
}
