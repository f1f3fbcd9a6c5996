import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { type KeeperChain, keeperChain } from "./support.ts";

/* A running keeper on a chain in the process. Each test starts from the same chain: a leveraged account, its counterparty, two keepers. */

let chain: KeeperChain;
let restore: () => Promise<void>;
let alder: AccountSecrets;
let birch: AccountSecrets;
let cedar: AccountSecrets;
let rowan: AccountSecrets;

beforeAll(async () => {
  chain = await keeperChain();
  [alder, birch, cedar, rowan] = [1, 2, 3, 4].map(() => chain.institution()) as [
    AccountSecrets,
    AccountSecrets,
    AccountSecrets,
    AccountSecrets,
  ];
  for (const one of [alder, birch, cedar, rowan]) await chain.open(one);
  await chain.writeQueue();
  await chain.deposit(alder, 16_000n);
  await chain.deposit(birch, 100_000n);
  await chain.deposit(cedar, 60_000n);
  await chain.deposit(rowan, 60_000n);
  await chain.writeQueue();
  await chain.trade(alder, birch, 100n);
  await chain.writeQueue();
  restore = await chain.remember();
});
beforeEach(() => restore());
afterEach(() => chain.stopKeepers());
afterAll(() => chain.close());

test("a keeper flags who falls below margin, and takes a slice over at a later epoch", async () => {
  const keeper = await chain.keeper({ accounts: [cedar] });
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ accounts: 4, below: 0, flagged: 0, idle: true });
  await chain.move(0.9);
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ below: 1, flagged: 1 });
  await chain.move(1);
  await chain.settle(keeper);
  await chain.writeQueue();
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ below: 0, flagged: 0, own: [{ number: 1, isFree: false }] });
  expect(BigInt(keeper.status().marginInventoryMicroUsdc)).toBeGreaterThan(0n);
});
