import { afterAll, beforeAll, expect, test } from "vitest";
import { insertClosedNodes } from "../../services/chain/insertion.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import type { Item } from "../../services/relayer/items.ts";
import { type Batch, batchOf } from "../support/ledgerFixture.ts";
import { believedProver, type FaultStage, faultStage, mixedItems, reorganize } from "./stage.ts";

/* The tools of the fault tests: faults happen as they say, and the comparison of outcomes sees what it must. */

let stage: FaultStage;
beforeAll(async () => {
  stage = await faultStage();
});
afterAll(() => stage.close());

function asBatch(items: readonly Item[]): Batch {
  const batch = batchOf({});
  for (const item of items) {
    if (item.kind === "opening") batch.openings.push(item.opening);
    else if (item.kind === "transition") batch.transitions.push(item.transition);
    else batch.takeOvers.push(item.takeOver);
  }
  return batch;
}

test("an outcome does not depend on batches, and does on every item", async () => {
  const { fixture } = stage;
  const items = await mixedItems(fixture, 18);
  const [relayer] = (await fixture.ethers.getSigners()).slice(6);
  const outcomeOf = async (...batches: (readonly Item[])[]) => {
    const back = await stage.mark();
    for (const batch of batches) await fixture.submitBatch(asBatch(batch), relayer);
    await insertClosedNodes(stage.deployed, believedProver(), fixture.admin);
    const outcome = await stage.outcome();
    await back();
    return outcome;
  };
  const first = await outcomeOf(items.slice(0, 9), items.slice(9));
  expect(first.nullifiers).toHaveLength(17);
  expect(first.notInserted).toBe(0);
  expect(await outcomeOf(items.slice(9), items.slice(0, 9))).toEqual(first);
  expect(await outcomeOf(items.slice(0, 9), items.slice(10))).not.toEqual(first);
  const twice = await outcomeOf(items.slice(0, 9), items.slice(9), items.slice(1, 2));
  expect(twice).toEqual({ ...first, skipped: 1 });
});

test("a re-org takes mined transactions back and leaves other blocks in their place", async () => {
  const { fixture } = stage;
  const node = fixture.ethers.provider;
  const back = await stage.mark();
  const sent = await fixture.alice.sendTransaction({ to: fixture.bob.address, value: 1n });
  const mined = (await sent.wait())!;
  await reorganize(stage, back);
  expect(await node.getTransactionReceipt(sent.hash)).toBe(null);
  const replaced = (await node.getBlock(mined.blockNumber))!;
  expect(replaced.hash).not.toBe(mined.blockHash);
  expect(await node.getBlockNumber()).toBe(mined.blockNumber + 1);
});

test("faults of the node reach whoever calls it", async () => {
  const { fixture, rpc } = stage;
  const provider = await connectRpc(rpc.url);
  try {
    const latest = await provider.getBlockNumber();
    const { hash } = await fixture.alice.sendTransaction({ to: fixture.bob.address, value: 1n });
    rpc.setFaults(() => ({ kind: "behind", blocks: 1 }));
    expect(await provider.getBlockNumber()).toBe(latest);
    expect(await provider.getTransactionReceipt(hash)).toBe(null);
    rpc.setFaults(() => ({ kind: "error", code: -32_005, message: "limit exceeded" }));
    await expect(provider.getBlockNumber()).rejects.toThrow("limit exceeded");
    rpc.setFaults(({ method }) => (method === "eth_blockNumber" ? { kind: "cut" } : undefined));
    await expect(provider.getBlockNumber()).rejects.toThrow();
    const wallet = fixture.bob;
    const before = await fixture.ethers.provider.getTransactionCount(wallet.address);
    rpc.setFaults(() => ({ kind: "cutAnswer" }));
    await expect(
      provider.send("eth_sendTransaction", [{ from: wallet.address, to: wallet.address, value: "0x1" }]),
    ).rejects.toThrow();
    expect(await fixture.ethers.provider.getTransactionCount(wallet.address)).toBe(before + 1);
    rpc.setFaults();
    expect(await provider.getBlockNumber()).toBe(latest + 2);
  } finally {
    rpc.setFaults();
    provider.destroy();
  }
});
