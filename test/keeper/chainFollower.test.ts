import { expect, test } from "vitest";
import type { AuctionEvent } from "../../protocol/auctionEvents.ts";
import type { LedgerEvent } from "../../protocol/ledgerHistory.ts";
import type { PostedSnapshot } from "../../protocol/postedSnapshot.ts";
import { type ChainFollower, followChain } from "../../services/keeper/chainFollower.ts";

/* Following a chain whose blocks are replaced, come late or with events left out. Events are openings, which fill the queue two by two. */

interface Block {
  hash: string;
  events: LedgerEvent[];
  auctionEvents: AuctionEvent[];
  posted: PostedSnapshot[];
}

const opened = (account: number, leafIndex: number): LedgerEvent => ({
  kind: "opened",
  commitment: BigInt(1_000 + account),
  accountTag: BigInt(2_000 + account),
  leafIndex: BigInt(leafIndex),
  escrow: [0n, 0n, 0n, 0n, 0n],
});

const block = (hash: string, ...accounts: [account: number, leafIndex: number][]): Block => ({
  hash,
  events: accounts.map(([account, leafIndex]) => opened(account, leafIndex)),
  auctionEvents: [],
  posted: [],
});

/** A chain of blocks that a test changes under the follower. */
function chainOf(blocks: Block[]) {
  const chain = { blocks, asked: [] as [number, number][], hidden: [] as number[], onEvents: () => {} };
  const between = <T>(from: number, to: number, of: (block: Block) => T[]): T[] =>
    chain.blocks.flatMap((one, number) =>
      number < from || number > to || chain.hidden.includes(number) ? [] : of(one),
    );
  const reader = {
    async ledgerEvents(from: number, to: number) {
      chain.asked.push([from, to]);
      chain.onEvents();
      return between(from, to, ({ events }) => events);
    },
    auctionEvents: async (from: number, to: number) =>
      between(from, to, ({ auctionEvents }) => auctionEvents),
    snapshots: async (from: number, to: number) => between(from, to, ({ posted }) => posted),
    latestSnapshot: async (to: number) => between(0, to, ({ posted }) => posted).at(-1),
  };
  const provider = {
    async getBlock(which: unknown) {
      const number = which === "latest" ? chain.blocks.length - 1 : Number(which);
      const found = chain.blocks[number];
      return found === undefined ? null : { number, hash: found.hash, timestamp: 100 + number };
    },
  };
  const follow = (lagMs = 0): ChainFollower => followChain(reader, provider as never, lagMs);
  return { chain, follow };
}

const accounts = ({ history }: ChainFollower): number[] =>
  [...history.openings.values()].map(({ commitment }) => Number(commitment) - 1_000);

