import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { scopeOf } from "../../services/chain/reading.ts";
import { presentOf } from "../../services/keeper/accountBook.ts";
import type { Stage, StageDetail } from "../../services/keeper/acts.ts";
import type { RunningKeeper } from "../../services/keeper/keeper.ts";
import { sendingFrom } from "../../services/keeper/send.ts";
import { sightLedger } from "../../services/keeper/sightedLedger.ts";
import { makeLog } from "../../services/log.ts";
import { freshMetrics } from "../support/freshMetrics.ts";
import { randomFrom } from "../support/random.ts";
import { FEE, holdRelayer } from "./heldRelayer.ts";
import { indebtedFund } from "./impairedFund.ts";
import { GENEROUS, USD } from "./limits.ts";
import { type KeeperChain, keeperChain } from "./support.ts";

/*
 * A running keeper on a chain in the process. Each test starts from the same chain: a leveraged account, its counterparty, and the accounts
 * of two keepers.
 */

const POLL = { timeout: 20_000, interval: 10 };

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

/** How often an event of the auction or the ledger was emitted since the chain's common beginning. */
async function count(contract: "auction" | "ledger", event: string): Promise<number> {
  const { deployed } = chain.stage;
  return (await deployed[contract].queryFilter(event)).length;
}

/** What a keeper counted, by act and outcome. */
async function acts(keeper: RunningKeeper): Promise<Record<string, number>> {
  const text = await freshMetrics(keeper.url);
  const found = text.matchAll(/^solvus_keeper_acts_total\{act="(\w+)",outcome="([\w.]+)"\} (\d+)$/gm);
  return Object.fromEntries(
    [...found].map(([, act, outcome, times]) => [`${act} ${outcome}`, Number(times)]),
  );
}

/** Moves the market and waits for a keeper. */
async function epoch(keeper: RunningKeeper, factor = 1, seconds = 60): Promise<void> {
  await chain.move(factor, seconds);
  await chain.settle(keeper);
}

async function written(keeper: RunningKeeper): Promise<void> {
  await chain.writeQueue();
  await chain.settle(keeper);
}

/** A stage at which something happens once. */
function once(act: string, at: Stage, happens: () => Promise<void>) {
  let done = false;
  return async (stage: Stage, detail: StageDetail): Promise<void> => {
    if (done || stage !== at || detail.act !== act) return;
    done = true;
    await happens();
  };
}

test("a keeper flags who falls below margin, and takes a slice over at a later epoch", async () => {
  const keeper = await chain.keeper({ accounts: [cedar] });
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ accounts: 4, below: 0, flagged: 0, idle: true });
  await epoch(keeper, 0.9);
  expect(keeper.status()).toMatchObject({ below: 1, flagged: 1 });
  expect(await count("ledger", "TakenOver")).toBe(0);
  await epoch(keeper);
  await written(keeper);
  expect(keeper.status()).toMatchObject({ below: 0, flagged: 0, own: [{ number: 1, isFree: false }] });
  expect(BigInt(keeper.status().marginInventoryMicroUsdc)).toBeGreaterThan(0n);
  expect(await acts(keeper)).toEqual({ "flag done": 1, "takeOver done": 1 });
});

test("it tells this machine what it sees", async () => {
  const keeper = await chain.keeper({ accounts: [cedar] });
  await epoch(keeper, 0.9);
  const get = async (path: string) => (await fetch(`${keeper.url}${path}`)).json();
  expect(await get("/v1/status")).toMatchObject({
    accounts: 4,
    below: 1,
    flagged: 1,
    idle: true,
    pending: 0,
  });
  const { accounts } = await get("/v1/accounts?limit=2");
  expect(accounts).toHaveLength(2);
  expect(accounts[0]).toMatchObject({ state: "flagged", inserted: true });
  expect(accounts[0].ratio).toBeLessThan(1);
  expect(await get("/health")).toMatchObject({ status: "ok", stale: false });
  expect((await get("/openapi.json")).paths).toHaveProperty("/v1/accounts");
});

test("it records that the fund is impaired, if nobody has", async () => {
  const { local, stage } = chain;
  const { fund, impair } = await indebtedFund(local.ethers, stage.admin, stage.deployed.usdc);
  const keeper = await chain.keeper({ accounts: [], deployed: { ...stage.deployed, fund } });
  await chain.settle(keeper);
  expect(await acts(keeper)).toEqual({});
  await impair();
  await chain.settle(keeper);
  expect(await fund.getFunction("impairedSince")()).toBeGreaterThan(0n);
  await epoch(keeper);
  expect(await acts(keeper)).toEqual({ "recordImpairment done": 1 });
});

