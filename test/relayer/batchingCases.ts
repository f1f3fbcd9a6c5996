import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { signDeposit } from "../../contracts/signing.ts";
import type { Transition } from "../../contracts/statements.ts";
import { addSubmission, changesAfter, type Item, submissionOf } from "../../services/relayer/submissions.ts";
import { randomElement } from "../support/ledgerFixture.ts";
import { aliceDeposits, areSpent } from "../support/ledgerItems.ts";
import { asItem, lazily, type RelayerStage } from "./relayerStage.ts";

/** Cases of forming batches on a stage, which exists once they run. */
export function batchingCases(at: () => RelayerStage): void {
  const stage = lazily(at);
  async function transitions(count: number): Promise<Item[]> {
    const items: Item[] = [];
    for (let index = 0; index < count; index++) items.push(asItem(await stage.fixture.transition()));
    return items;
  }

  /** Numbers of items of the batches so far, in order. */
  async function batchSizes(): Promise<number[]> {
    const rows = await stage.store.query<{ items: number }>(
      "SELECT items FROM outgoing WHERE purpose = 'batch' ORDER BY id",
    );
    return rows.map(({ items }) => items);
  }

  const falsified = (transition: Transition): Item =>
    asItem({ ...transition, proof: Array.from({ length: 8 }, randomElement) });

  describe("a batch", () => {
    test("holds what was queued, of every kind, and tells each item's place", async () => {
      const { fixture } = stage;
      const takeOver = await fixture.flaggedTakeOver();
      const [proof, signals, terms] = await fixture.opening();
      const items: Item[] = [
        { kind: "opening", opening: { proof, signals, terms } },
        asItem(await fixture.transition()),
        { kind: "takeOver", takeOver },
      ];
      const { tail } = await fixture.ledger.queue();
      const ids = await stage.add(...items);
      await stage.engine();
      const done = await stage.reach(ids, "final");
      expect(await batchSizes()).toEqual([3]);
      expect(done.map(({ leafIndex }) => (leafIndex as bigint) - tail)).toEqual([0n, 2n, 3n]);
      const changes = await changesAfter(stage.store, 0n, 100, ids[0]);
      expect(changes.map(({ state }) => state)).toEqual(["queued", "sent", "mined", "final"]);
    });

    test("goes at once when it is full, and the rest when it has waited", async () => {
      await stage.engine({ rules: { batchAgeMs: 400, batchSize: 4 } });
      const ids = await stage.add(...(await transitions(6)));
      await stage.reach(ids, "final");
      expect(await batchSizes()).toEqual([4, 2]);
    });

    test("leaves items alone that name another relayer", async () => {
      const { fixture } = stage;
      const foreign = asItem(await fixture.transition({}, { relayer: stage.wallet(3).address }));
      const own = asItem(await fixture.transition({}, { relayer: stage.wallet().address }));
      const [theirs, ours] = (await stage.add(foreign, own)) as [string, string];
      await stage.engine();
      await stage.reach([ours], "final");
      expect((await submissionOf(stage.store, theirs))?.state).toBe("queued");
      await stage.engine({ relayer: 3 });
      await stage.reach([theirs], "final");
    });
  });

  describe("a bad item", () => {
    test("with a false proof is refused, and the others go on", async () => {
      const [first, second] = await transitions(2);
      const ids = await stage.add(first as Item, falsified(await stage.fixture.transition()), second as Item);
      await stage.engine();
      const [, refused] = await stage.reach(ids, "final", "refused");
      expect(refused?.refusal).toMatchObject({ rule: "ledger.ProofRejected" });
      expect(await batchSizes()).toEqual([2]);
    });

    test("that spends the note of another waits for it, and is refused", async () => {
      const first = await stage.fixture.transition();
      const second = await stage.fixture.transition({ nullifier: first.signals.nullifier });
      const ids = await stage.add(asItem(first), asItem(second));
      await stage.engine();
      const [, refused] = await stage.reach(ids, "final", "refused");
      expect(refused?.refusal).toMatchObject({ rule: "ledger.NullifierSpent" });
      expect(await batchSizes()).toEqual([1]);
    });

    test("that its owner put on the chain is found there", async () => {
      const transition = await stage.fixture.transition();
      const receipt = await (await stage.fixture.ledger.submit(transition)).wait();
      const ids = await stage.add(asItem(transition));
      await stage.engine();
      const [found] = await stage.reach(ids, "final");
      expect(found).toMatchObject({ transaction: receipt.hash, block: receipt.blockNumber });
      expect(await batchSizes()).toEqual([]);
    });

    test("whose deadline has passed has expired", async () => {
      const { fixture } = stage;
      const transition = await fixture.transition({}, { deadline: (await fixture.now()) + 5n });
      await fixture.advance(6);
      const ids = await stage.add(asItem(transition));
      await stage.engine();
      const [expired] = await stage.reach(ids, "expired");
      expect(expired?.refusal?.rule).toBe("ledger.DeadlinePassed");
    });

    test("that would deposit the relayer's own money is refused, unless the relayer signed it", async () => {
      const { usdc, as, addresses, chainId, ethers } = stage.fixture;
      const wallet = stage.wallet();
      await usdc.mint(wallet.address, 1_000n);
      await as(await ethers.getSigner(wallet.address), usdc).approve(addresses.ledger, 1_000n);
      const theft = await stage.fixture.transition({ deposit: 600n }, { payer: wallet.address });
      const wanted = await stage.fixture.transition({ deposit: 400n }, { payer: wallet.address });
      const { nullifier, commitment, asset, deposit: amount } = wanted.signals;
      const statement = { nullifier, commitment, asset, amount, deadline: wanted.terms.deadline };
      const payerSignature = await signDeposit(wallet, chainId, addresses.ledger, statement);
      const ids = await stage.add(asItem(theft), asItem({ ...wanted, payerSignature }));
      await stage.engine();
      const [refused, taken] = await stage.reach(ids, "refused", "final");
      expect(refused?.refusal?.rule).toBe("relayer.payer");
      expect(taken?.state).toBe("final");
      expect(await usdc.balanceOf(wallet.address)).toBe(600n);
    });

    test("that a relayer judges too late stays with the one that has it by then", async () => {
      const { alice, usdc, as, addresses } = stage.fixture;
      const allow = (amount: bigint) => as(alice, usdc).approve(addresses.ledger, amount);
      await allow(0n);
      const ids = await stage.add(asItem(await aliceDeposits(stage.fixture, { deposit: 5n })));
      let isLate = false;
      await stage.engine({
        async onStage(at) {
          if (at !== "simulated" || isLate) return;
          isLate = true;
          // It slept for so long that its claim was given back, and another sends what could not be paid before.
          await stage.store.query("DELETE FROM outgoing WHERE state = 'formed'");
          await stage.store.query("UPDATE submission SET outgoing = NULL");
          await allow(2n ** 255n);
          stage.rpc.setFaults(({ method }) =>
            method === "eth_sendRawTransaction" ? { kind: "status", status: 503 } : undefined,
          );
          await stage.engine({ relayer: 1 });
          await stage.reach(ids, "sent");
        },
      });
      await stage.reach(ids, "sent");
      await pause(500);
      stage.rpc.setFaults();
      const [done] = await stage.reach(ids, "final");
      const changes = await changesAfter(stage.store, 0n, 100, done?.id);
      expect(changes.map(({ state }) => state)).toEqual(["queued", "sent", "mined", "final"]);
      expect(await batchSizes()).toEqual([1]);
    });

    test("that blocks skip although it looks good is sent three times, and never again", async () => {
      const { alice, usdc, as, addresses } = stage.fixture;
      const allow = async (amount: bigint): Promise<void> => {
        await (await as(alice, usdc).approve(addresses.ledger, amount)).wait();
      };
      const item = asItem(await aliceDeposits(stage.fixture, { deposit: 5n }));
      const ids = await stage.add(item);
      await stage.engine({
        async onStage(at) {
          // Between simulation and inclusion the payer changes its mind.
          if (at === "stored") await allow(0n);
          if (at === "mined") await allow(2n ** 255n);
        },
      });
      const [refused] = await stage.reach(ids, "refused");
      expect(refused?.refusal).toBeDefined();
      expect(await batchSizes()).toEqual([1, 1, 1]);
      expect(await addSubmission(stage.store, item)).toMatchObject({
        isNew: false,
        submission: { state: "refused" },
      });
    });

    test("that a block skipped which was replaced was never skipped", async () => {
      const { alice, usdc, as, addresses, ethers } = stage.fixture;
      const node = (method: string, ...parameters: unknown[]) => ethers.provider.send(method, parameters);
      const skips = async (): Promise<number | undefined> => {
        const [row] = await stage.store.query<{ skips: number }>("SELECT skips FROM submission");
        return row?.skips;
      };
      const item = asItem(await aliceDeposits(stage.fixture, { deposit: 5n }));
      const snapshot = await node("evm_snapshot");
      let isFirst = true;
      await stage.engine({
        rules: { confirmations: 4 },
        async onStage(at) {
          if (at === "stored" && isFirst) await as(alice, usdc).approve(addresses.ledger, 0n);
          if (at === "stored") isFirst = false;
        },
      });
      const ids = await stage.add(item);
      await expect.poll(skips, { timeout: 5_000 }).toBe(1);
      await node("evm_revert", snapshot);
      await node("hardhat_mine", "0x3");
      await stage.reach(ids, "mined");
      await node("hardhat_mine", "0x4");
      await stage.reach(ids, "final");
      expect(await skips()).toBe(0);
    });

    test("that the ledger may take later is tried again, and refused when patience ends", async () => {
      const { fixture } = stage;
      const { alice } = fixture;
      // Nobody signed the deposit: that can change with a contract wallet's mind.
      const unsigned = await fixture.transition({ deposit: 5n }, { payer: alice.address });
      const ids = await stage.add(asItem(unsigned));
      await stage.engine({ rules: { patienceMs: 500 } });
      const [refused] = await stage.reach(ids, "refused");
      expect(refused?.refusal?.rule).toBe("ledger.PayerNotAuthorized");
      // Handed in again it starts again.
      const signed = await fixture.transition();
      expect((await addSubmission(stage.store, asItem(unsigned))).isNew).toBe(true);
      await stage.reach(ids, "queued");
      const others = await stage.add(asItem(signed));
      await stage.reach(others, "final");
    });
  });

  describe("a batch that reverts although the chain had nothing against it", () => {
    test("is taken apart: its items go alone", async () => {
      const { verifier } = stage.fixture.addresses;
      const code = await stage.fixture.ethers.provider.getCode(verifier);
      const set = (bytes: string) => stage.fixture.ethers.provider.send("hardhat_setCode", [verifier, bytes]);
      const items = await transitions(3);
      let isFirst = true;
      await stage.engine({
        async onStage(at) {
          // Between simulation and inclusion every proof becomes false.
          if (at === "stored" && isFirst) await set("0x5f5f5260205ff3");
          if (at === "mined" && isFirst) await set(code);
          if (at === "mined") isFirst = false;
        },
      });
      await stage.reach(await stage.add(...items), "final");
      expect(await batchSizes()).toEqual([3, 1, 1, 1]);
    });
  });

  describe("the sides of a trade", () => {
    test("wait for each other, and go together", async () => {
      const [first, second] = await stage.fixture.trade();
      await stage.engine();
      const [one] = (await stage.add(asItem(first))) as [string];
      const [other] = (await stage.add(...(await transitions(1)))) as [string];
      await stage.reach([other], "final");
      expect((await submissionOf(stage.store, one))?.state).toBe("waiting");
      const [two] = (await stage.add(asItem(second))) as [string];
      const [a, b] = await stage.reach([one, two], "final");
      expect(a?.transaction).toBe(b?.transaction);
    });

    test("on different snapshots do not pair, and the stale one expires at no cost", async () => {
      const { fixture } = stage;
      const tradeTag = randomElement();
      const stale = await fixture.transition({ tradeTag, side: 0n });
      for (let epoch = 0; epoch < 2; epoch++) {
        await fixture.advance(1);
        await fixture.postSnapshot();
      }
      const fresh = await fixture.transition({ tradeTag, side: 1n });
      await stage.engine();
      const ids = await stage.add(asItem(stale), asItem(fresh));
      const [expired] = await stage.reach(ids.slice(0, 1), "expired");
      expect(expired?.refusal?.rule).toBe("ledger.SnapshotNotLatest");
      expect((await submissionOf(stage.store, ids[1] as string))?.state).toBe("waiting");
      expect(await areSpent(fixture, [stale, fresh])).toEqual([false, false]);
      const proven = await fixture.transition({ ...stale.signals, snapshotRoot: fresh.signals.snapshotRoot });
      await stage.reach([...(await stage.add(asItem(proven))), ids[1] as string], "final");
    });

    test("of which one is false: it is refused, and the other finds a better partner", async () => {
      const { fixture } = stage;
      const [first, second] = await fixture.trade();
      await stage.engine();
      const ids = await stage.add(falsified(first), asItem(second));
      const [refused] = await stage.reach(ids, "refused", "waiting");
      expect(refused?.refusal?.rule).toBe("ledger.ProofRejected");
      await addSubmission(stage.store, asItem(first));
      await stage.reach(ids, "final");
    });

    test("of which one cannot pay its deposit: the other waits, at no cost", async () => {
      const { fixture } = stage;
      const [first, second] = await fixture.trade({ deposit: 5n });
      const unpaid = { ...first, terms: { ...first.terms, payer: fixture.carol.address } };
      const ids = await stage.add(asItem(unpaid), asItem(second));
      await stage.engine({ rules: { patienceMs: 300 } });
      const [refused] = await stage.reach([ids[0] as string], "refused");
      expect(refused?.refusal?.rule).toBe("ledger.PayerNotAuthorized");
      await stage.reach([ids[1] as string], "waiting");
    });

    test("stay together when there is room for one only", async () => {
      const sides = (await stage.fixture.trade()).map(asItem);
      const ids = await stage.add(...(await transitions(3)), ...sides);
      await stage.engine({ rules: { batchSize: 4 } });
      await stage.reach(ids, "final");
      expect(await batchSizes()).toEqual([3, 2]);
    });

    test("go together although a batch has room for one", async () => {
      const ids = await stage.add(...(await stage.fixture.trade()).map(asItem), ...(await transitions(1)));
      await stage.engine({ rules: { batchSize: 1 } });
      await stage.reach(ids, "final");
      expect(await batchSizes()).toEqual([2, 1]);
    });

    test("whose partners are with a relayer that has died keep nobody waiting, however many they are", async () => {
      const side = await stage.fixture.transition({ tradeTag: randomElement() });
      const sides = Array.from({ length: 70 }, (_, index) => {
        const deadline = side.terms.deadline - BigInt(index);
        return asItem({ ...side, terms: { ...side.terms, deadline } });
      });
      const [sent, ...stuck] = (await stage.add(...sides)) as [string, ...string[]];
      await stage.store.query("UPDATE submission SET state = 'sent', spends = '{1}' WHERE id = $1", [sent]);
      await stage.store.query(
        "UPDATE submission SET state = 'queued', partner = $1 WHERE id = ANY ($2::text[])",
        [sent, stuck],
      );
      const [next] = await stage.add(...(await transitions(1)));
      await stage.engine();
      await stage.reach([next as string], "final");
    });

    test("are not paired when no sender suits both, or the side is the same", async () => {
      const { fixture } = stage;
      const tradeTag = randomElement();
      const named = (side: bigint, relayer: number) =>
        fixture.transition({ tradeTag, side }, { relayer: stage.wallet(relayer).address });
      const items = [await named(0n, 0), await named(1n, 1), await named(0n, 0)].map(asItem);
      const ids = await stage.add(...items);
      const states = await Promise.all(ids.map(async (id) => (await submissionOf(stage.store, id))?.state));
      expect(states).toEqual(["waiting", "waiting", "waiting"]);
      const [matching] = await stage.add(asItem(await named(1n, 0)));
      await stage.engine();
      await stage.reach([ids[0] as string, matching as string], "final");
    });
  });
}