test("each block is read once", async () => {
  const { chain, follow } = chainOf([block("a"), block("b", [1, 0])]);
  const follower = follow();
  expect(await follower.advance()).toMatchObject({ head: { number: 1, time: 101n }, reorganized: false });
  expect(await follower.advance()).toBeUndefined();
  chain.blocks.push(block("c"), block("d", [2, 2]));
  expect((await follower.advance())?.events).toEqual([opened(2, 2)]);
  expect(accounts(follower)).toEqual([1, 2]);
  expect(chain.asked).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test("replaced blocks are taken back to the last one that stands, and all events given again", async () => {
  const { chain, follow } = chainOf([block("a"), block("b", [1, 0])]);
  const follower = follow();
  await follower.advance();
  for (const next of [block("c", [2, 2]), block("d", [3, 4])]) {
    chain.blocks.push(next);
    await follower.advance();
  }
  chain.blocks.splice(2, 2, block("c2"), block("d2", [4, 2]), block("e2"));
  chain.asked.length = 0;
  const advance = await follower.advance();
  expect(advance).toMatchObject({ reorganized: true, events: [opened(1, 0), opened(4, 2)] });
  expect(chain.asked).toEqual([[2, 4]]);
  expect(accounts(follower)).toEqual([1, 4]);
  // To the very beginning.
  chain.blocks.splice(0, 5, block("z", [9, 0]), block("y"));
  expect(await follower.advance()).toMatchObject({ reorganized: true, events: [opened(9, 0)] });
  expect(accounts(follower)).toEqual([9]);
});

test("a chain that became shorter goes back to the block that it has", async () => {
  const { chain, follow } = chainOf([block("a"), block("b", [1, 0])]);
  const follower = follow();
  await follower.advance();
  chain.blocks.push(block("c", [2, 2]));
  await follower.advance();
  chain.blocks.pop();
  expect(await follower.advance()).toMatchObject({ head: { number: 1 }, reorganized: true });
  expect(accounts(follower)).toEqual([1]);
});

test("an endpoint that lags is waited for, and taken at its word when it lags for long", async () => {
  const { chain, follow } = chainOf([block("a"), block("b", [1, 0])]);
  const patient = follow(60_000);
  const hasty = follow(0);
  for (const follower of [patient, hasty]) await follower.advance();
  const [late] = chain.blocks.splice(1, 1) as [Block];
  expect(await patient.advance()).toBeUndefined();
  expect(patient.head).toMatchObject({ number: 1 });
  expect(await hasty.advance()).toMatchObject({ head: { number: 0 }, reorganized: true });
  chain.blocks.push(late, block("c", [2, 2]));
  expect(await patient.advance()).toMatchObject({ reorganized: false, events: [opened(2, 2)] });
  expect(accounts(patient)).toEqual([1, 2]);
  // Replaced by one of the same height: not late, but another.
  chain.blocks.splice(1, 2, block("b2", [5, 0]));
  expect(await patient.advance()).toBeUndefined();
  chain.blocks.push(block("c2"));
  expect(await patient.advance()).toMatchObject({ reorganized: true, events: [opened(5, 0)] });
});

test("events that an endpoint left out are noticed at the next ones, and read again", async () => {
  const { chain, follow } = chainOf([block("a", [1, 0])]);
  const follower = follow();
  await follower.advance();
  chain.blocks.push(block("b", [2, 2]));
  chain.hidden = [1];
  expect(await follower.advance()).toMatchObject({ events: [] });
  chain.blocks.push(block("c", [3, 4]));
  chain.hidden = [];
  await expect(follower.advance()).rejects.toMatchObject({ rule: "history.queue" });
  const all = [opened(1, 0), opened(2, 2), opened(3, 4)];
  expect(await follower.advance()).toMatchObject({ reorganized: true, events: all });
  expect(accounts(follower)).toEqual([1, 2, 3]);
});

test("a block that is replaced while it is read is not taken in", async () => {
  const { chain, follow } = chainOf([block("a", [1, 0])]);
  const follower = follow();
  await follower.advance();
  chain.blocks.push(block("b", [2, 2]));
  chain.onEvents = () => {
    chain.blocks[1] = block("b2", [3, 2]);
    chain.onEvents = () => {};
  };
  await expect(follower.advance()).rejects.toMatchObject({ rule: "chain.moving" });
  expect(accounts(follower)).toEqual([1]);
  expect(await follower.advance()).toMatchObject({ events: [opened(3, 2)] });
});

test("a long run keeps to the segments that it needs, and still knows every event", async () => {
  const { chain, follow } = chainOf([block("0")]);
  const follower = follow();
  await follower.advance();
  for (let number = 1; number <= 300; number++) {
    chain.blocks.push(block(String(number), [number, 2 * (number - 1)]));
    await follower.advance();
  }
  chain.blocks.splice(290, 11, block("x"));
  const advance = await follower.advance();
  expect(advance?.events).toHaveLength(289);
  expect(accounts(follower)).toEqual(Array.from({ length: 289 }, (_, index) => index + 1));
  // Deeper than what can be taken back step by step: read anew.
  chain.blocks.splice(10, 281, block("y"));
  expect((await follower.advance())?.events).toHaveLength(9);
});
