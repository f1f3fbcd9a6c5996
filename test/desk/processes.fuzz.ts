import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Contract } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { shortSnapshot } from "../support/shortMarket.ts";

/*
 * Two institutions trade by the commands alone: relayer, maker and taker are processes of their own, proofs are real, and maker and taker
 * are killed in the middle of it.
 */

const PASSWORD = "correct horse battery staple";
const ENVIRONMENT = { ...process.env, SOLVUS_PASSWORD: PASSWORD };

let directory: string;
let local: ServedChain;
let stage: Stage;
let market: Market;
let relayer: string;
let going = true;
let clock: Promise<void>;
const children = new Set<ChildProcess>();
const at = (name: string): string => join(directory, name);

/** Starts the command in a process of its own. */
function start(args: readonly string[]): {
  child: ChildProcess;
  ended: Promise<number | null>;
  text(): string;
} {
  const child = spawn(process.execPath, [join(ROOT, "cli/solvus.ts"), ...args], {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return { child, ended, text: () => chunks.join("") };
}

async function done(...args: string[]): Promise<string> {
  const { ended, text } = start(args);
  const code = await ended;
  if (code !== 0) throw new Error(`solvus ${args.slice(0, 3).join(" ")} ended with ${code}: ${text()}`);
  expect(text()).not.toContain(PASSWORD);
  return text();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let second = 0; second < 900; second++) {
    if (await holds()) return;
    await sleep(200);
  }
  throw new Error(`waited in vain for ${what}`);
}

const recordHas = (name: string, event: string): boolean =>
  existsSync(at(name)) && readFileSync(at(name), "utf8").includes(`"event":"${event}"`);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Lets the chain's time pass with the machine's; epochs are as long as they may be, since proofs take long on a busy machine. */
async function keepTime(): Promise<void> {
  while (going) {
    await local.advance(0);
    await market.keepFresh(150);
    await sleep(500);
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-desk-processes-"));
  local = await serveLocalChain(new Date("2020-05-21T23:22:36Z"), 0);
  stage = await setStage(local, { openRegistry: true });
  market = makeMarket(stage, shortSnapshot());
  await market.open();
  const { deployed, admin, traders } = stage;
  writeFileSync(at("deployment.json"), JSON.stringify(deployed.deployment));
  for (const [place, { address }] of traders.entries()) {
    await (await (deployed.usdc.connect(admin) as Contract).mint(address, 10n ** 12n)).wait();
    writeFileSync(at(`${place}.key`), `${developmentKey(place + 1)}\n`);
  }
  writeFileSync(at("relayer.key"), `${developmentKey(15)}\n`);
  clock = keepTime();
  const port = await freePort();
  relayer = `http://127.0.0.1:${port}`;
  start([
    ...["relayer", "serve", "--rpc", local.url, "--deployment", at("deployment.json")],
    ...["--key-file", at("relayer.key"), "--data", at("data"), "--port", String(port)],
    ...["--fee", "0.05", "--batch-age", "1", "--confirmations", "1"],
  ]);
  await until(
    "the relayer",
    async () => (await fetch(`${relayer}/health`).catch(() => undefined))?.ok === true,
  );
}, 600_000);
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  going = false;
  await clock;
  await stage?.prover.close();
  await local?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("maker and taker are killed in the middle, and trade once", { timeout: 1_800_000 }, async () => {
  const chain = ["--rpc", local.url, "--deployment", at("deployment.json")];
  const account = (name: string): string[] => [...chain, "--keystore", at(`${name}.keystore`)];
  for (const [place, name] of ["alder", "birch"].entries()) {
    await done("account", "open", ...account(name), "--relayer", relayer);
    const key = ["--key-file", at(`${place}.key`), "--amount", "50000", "--wait", "600"];
    await done("account", "deposit", ...account(name), "--relayer", relayer, ...key);
    await done("desk", "identity", "--keystore", at(`${name}.keystore`), "--out", at(`${name}.card`));
  }
  const desk = (name: string): string[] => [
    ...account(name),
    ...["--relayer", relayer, "--record", at(`${name}.jsonl`)],
  ];
  const quote = ["desk", "quote", ...desk("birch"), "--quote-seconds", "120", "--settle-seconds", "900"];
  const maker = start([...quote, "--taker", at("alder.card")]);
  const taker = start([
    ...["desk", "request", ...desk("alder"), "--maker", at("birch.card"), "--leg", "BTC-PERPETUAL=+1"],
    ...["--answer-seconds", "300"],
  ]);
  await until("the maker's proof", () => recordHas("birch.jsonl", "proving"));
  maker.child.kill("SIGKILL");
  await until("the taker's half", () => recordHas("alder.jsonl", "submitted"));
  taker.child.kill("SIGKILL");
  await Promise.all([maker.ended, taker.ended]);
  const again = start([...quote, "--taker", at("alder.card")]);
  const resumed = JSON.parse(await done("desk", "resume", ...desk("alder"), "--json").then(lastDocument));
  expect(resumed.requests).toMatchObject([{ outcome: "landed" }]);
  await until("the maker's end", () => recordHas("birch.jsonl", "landed"));
  again.child.kill("SIGTERM");
  expect(await again.ended).toBe(0);
  const { deployed } = stage;
  const events = await deployed.chain.ledgerEvents(0, await deployed.chain.blockNumber());
  expect(events.filter((event) => event.kind === "transitioned" && event.tradeTag !== 0n)).toHaveLength(2);
  for (const name of ["alder", "birch"]) {
    const verified = await done("desk", "records", "verify", at(`${name}.jsonl`));
    expect(verified).toContain("outcome: landed");
    expect(await done("account", "show", ...account(name))).toContain("BTC-PERPETUAL");
  }
  expect(await done("desk", "resume", ...desk("alder"))).toContain("Nothing in the record is unfinished");
});

/** The JSON document at the end of mixed output. */
function lastDocument(text: string): string {
  return text.slice(text.indexOf("\n{") + 1);
}
