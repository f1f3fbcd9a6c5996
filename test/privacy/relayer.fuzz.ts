import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openingWords } from "../../protocol/insolvency.ts";
import type { Leg } from "../../protocol/leg.ts";
import type { PlacedNote } from "../../protocol/liquidation.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import { accountSecrets } from "../../prover/secrets.ts";
import { makeLog } from "../../services/log.ts";
import { formatItem } from "../../services/relayer/items.ts";
import { startRelayer } from "../../services/relayer/relayer.ts";
import { openStore } from "../../services/store/store.ts";
import { HURRY, type RelayerStage, relayerStage } from "../relayer/relayerStage.ts";
import { emptyDataDirectory, quietLog } from "../support/storeFixture.ts";
import { OPTION, PERPETUAL, SECOND_PERPETUAL, SPOT, smallMarket } from "../support/syntheticMarket.ts";
import { accountOf, moved } from "./acts.ts";
import { type Secrets, searchBelow, searchFor } from "./plantedSecrets.ts";

/*
 * A relayer of its own for each of two histories that differ in private values: what it hears and answers over HTTP, logs, keeps in its database
 * and sends to the chain is the same, and nowhere in it is a planted secret.
 */

const USDC = 1_000_000n;
const MARKET = smallMarket();
const leg = (id: bigint, size: bigint): Leg => ({ id, size, fundingIndex: id === PERPETUAL ? 500_000n : 0n });

/** Two accounts that trade, and one that does nothing. */
interface Cast {
  buyer: PlacedNote;
  seller: PlacedNote;
  third: PlacedNote;
  trade: TradePackage;
}

const small: Cast = {
  buyer: accountOf(1, 900_123_457n),
  seller: accountOf(2, 60_001_234_567n, [leg(SECOND_PERPETUAL, -9n)]),
  third: accountOf(3, 12_345_678_901n),
  trade: { legs: [{ id: PERPETUAL, size: 1n }], cash: -100n * USDC, salt: 5n },
};
const large: Cast = {
  buyer: accountOf(4, 90_123_456_789_012n, [leg(SPOT, 4_234_567_891n)]),
  seller: accountOf(5, 80_987_654_321_098n, [leg(SPOT, 4_934_567_895n), leg(OPTION, 3_000n)]),
  third: accountOf(6, 7_654_321_098_765n, [leg(PERPETUAL, -2_000n), leg(SPOT, 400n)]),
  trade: {
    legs: [
      { id: SPOT, size: 3_000n },
      { id: PERPETUAL, size: -1_200n },
      { id: OPTION, size: 900n },
      { id: SECOND_PERPETUAL, size: -4_000n },
    ],
    cash: -307_000_000_123n,
    salt: 6n,
  },
};

/** Everything of a cast that is nobody else's business: spend secrets, both notes' words, balances, sizes, cash of the trade. */
function secretsOf({ buyer, seller, third, trade }: Cast, first: number): Secrets {
  const secrets: Record<string, bigint> = { "cash of the trade": trade.cash < 0n ? -trade.cash : trade.cash };
  for (const [index, account] of [buyer, seller, third].entries()) {
    const master = new Uint8Array(32).fill(first + index);
    const { spendSecret, entitySecret } = accountSecrets(master, 1n, { chainId: 31337n, ledger: "0x01" });
    Object.assign(secrets, {
      [`spend secret ${index}`]: spendSecret,
      [`entity secret ${index}`]: entitySecret,
    });
    for (const [place, word] of openingWords(account.note).entries())
      if (word > 10n ** 9n) secrets[`word ${place} of account ${index}`] = word;
    const changes = moved(account, MARKET, {}).after.note;
    secrets[`next rho of account ${index}`] = changes.rho;
  }
  return secrets;
}

