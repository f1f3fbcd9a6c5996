import { afterEach, describe, expect, test } from "vitest";
import { readLedger } from "../../protocol/chain.ts";
import { isInserted } from "../../protocol/ledgerHistory.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { keepProof, proofOf, requestProof } from "../../services/proving/queue.ts";
import { startProvingWorker } from "../../services/proving/worker.ts";
import type { Item } from "../../services/relayer/submissions.ts";
import type { Running } from "../../services/running.ts";
import { idealProver } from "../support/idealProver.ts";
import { randomElement } from "../support/ledgerFixture.ts";
import { quietLog } from "../support/storeFixture.ts";
import { asItem, lazily, type RelayerStage } from "./relayerStage.ts";

/** Cases of writing the state tree on a stage, which exists once they run. */
export function insertionCases(at: () => RelayerStage): void {
  const stage = lazily(at);
  const workers: Running[] = [];
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.stop();
  });

  const node = (method: string, ...parameters: unknown[]): Promise<unknown> =>
    stage.fixture.ethers.provider.send(method, parameters);

  async function items(count: number): Promise<Item[]> {
    const made: Item[] = [];
    for (let index = 0; index < count; index++) made.push(asItem(await stage.fixture.transition()));
    return made;
  }

  const insertions = (): Promise<{ purpose: string; state: string }[]> =>
    stage.store.query("SELECT purpose, state FROM outgoing WHERE purpose <> 'batch' ORDER BY id");

  const PATIENCE = { timeout: 15_000 };

  describe("the state tree", () => {
    test("gets full nodes as they close, and a partial one once it is due", async () => {
      const { ledger } = stage.fixture;
      await stage.engine({ rules: { insertions: true } });
      const ids = await stage.add(...(await items(20)));
      const done = await stage.reach(ids, "final");
      await expect.poll(async () => (await ledger.queue()).inserted, PATIENCE).toBe(1n);
      expect(await insertions()).toHaveLength(1);
      await stage.fixture.advance(31);
      await expect.poll(async () => (await ledger.queue()).inserted, PATIENCE).toBe(2n);
      const { history } = await readLedger(stage.deployed.chain);
      expect(done.every(({ leafIndex }) => isInserted(history, leafIndex as bigint))).toBe(true);
      expect((await insertions()).map(({ purpose }) => purpose)).toEqual(["insertion", "seal", "insertion"]);
    });

    test("is complete although the node left out events without saying so", async () => {
      const { ledger } = stage.fixture;
      const before = (await ledger.queue()).inserted;
      const made = await items(16);
      await stage.engine({ rules: { insertions: true } });
      stage.rpc.setFaults(({ method }) =>
        method === "eth_getLogs" ? { kind: "behind", blocks: 3 } : undefined,
      );
      await stage.reach(await stage.add(...made), "final");
      await node("hardhat_mine", "0x1");
      stage.rpc.setFaults();
      await expect.poll(async () => (await ledger.queue()).inserted, PATIENCE).toBe(before + 1n);
    });

    test("is written anew after its block was replaced", async () => {
      const { ledger } = stage.fixture;
      const made = await items(16);
      await stage.engine({ rules: { insertions: true, confirmations: 6 } });
      const before = (await ledger.queue()).inserted;
      const snapshot = await node("evm_snapshot");
      const ids = await stage.add(...made);
      await expect.poll(async () => (await ledger.queue()).inserted, PATIENCE).toBe(before + 1n);
      await node("evm_revert", snapshot);
      expect((await ledger.queue()).inserted).toBe(before);
      // The proof was declared in a block that is gone as well: it is refused, and made again.
      await node("hardhat_mine", "0x2");
      await expect.poll(async () => (await ledger.queue()).inserted, PATIENCE).toBe(before + 1n);
      await node("hardhat_mine", "0x6");
      await stage.reach(ids, "final");
    });
  });

  describe("a proof", () => {
    const statement = () => {
      const leaves = Array.from({ length: 16 }, randomElement);
      return {
        digest: `0x${randomElement().toString(16)}`,
        input: new StateTree().insertionInput(0, leaves),
      };
    };

    test("is asked for once, however often it is asked for", async () => {
      const wanted = statement();
      for (const _ of [1, 2, 3]) await requestProof(stage.store, wanted);
      let proven = 0;
      const ideal = idealProver(stage.fixture.verifier);
      const prover = {
        ...ideal,
        prove: (...parameters: Parameters<typeof ideal.prove>) => {
          proven++;
          return ideal.prove(...parameters);
        },
      };
      workers.push(await startProvingWorker({ store: stage.store, log: quietLog(), prover }));
      await expect.poll(() => proofOf(stage.store, wanted.digest), PATIENCE).toHaveLength(8);
      await requestProof(stage.store, wanted);
      expect(proven).toBe(1);
    });

    test("that comes late changes nothing", async () => {
      const wanted = statement();
      await requestProof(stage.store, wanted);
      await keepProof(stage.store, wanted.digest, [1n, 2n]);
      await keepProof(stage.store, wanted.digest, [3n, 4n]);
      expect(await proofOf(stage.store, wanted.digest)).toEqual([1n, 2n]);
    });

    test("that fails is tried again", async () => {
      const wanted = statement();
      const ideal = idealProver(stage.fixture.verifier);
      let tries = 0;
      const prover = {
        ...ideal,
        prove: (...parameters: Parameters<typeof ideal.prove>) => {
          if (tries++ === 0) throw new Error("out of memory");
          return ideal.prove(...parameters);
        },
      };
      workers.push(await startProvingWorker({ store: stage.store, log: quietLog(), prover }));
      await requestProof(stage.store, wanted);
      await expect.poll(() => proofOf(stage.store, wanted.digest), PATIENCE).toHaveLength(8);
      expect(tries).toBe(2);
    });
  });
}
