import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { makeLog } from "../../services/log.ts";
import { makeLease } from "../../services/relayer/leases.ts";
import { changesAfter, type Item, submissionOf } from "../../services/relayer/submissions.ts";
import { quietLog } from "../support/storeFixture.ts";
import { asItem, lazily, type RelayerStage } from "./relayerStage.ts";

/** Cases of sending and following on a stage, which exists once they run. */
export function sendingCases(at: () => RelayerStage): void {
  const stage = lazily(at);
  const node = (method: string, ...parameters: unknown[]): Promise<unknown> =>
    stage.fixture.ethers.provider.send(method, parameters);

  async function items(count: number): Promise<Item[]> {
    const made: Item[] = [];
    for (let index = 0; index < count; index++) made.push(asItem(await stage.fixture.transition()));
    return made;
  }

  async function statesOf(id: string): Promise<string[]> {
    return (await changesAfter(stage.store, 0n, 100, id)).map(({ state }) => state);
  }

  /** From now on the first transaction that the node is shown never reaches it, however often it is shown. */
  function loseFirst(): void {
    let first: unknown;
    stage.rpc.setFaults(({ method, parameters }) => {
      if (method !== "eth_sendRawTransaction") return undefined;
      first ??= parameters[0];
      return parameters[0] === first ? { kind: "error", code: -32000, message: "busy" } : undefined;
    });
  }

  interface Sent {
    nonce: unknown;
    state: string;
    attempts: unknown;
  }

  /** This key's transactions, by nonce. */
  const sent = (): Promise<Sent[]> =>
    stage.store.query<Sent>(
      `SELECT nonce, state, (SELECT count(*) FROM attempt WHERE attempt.outgoing = outgoing.id) AS attempts
     FROM outgoing ORDER BY nonce`,
    );

  describe("a transaction", () => {
    test("is final after the confirmations, and not before", async () => {
      await stage.engine({ rules: { confirmations: 3 } });
      const ids = await stage.add(...(await items(1)));
      const [mined] = await stage.reach(ids, "mined");
      expect(mined?.block).toBe(await stage.fixture.ethers.provider.getBlockNumber());
      await node("hardhat_mine", "0x1");
      await pause(150);
      expect((await submissionOf(stage.store, ids[0] as string))?.state).toBe("mined");
      await node("hardhat_mine", "0x1");
      await stage.reach(ids, "final");
    });

    test("that is not mined while blocks come is sent again with higher fees, and mined once", async () => {
      await stage.engine();
      loseFirst();
      const ids = await stage.add(...(await items(1)));
      await stage.reach(ids, "sent");
      await pause(350);
      expect(await sent()).toMatchObject([{ attempts: 1 }]);
      await node("evm_mine");
      const [final] = await stage.reach(ids, "final");
      const fees = await stage.store.query<{ hash: string; max_fee: string; priority_fee: string }>(
        "SELECT hash, max_fee, priority_fee FROM attempt ORDER BY max_fee",
      );
      expect(fees).toHaveLength(2);
      expect(final?.transaction).toBe(fees.at(-1)?.hash);
      const [before, after] = fees.map((fee) => [BigInt(fee.max_fee), BigInt(fee.priority_fee)]);
      for (const place of [0, 1])
        expect((after?.[place] ?? 0n) * 8n).toBeGreaterThanOrEqual((before?.[place] ?? 1n) * 9n);
    });

    test("that the node does not take is told of once, with the node's reason", async () => {
      const lines: string[] = [];
      const warnings = () => lines.filter((line) => line.includes("not taken; shown again"));
      const log = makeLog("test", { write: (line) => lines.push(line) });
      await stage.engine({ rules: { bumpAfterMs: 60_000 }, log });
      stage.rpc.setFaults(({ method }) =>
        method === "eth_sendRawTransaction"
          ? { kind: "error", code: -32000, message: "insufficient funds for gas * price + value" }
          : undefined,
      );
      const ids = await stage.add(...(await items(1)));
      await expect.poll(warnings, { timeout: 5_000 }).toHaveLength(1);
      const shown = stage.rpc.calls("eth_sendRawTransaction");
      await expect
        .poll(() => stage.rpc.calls("eth_sendRawTransaction"), { timeout: 5_000 })
        .toBeGreaterThan(shown + 1);
      expect(warnings()).toHaveLength(1);
      expect(warnings()[0]).toContain("insufficient funds");
      stage.rpc.setFaults();
      await stage.reach(ids, "final");
    });

    test("whose block is replaced is mined again, and its items with it", async () => {
      const { provider } = stage.fixture.ethers;
      await stage.engine({ rules: { confirmations: 4 } });
      const made = await items(2);
      const snapshot = await node("evm_snapshot");
      const ids = await stage.add(...made);
      const [before] = await stage.reach(ids, "mined");
      await node("evm_revert", snapshot);
      await node("hardhat_mine", "0x2");
      const hash = before?.transaction as string;
      await expect
        .poll(async () => (await provider.getTransactionReceipt(hash))?.blockNumber)
        .toBe((before?.block ?? 0) + 2);
      await node("hardhat_mine", "0x4");
      const [after] = await stage.reach(ids, "final");
      expect(after).toMatchObject({ transaction: hash, block: (before?.block ?? 0) + 2 });
      expect(await statesOf(ids[0] as string)).toEqual(["queued", "sent", "mined", "sent", "mined", "final"]);
    });

    test("that was final and is not on the chain any more is sent again", async () => {
      const made = await items(1);
      const snapshot = await node("evm_snapshot");
      await stage.engine({ rules: { lostAfterMs: 200 } });
      const ids = await stage.add(...made);
      const [before] = await stage.reach(ids, "final");
      await node("evm_revert", snapshot);
      await expect.poll(() => statesOf(ids[0] as string), { timeout: 10_000 }).toHaveLength(7);
      const [after] = await stage.reach(ids, "final");
      expect(after?.transaction).toBe(before?.transaction);
      expect(await statesOf(ids[0] as string)).toEqual([
        "queued",
        "sent",
        "mined",
        "final",
        "sent",
        "mined",
        "final",
      ]);
    });

    test("whose nonce another transaction of the key took is given up, and its items sent again", async () => {
      await stage.engine({ rules: { bumpAfterMs: 60_000, lostAfterMs: 200 } });
      loseFirst();
      const ids = await stage.add(...(await items(1)));
      await stage.reach(ids, "sent");
      const wallet = stage.wallet().connect(stage.fixture.ethers.provider);
      await wallet.sendTransaction({ to: wallet.address, nonce: Number((await sent())[0]?.nonce) });
      await node("hardhat_mine", "0x3");
      await stage.reach(ids, "final");
      expect((await sent()).map(({ state }) => state)).toEqual(["lost", "final"]);
    });
  });

  describe("a bad node", () => {
    test("that takes a transaction and does not answer: it is mined once", async () => {
      stage.rpc.setFaults(({ method, earlier }) =>
        method === "eth_sendRawTransaction" && earlier % 2 === 0 ? { kind: "cutAnswer" } : undefined,
      );
      await stage.engine();
      const ids = await stage.add(...(await items(3)));
      await stage.reach(ids, "final");
      expect(await sent()).toMatchObject([{ state: "final", attempts: 1 }]);
    });

    test("that fails every fourth call holds nothing up for ever", async () => {
      await stage.engine({ rules: { batchSize: 4 } });
      let calls = 0;
      stage.rpc.setFaults(() =>
        calls++ % 4 === 0 ? { kind: "error", code: -32000, message: "busy" } : undefined,
      );
      const ids = await stage.add(...(await items(3)));
      const done = await stage.reach(ids, "final");
      expect(new Set(done.map(({ leafIndex }) => leafIndex)).size).toBe(3);
    });
  });

  describe("relayers", () => {
    test("with keys of their own share the queue, and send each item once", async () => {
      const { ledger, ethers } = stage.fixture;
      const made = await items(12);
      const before = await ethers.provider.getBlockNumber();
      const { tail } = await ledger.queue();
      const ids = await stage.add(...made);
      await Promise.all(
        [0, 1, 2].map((relayer) => stage.engine({ relayer, rules: { batchSize: 2, mostInFlight: 1 } })),
      );
      await stage.reach(ids, "final");
      expect((await ledger.queue()).tail - tail).toBe(12n);
      expect(await ledger.queryFilter(ledger.getEvent("Skipped"), before + 1)).toEqual([]);
      const senders = await stage.store.query("SELECT DISTINCT sender FROM outgoing WHERE purpose = 'batch'");
      expect(senders.length).toBeGreaterThan(1);
    });

    test("with one key take turns: the second waits for the lease of the first", async () => {
      const first = await stage.engine();
      await stage.reach(await stage.add(...(await items(1))), "final");
      await stage.engine();
      await stage.reach(await stage.add(...(await items(1))), "final");
      const lease = () => stage.store.query<{ fence: unknown }>("SELECT fence FROM sender_lease");
      expect(await lease()).toMatchObject([{ fence: 1 }]);
      await first.stop();
      await stage.reach(await stage.add(...(await items(1))), "final");
      expect(await lease()).toMatchObject([{ fence: 2 }]);
    });

    test("send what one that stays away sent in vain", async () => {
      const first = await stage.engine();
      loseFirst();
      const ids = await stage.add(...(await items(2)));
      await stage.reach(ids, "sent");
      await first.stop();
      await stage.engine({ relayer: 1 });
      await pause(300);
      expect((await submissionOf(stage.store, ids[0] as string))?.state).toBe("sent");
      await stage.store.query(
        "UPDATE sender_lease SET expires_at = now() - interval '2 minutes' WHERE address = $1",
        [stage.wallet().address],
      );
      await stage.reach(ids, "final");
      const senders = await stage.store.query<{ sender: string; state: string }>(
        "SELECT sender, state FROM outgoing ORDER BY id",
      );
      expect(senders).toEqual([
        { sender: stage.wallet().address, state: "open" },
        { sender: stage.wallet(1).address, state: "final" },
      ]);
    });

    test("that lost their lease without knowing write nothing", async () => {
      const [late, next] = [50, 2_000].map((time) => makeLease(stage.store, "0xkey", time, quietLog()));
      expect(await late?.renew()).toBe(true);
      await expect.poll(() => next?.renew()).toBe(true);
      expect(late?.isHeld).toBe(true);
      const write = (sql: { query(text: string): Promise<unknown> }) =>
        sql.query("INSERT INTO setting (name, value) VALUES ('written', 'late')");
      await expect(late?.fenced(write)).rejects.toMatchObject({ rule: "lease.lost" });
      expect(await stage.store.query("SELECT * FROM setting WHERE name = 'written'")).toEqual([]);
      await next?.fenced(write);
    });
  });
}