describe("within its limits", () => {
  const limited = async (limits: Partial<typeof GENEROUS>): Promise<RunningKeeper> => {
    const keeper = await chain.keeper({ accounts: [cedar], limits: { ...GENEROUS, ...limits } });
    await epoch(keeper, 0.9);
    await epoch(keeper);
    return keeper;
  };
  const waits = (keeper: RunningKeeper): string[] => keeper.status().waiting.map(({ rule }) => rule);

  test("it waits for the rate that pays", async () => {
    const keeper = await limited({ minimumProfit: 600n * USD });
    expect(waits(keeper)).toEqual(["keeper.profit"]);
    expect(await count("ledger", "TakenOver")).toBe(0);
    await epoch(keeper, 1, 170);
    await epoch(keeper, 1, 170);
    expect(await count("ledger", "TakenOver")).toBe(1);
    const [{ args }] = (await chain.stage.deployed.ledger.queryFilter("TakenOver")) as unknown as [
      { args: { rate: bigint } },
    ];
    expect(args.rate).toBeGreaterThan(6_000n);
  });

  test("it takes no more margin than it may carry", async () => {
    expect(waits(await limited({ maxMarginInventory: 10n * USD }))).toEqual(["keeper.inventory"]);
    const most = 3_000n * USD;
    await restore();
    const keeper = await limited({ maxMarginInventory: most });
    await written(keeper);
    const carried = BigInt(keeper.status().marginInventoryMicroUsdc);
    expect(carried).toBeGreaterThan((most * 9n) / 10n);
    expect(carried).toBeLessThanOrEqual(most);
  });

  test("it sends nothing while gas is dear", async () => {
    const keeper = await limited({ maxGasPrice: 1n });
    expect(await acts(keeper)).toEqual({ "flag keeper.gasPrice": 2 });
    expect(keeper.status()).toMatchObject({ below: 1, flagged: 0, idle: true });
  });
});

test("what nobody takes over it publishes after fifteen minutes, and a keeper without the key takes that over", async () => {
  const watcher = await chain.keeper({ accounts: [] });
  await epoch(watcher, 0.9);
  for (let minutes = 2; minutes <= 16; minutes += 2) await epoch(watcher, 1, 120);
  expect(watcher.status()).toMatchObject({ below: 1, flagged: 1, revealed: 1 });
  const counted = await acts(watcher);
  expect(counted).toMatchObject({ "flag done": 1, "reveal done": 1 });
  expect(counted["renew done"]).toBeGreaterThanOrEqual(1);
  await watcher.stop();

  const blind = await chain.keeper({ accounts: [rowan], sight: "revealed" });
  await chain.settle(blind);
  expect(await count("ledger", "TakenOver")).toBe(1);
  expect(await acts(blind)).toEqual({ "takeOver done": 1 });
  await written(blind);
  expect(blind.status()).toMatchObject({ accounts: 2, below: 0 });

  // Whoever reads them all counts each once, though one is public as well.
  const sighted = await chain.keeper({ accounts: [cedar] });
  await chain.settle(sighted);
  expect(sighted.status()).toMatchObject({ accounts: 4, revealed: 0 });
});

test("it never publishes an account of its own", async () => {
  const keeper = await chain.keeper({ accounts: [alder] });
  await epoch(keeper, 0.9);
  for (let minutes = 4; minutes <= 16; minutes += 4) await epoch(keeper, 1, 240);
  expect(keeper.status()).toMatchObject({ below: 1, flagged: 1, revealed: 0 });
  expect(await acts(keeper)).not.toHaveProperty(["reveal done"]);
});

test("an endpoint that fails between accounts and flags leaves no account where it was", async () => {
  const { deployed, committeeKey } = chain.stage;
  let fails = false;
  const { auction } = deployed;
  const failing = new Proxy(auction, {
    get: (of, name) =>
      name === "flagOf" && fails ? () => Promise.reject(new Error("busy")) : Reflect.get(of, name),
  });
  const file = { directory: chain.directory(), scope: scopeOf(deployed), secret: 1n };
  const watching = await sightLedger({
    ...{ deployed: { ...deployed, auction: failing }, sight: { committeeKey }, own: [], file },
    ...{ log: makeLog("keeper", { write() {} }), signal: new AbortController().signal, lagMs: 0 },
  });
  const keeper = await chain.keeper({
    accounts: [cedar],
    onStage: once("takeOver", "checked", async () => {
      await watching.advance();
      fails = true;
    }),
  });
  await epoch(keeper, 0.9);
  await epoch(keeper);
  expect(await count("ledger", "TakenOver")).toBe(1);
  await expect(watching.advance()).rejects.toThrow("busy");
  fails = false;
  await watching.advance();
  const places = watching.evaluated.map(({ position }) => position.leafIndex);
  expect(places).toEqual([...watching.book.accounts.values()].map((one) => presentOf(one).leafIndex));
});