let stage: RelayerStage;
let base: string;
const directories: string[] = [];
beforeAll(async () => {
  stage = await relayerStage();
  base = await stage.fixture.ethers.provider.send("evm_snapshot", []);
});
afterAll(async () => {
  await stage.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Text with what looks random, and times, told by where it came first; lengths of raw transactions in bytes, to 32. */
function plainly(): (text: string) => string {
  const labels = new Map<string, number>();
  const label = (value: string): string => {
    const key =
      /^\d/.test(value) && !value.startsWith("0x") ? BigInt(value).toString(16) : value.toLowerCase();
    if (!labels.has(key)) labels.set(key, labels.size);
    return `word ${labels.get(key)}`;
  };
  return (text) =>
    text
      .replaceAll(/0x[0-9a-fA-F]{65,}/g, (hex) => `${Math.round(hex.length / 64)} words`)
      .replaceAll(/0x[0-9a-fA-F]{64}/g, label)
      .replaceAll(/\d{60,78}/g, label)
      .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "a time");
}

/** Columns and fields that say when and at what price: blocks, gas, the order in which rows of one statement were numbered. */
const OF_THE_MOMENT = /"(block|gas\w*|max_fee|priority_fee|absent_at|sequence|validUntil)":"?\d+"?/g;

/** Plays a history through a relayer. Returns what was to be seen, line by line, and in which directory the rest is. */
async function play({
  buyer,
  seller,
  third,
  trade,
}: Cast): Promise<{ seen: string[]; directory: string; all: string }> {
  const { fixture, deployed, wallet } = stage;
  await fixture.ethers.provider.send("evm_revert", [base]);
  base = await fixture.ethers.provider.send("evm_snapshot", []);
  const dataDirectory = await emptyDataDirectory();
  directories.push(dataDirectory);
  vi.stubEnv("SOLVUS_LOG_LEVEL", "trace");
  const logged: string[] = [];
  const log = makeLog("relayer", { write: (line) => void logged.push(line) });
  vi.unstubAllEnvs();
  const from = await fixture.ethers.provider.getBlockNumber();
  const relayer = await startRelayer({
    ...{
      deployed,
      signer: wallet(),
      store: { dataDirectory },
      log,
      verify: async () => true,
      prover: "elsewhere",
    },
    rules: { ...HURRY, batchSize: 4, batchAgeMs: 20_000 },
    limits: {},
  });
  const traffic: string[] = [];
  const ask = async (path: string, body?: string): Promise<Record<string, string>> => {
    const init =
      body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body };
    const response = await fetch(`${relayer.url}${path}`, init);
    const headers = [...response.headers].filter(
      ([name]) => !/^(date|content-length|x-ratelimit-.*)$/.test(name),
    );
    const answer = await response.text();
    traffic.push(
      `> ${path.replace(/0x\w+/, "id")} ${body ?? ""}`,
      `< ${response.status} ${JSON.stringify(headers)} ${answer}`,
    );
    return JSON.parse(answer);
  };
  await ask("/v1/quote");
  const deadline = 4_000_000_000n;
  const prepared = [
    moved(buyer, MARKET, { trade: { package: trade, side: 0 } }),
    moved(seller, MARKET, { trade: { package: trade, side: 1 } }),
    moved(third, MARKET, {}),
    moved(moved(third, MARKET, {}).after, MARKET, { fee: USDC }),
  ];
  const ids: string[] = [];
  for (const { signals, tier } of prepared) {
    const transition = await fixture.transition(signals, { deadline }, tier);
    const { id } = await ask("/v1/submissions", formatItem({ kind: "transition", transition }));
    ids.push(id as string);
  }
  const final = async (id: string): Promise<boolean> => {
    const { state } = (await (await fetch(`${relayer.url}/v1/submissions/${id}`)).json()) as {
      state: string;
    };
    return state === "final";
  };
  for (const id of ids) {
    while (!(await final(id))) await pause(50);
    await ask(`/v1/submissions/${id}`);
  }
  await relayer.stop();

  const rows: string[] = [];
  const store = await openStore({ dataDirectory }, quietLog());
  for (const table of [
    "submission",
    "submission_change",
    "outgoing",
    "attempt",
    "outgoing_item",
    "insertion",
  ]) {
    const key = table === "submission" || table === "submission_change" ? "sequence" : "1";
    for (const row of await store.query(`SELECT * FROM ${table} ORDER BY ${key}`))
      rows.push(
        `${table} ${JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value))}`,
      );
  }
  await store.close();

  const sent: string[] = [];
  for (let block = from + 1; block <= (await fixture.ethers.provider.getBlockNumber()); block++) {
    const { transactions } = (await fixture.ethers.provider.getBlock(block))!;
    for (const hash of transactions) {
      const { from: sender, to, data } = (await fixture.ethers.provider.getTransaction(hash))!;
      if (sender === wallet().address) sent.push(`sent to ${to} ${data}`);
    }
  }
  expect(sent).toHaveLength(1);
  const tell = plainly();
  const lines = [...traffic, ...rows, ...sent];
  // Rows of one statement have no order of their own.
  const seen = lines.map((line) => tell(line).replaceAll(OF_THE_MOMENT, '"$1":n')).sort();
  return { seen, directory: dataDirectory, all: [...lines, ...logged].join("\n") };
}

test("two histories that differ in private values alone look alike to their relayer, and leave it no secret", async () => {
  const [one, other] = [await play(small), await play(large)];
  expect(one.seen).toEqual(other.seen);
  expect(one.seen.length).toBeGreaterThan(25);
  const search = searchFor({ ...secretsOf(small, 1), ...secretsOf(large, 4) });
  expect(search(one.all + other.all)).toEqual([]);
  for (const { directory } of [one, other]) expect(searchBelow(directory, search)).toEqual([]);
  // What is public is found there: the search sees what the database holds.
  const nullifier = moved(small.third, MARKET, {}).signals.nullifier as bigint;
  expect(searchFor({ nullifier })(one.all)).toEqual(["nullifier"]);
  expect(searchBelow(one.directory, searchFor({ nullifier })).length).toBeGreaterThan(0);
});