test("it says who is next, by the prices that it knows", async () => {
  const now = (await chain.local.now()) * 1000;
  const hour = 3_600_000;
  const random = randomFrom(11);
  let price = 9_000;
  const rows = Array.from({ length: 400 }, (_, index) => {
    price *= 1 + Number(random.between(-100n, 100n)) / 10_000;
    return { time: (Math.floor(now / hour) - 399 + index) * hour, prices: [price] };
  });
  const recorded = { stepMs: hour, names: ["BTC"], rows };
  const seeing = await chain.keeper({ accounts: [], forecast: { horizonHours: 8, recorded } });
  const ignorant = await chain.keeper({ accounts: [], forecast: { horizonHours: 8 } });
  const prospects = () => seeing.status().endangered;
  await expect.poll(() => prospects().length, { timeout: 20_000 }).toBeGreaterThan(0);
  const [first] = prospects();
  const { accounts } = await (await fetch(`${seeing.url}/v1/accounts`)).json();
  expect(first!.place).toBe(accounts[0].place);
  expect(first!.probability).toBeLessThan(1);
  const before = first!.probability;
  await epoch(seeing, 0.97);
  await expect.poll(() => prospects()[0]?.probability ?? 0, { timeout: 20_000 }).toBeGreaterThan(before);
  expect(seeing.status()).toMatchObject({ below: 0, horizonHours: 8, noForecast: null });
  await chain.settle(ignorant);
  await expect.poll(() => ignorant.status().noForecast, { timeout: 20_000 }).toBe("forecast.history");
});

test("a proof of an epoch that is over is not sent", async () => {
  const onStage = once("flag", "proven", () => chain.move(1));
  const keeper = await chain.keeper({ accounts: [cedar], onStage });
  const { keeper: signer } = chain.stage;
  const sent = await signer.getNonce();
  await chain.move(0.9);
  await chain.settle(keeper);
  expect(await acts(keeper)).toEqual({ "flag keeper.stale": 1, "flag done": 1 });
  expect((await signer.getNonce()) - sent).toBe(1);
});

test("nothing is proven on a snapshot that is too old", async () => {
  await chain.move(0.9);
  await chain.local.advance(200);
  const keeper = await chain.keeper({ accounts: [cedar] });
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ stale: true, below: 1, flagged: 0 });
  expect(await acts(keeper)).toEqual({});
  await epoch(keeper);
  expect(keeper.status()).toMatchObject({ stale: false, below: 1, flagged: 1 });
});

test.each(["proven", "checked"] as const)(
  "of two keepers that race the slower loses nothing, and goes on from what the faster left (%s)",
  async (stage) => {
    let faster: RunningKeeper | undefined;
    const quarter = { ...GENEROUS, maxSlice: 16_384n };
    const overtaken = once("takeOver", stage, async () => {
      faster = await chain.keeper({
        accounts: [rowan],
        signer: chain.stage.traders[1]!,
        limits: quarter,
      });
      await chain.settle(faster);
      await faster.stop();
    });
    const slower = await chain.keeper({ accounts: [cedar], onStage: overtaken });
    await epoch(slower, 0.88);
    const sent = await chain.stage.keeper.getNonce();
    await epoch(slower);
    expect(await count("ledger", "TakenOver")).toBe(1);
    expect((await chain.stage.keeper.getNonce()) - sent).toBe(0);
    expect(slower.status()).toMatchObject({ own: [{ isFree: true }] });
    await written(slower);
    await epoch(slower);
    expect(await count("ledger", "TakenOver")).toBe(2);
    const counted = await acts(slower);
    expect(counted["takeOver done"]).toBe(1);
    expect(counted[stage === "proven" ? "takeOver keeper.moved" : "takeOver ledger.NullifierSpent"]).toBe(1);
  },
);

test("a re-org takes accounts, flags and take-overs back, and the keeper does again what is undone", async () => {
  const keeper = await chain.keeper({ accounts: [cedar] });
  await epoch(keeper, 0.9);
  const undo = await chain.remember();
  await epoch(keeper);
  const taken = keeper.status();
  expect(taken.own).toMatchObject([{ isFree: false }]);
  await undo();
  await chain.local.advance(5);
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ below: 1, flagged: 1, own: [{ isFree: true }] });
  await epoch(keeper);
  expect(keeper.status().own).toEqual(taken.own);
  expect(await count("ledger", "TakenOver")).toBe(1);
  await restore();
  await chain.local.advance(5);
  await chain.settle(keeper);
  expect(keeper.status()).toMatchObject({ accounts: 4, below: 0, flagged: 0, own: [{ isFree: true }] });
});

test.each(["checked", "submitted"] as const)(
  "ended after a take-over was %s, it goes on as if it had not been",
  async (stage) => {
    const dataDirectory = chain.directory();
    const ended = Promise.withResolvers<void>();
    const onStage = once("takeOver", stage, async () => {
      ended.resolve();
      throw new Error("ended");
    });
    const first = await chain.keeper({ accounts: [cedar], dataDirectory, onStage });
    await epoch(first, 0.9);
    await chain.move(1);
    await ended.promise;
    await first.stop();
    const second = await chain.keeper({ accounts: [cedar], dataDirectory });
    await chain.settle(second);
    await written(second);
    expect(second.status()).toMatchObject({ accounts: 4, below: 0, own: [{ isFree: false }] });
    expect(await count("ledger", "TakenOver")).toBe(1);
  },
);

describe("through a relayer", () => {
  /** A keeper that has handed a take-over to a relayer. */
  const submitted = async (relayer: string, dataDirectory: string): Promise<RunningKeeper> => {
    const keeper = await chain.keeper({ accounts: [cedar], relayer, dataDirectory });
    await epoch(keeper, 0.9);
    await chain.move(1);
    await expect.poll(() => keeper.status().pending, { timeout: 20_000, interval: 10 }).toBe(1);
    return keeper;
  };

  test("a take-over is handed over once, also across a restart, and its fee paid", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    const dataDirectory = chain.directory();
    const first = await submitted(relayer.url, dataDirectory);
    // What its account is promised to is in the directory, which is its own.
    const other = chain.keeper({ accounts: [cedar], relayer: relayer.url, dataDirectory });
    await expect(other).rejects.toMatchObject({ rule: "store.locked" });
    expect(first.status()).toMatchObject({ idle: false, own: [{ isFree: false }] });
    await first.stop();
    const second = await chain.keeper({ accounts: [cedar], relayer: relayer.url, dataDirectory });
    await expect.poll(() => second.status().block, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(second.status()).toMatchObject({ pending: 1 });
    await relayer.land();
    await chain.settle(second);
    expect(relayer.count("mined")).toBe(1);
    expect(await acts(second)).toEqual({ "takeOver done": 1 });
    const [{ args }] = (await chain.stage.deployed.ledger.queryFilter("TakenOver")) as unknown as [
      { args: { fee: bigint } },
    ];
    expect(args.fee).toBe(FEE);
    await relayer.close();
  });

  test("one that the relayer gives up frees the account, and is planned anew at the next epoch", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    const keeper = await submitted(relayer.url, chain.directory());
    await chain.move(1);
    await relayer.land();
    await expect.poll(() => relayer.count("queued"), { timeout: 20_000, interval: 10 }).toBe(1);
    expect(relayer.count("refused")).toBe(1);
    await relayer.land();
    await chain.settle(keeper);
    expect(await acts(keeper)).toEqual({
      "flag done": 1,
      "takeOver ledger.SnapshotNotLatest": 1,
      "takeOver done": 1,
    });
    await relayer.close();
  });

  test("one that a relayer says it gave up is counted for as long as it can bring it to the chain", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    relayer.lies();
    const dataDirectory = chain.directory();
    const keeper = await chain.keeper({ accounts: [cedar], relayer: relayer.url, dataDirectory });
    await epoch(keeper, 0.9);
    await epoch(keeper);
    expect(await acts(keeper)).toMatchObject({ "takeOver relayer.fee": 1 });
    const { own, marginInventoryMicroUsdc } = keeper.status();
    expect(own).toMatchObject([{ isFree: false }]);
    expect(Number(marginInventoryMicroUsdc)).toBeGreaterThan(0);
    await keeper.stop();
    const again = await chain.keeper({ accounts: [cedar], relayer: relayer.url, dataDirectory });
    await expect.poll(() => again.status().own, POLL).toMatchObject([{ isFree: false }]);
    await relayer.land();
    await chain.settle(again);
    expect(await acts(again)).toEqual({ "takeOver done": 1 });
    await relayer.close();
  });

  test("one whose answer was lost is remembered, and not handed over again", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    const options = { relayer: relayer.url, relayerPatienceMs: 20, dataDirectory: chain.directory() };
    const keeper = await chain.keeper({ accounts: [cedar, rowan], ...options });
    await epoch(keeper, 0.9);
    relayer.losesAnswers();
    await chain.move(1);
    await expect.poll(() => relayer.count("queued"), { timeout: 20_000, interval: 10 }).toBe(1);
    await expect.poll(async () => (await acts(keeper))["takeOver relayer.unreachable"], POLL).toBe(1);
    expect(keeper.status()).toMatchObject({ pending: 1, idle: false });
    await relayer.land();
    await chain.settle(keeper);
    expect(relayer.count("mined")).toBe(1);
    expect(await acts(keeper)).toMatchObject({ "takeOver done": 1 });
    await relayer.close();
  });

  test("one that a relayer keeps to itself frees the account once it cannot land any more", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    const keeper = await submitted(relayer.url, chain.directory());
    await chain.move(1, 600);
    const { provider } = chain.local.ethers;
    await expect
      .poll(async () => keeper.status().block === (await provider.getBlockNumber()), POLL)
      .toBe(true);
    expect(await acts(keeper)).not.toHaveProperty(["takeOver keeper.lapsed"]);
    await chain.move(1, 125);
    await expect.poll(async () => (await acts(keeper))["takeOver keeper.lapsed"], POLL).toBe(1);
    await relayer.close();
  });

  test("while the relayer is away, accounts are flagged all the same", async () => {
    const relayer = await holdRelayer(chain.stage.deployed, chain.stage.relayer);
    await relayer.close();
    const keeper = await chain.keeper({ accounts: [cedar], relayer: relayer.url, relayerPatienceMs: 20 });
    await epoch(keeper, 0.9);
    await epoch(keeper);
    expect(keeper.status()).toMatchObject({ flagged: 1, waiting: [{ rule: "relayer.unreachable" }] });
  });
});

describe("its transactions", () => {
  const GWEI = 10n ** 9n;
  const of = (contract: unknown, owner: string) =>
    (contract as { balanceOf(owner: string): Promise<bigint> }).balanceOf(owner);

  test("one that is stuck is replaced at a higher fee, and mined once", async () => {
    const { provider } = chain.local.ethers;
    const { keeper: signer, deployed } = chain.stage;
    const { usdc } = deployed;
    const ahead = sendingFrom(signer, { maxGasPrice: 100n * GWEI });
    expect((await ahead.send(usdc, "mint", [signer.address, 1n])).status).toBe(1);
    const nonce = await signer.getNonce();
    await provider.send("evm_setAutomine", [false]);
    try {
      const sending = sendingFrom(signer, { maxGasPrice: 100n * GWEI, patienceMs: 50 });
      const unmined = sending.send(usdc, "mint", [signer.address, 5n]);
      await expect(unmined).rejects.toMatchObject({ rule: "keeper.unmined" });
      // What replaces it is dearer than what the chain asks, and a profit is reckoned with that.
      expect(await sending.gasPrice()).toBeGreaterThan(await ahead.gasPrice());
      const restarted = sendingFrom(signer, { maxGasPrice: 100n * GWEI, patienceMs: 60_000 });
      const sent = restarted.send(usdc, "mint", [signer.address, 7n]);
      const pending = async () =>
        (await provider.send("eth_getBlockByNumber", ["pending", true])).transactions;
      const [first] = await pending();
      await expect.poll(async () => (await pending())[0]?.hash, { timeout: 20_000 }).not.toBe(first.hash);
      await provider.send("evm_mine", []);
      const { hash, status } = await sent;
      expect(status).toBe(1);
      expect((await provider.getTransaction(hash))!.nonce).toBe(nonce);
    } finally {
      await provider.send("evm_setAutomine", [true]);
    }
    expect(await signer.getNonce()).toBe(nonce + 1);
    expect(await of(usdc, signer.address)).toBe(1n + 7n);
  });

  test("none is sent above the highest gas price, nor one that a contract refuses", async () => {
    const { keeper: signer, deployed } = chain.stage;
    const nonce = await signer.getNonce();
    const frugal = sendingFrom(signer, { maxGasPrice: 1n });
    const dear = frugal.send(deployed.usdc, "mint", [signer.address, 5n]);
    await expect(dear).rejects.toMatchObject({ rule: "keeper.gasPrice" });
    const refused = sendingFrom(signer, { maxGasPrice: 100n * GWEI }).send(deployed.ledger, "seal", []);
    await expect(refused).rejects.toMatchObject({ rule: expect.stringMatching(/^ledger\./) });
    expect(await signer.getNonce()).toBe(nonce);
  });
});
