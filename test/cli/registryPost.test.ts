import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { createKeystore } from "../../prover/keystore.ts";
import type { Prover } from "../../prover/prover.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { idealProver } from "../support/idealProver.ts";
import { lendProver } from "../support/lentProver.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { WEAK } from "../support/weakKeystore.ts";
import { solvus } from "./run.ts";

/*
 * The officer's whole procedure against a chain behind JSON-RPC, and an institution that has its path and nothing else of the list: it
 * opens an account, deposits and trades, is removed, and can still withdraw. The ledger verifies by declaration; the real circuits judge openings and
 * transitions by their witnesses. Tests build on one another.
 */

let takeBack: (() => void) | undefined;

let directory: string;
let local: ServedChain;
let stage: Stage;
let market: Market;
let prover: Prover;
const PASSWORD = "correct horse battery staple";
/** Entities of Alder, who will be removed, and of Birch, who stays. */
let entity: string;
let other: string;
const at = (name: string): string => join(directory, name);
const chainFlags = (): string[] => ["--rpc", local.url, "--deployment", at("deployment.json")];
const officer = (): string[] => [...chainFlags(), "--key-file", at("officer.key")];
const proving = (name = "alder"): string[] => [...chainFlags(), "--keystore", at(`${name}.keystore`)];
const account = (name = "alder"): string[] => [...proving(name), "--key-file", at(`${name}.key`)];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-post-"));
  vi.stubEnv("SOLVUS_PASSWORD", PASSWORD);
  local = await serveLocalChain(new Date("2020-05-21T23:22:36Z"), 0);
  stage = await setStage(local, { openRegistry: false, verifier: "ideal" });
  const verifier = await local.ethers.getContractAt(
    "IdealVerifier",
    await stage.deployed.ledger.verifier(),
    stage.admin,
  );
  prover = idealProver(verifier as unknown as Contract, ["open", "transition.small"]);
  takeBack = lendProver(prover);
  market = makeMarket(stage, shortSnapshot());
  await market.open();
  writeFileSync(at("deployment.json"), JSON.stringify(stage.deployed.deployment));
  writeFileSync(at("officer.key"), developmentKey(0));
  const entities: string[] = [];
  for (const [place, name] of ["alder", "birch"].entries()) {
    const { address } = stage.traders[place] as (typeof stage.traders)[0];
    await (await (stage.deployed.usdc.connect(stage.admin) as Contract).mint(address, 10n ** 12n)).wait();
    writeFileSync(at(`${name}.key`), developmentKey(place + 1));
    await createKeystore(at(`${name}.keystore`), PASSWORD, WEAK);
    const made = await done("account", "entity", "--keystore", at(`${name}.keystore`));
    entities.push(made.entity as string);
  }
  [entity, other] = entities as [string, string];
}, 120_000);
afterAll(async () => {
  takeBack?.();
  vi.unstubAllEnvs();
  await prover?.close();
  await stage?.prover.close();
  await local?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function done(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await solvus([...args, "--json"]);
  expect(stderr.split("\n").filter((line) => line.startsWith("error"))).toEqual([]);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}

async function refused(rule: string, exitCode: number, ...args: string[]): Promise<void> {
  const outcome = await solvus(args);
  expect(outcome.stderr).toContain(`error: ${rule}: `);
  expect(outcome.exitCode).toBe(exitCode);
}

/** Builds a list of entities, each a member up to an epoch, and returns its root. */
async function build(name: string, members: Record<string, number>): Promise<unknown> {
  const rows = Object.entries(members).map(([member, expiry]) => `${member},${expiry}\n`);
  writeFileSync(at(`${name}.csv`), `entity,expiry\n${rows.join("")}`);
  const flags = ["--entities", at(`${name}.csv`), "--out", at(`${name}.json`)];
  return (await done("registry", "build", ...flags)).root;
}

/** Gives Alder (or Birch) a path in a list, `<list>.path` (or `<list>.other`). */
async function pathOf(list: string, whose = entity): Promise<string> {
  const out = at(`${list}.${whose === entity ? "path" : "other"}`);
  await done("registry", "path", "--registry", at(`${list}.json`), "--entity", whose, "--out", out);
  return out;
}

/** Proves a half of a ticket for Alder (side 0) or Birch (side 1). */
const prove = (side: 0 | 1, ...registry: string[]): string[] => [
  ...["account", "trade", "prove", ...proving(side === 0 ? "alder" : "birch"), "--ticket", at("ticket.json")],
  ...["--side", String(side), "--out", at(`${side}.half`), ...registry],
];

async function propose(leg: string): Promise<void> {
  await market.keepFresh(60);
  const out = ["--leg", leg, "--out", at("ticket.json")];
  await done("account", "trade", "propose", ...chainFlags(), ...out);
}

const submit = (): string[] => [
  ...[
    "account",
    "trade",
    "submit",
    ...chainFlags(),
    "--key-file",
    at("alder.key"),
    at("0.half"),
    at("1.half"),
  ],
];

async function writeQueue(): Promise<void> {
  await local.advance(30);
  await sealIfDue(stage.deployed, stage.relayer);
  await insertClosedNodes(stage.deployed, prover, stage.relayer);
  await market.keepFresh(60);
}

test("the first list is posted as an addition, by an officer alone", async () => {
  const root = await build("first", { [entity]: 1000, [other]: 1000 });
  const post = ["registry", "post", "--registry", at("first.json")];
  await refused("registry.officer", 1, ...post, ...chainFlags(), "--key-file", at("alder.key"));
  expect(await done(...post, ...officer())).toMatchObject({ root, replaced: "0", removal: false });
  expect(String(await stage.deployed.registry.currentRoot())).toBe(root);
  await refused("registry.unchanged", 1, ...post, "--replaces", at("first.json"), ...officer());
});

test("institutions open accounts, deposit and trade, each with its path, which lists nobody else", {
  timeout: 600_000,
}, async () => {
  await refused("registry.file", 1, "account", "open", ...account());
  const paths = [await pathOf("first"), await pathOf("first", other)] as const;
  for (const [place, name] of ["alder", "birch"].entries())
    await done("account", "open", ...account(name), "--registry", paths[place] as string);
  await writeQueue();
  for (const [place, name] of ["alder", "birch"].entries())
    await done(
      ...["account", "deposit", ...account(name), "--registry", paths[place] as string, "--amount", "5000"],
    );
  await writeQueue();
  await propose("BTC-PERPETUAL=+1");
  await refused("registry.file", 1, ...prove(0));
  await done(...prove(0, "--registry", paths[0]));
  await done(...prove(1, "--registry", paths[1]));
  await done(...submit());
  await writeQueue();
});

test("somebody else's path opens nothing", async () => {
  const flags = ["--keystore", at("stranger.keystore")];
  await done("account", "entity", ...flags, "--create");
  const open = ["account", "open", ...chainFlags(), ...flags, "--key-file", at("alder.key")];
  await refused("registry.unknown", 1, ...open, "--registry", at("first.path"));
});

test("which list is in force must be known: without it, or with another, nothing is posted", async () => {
  const added = await build("added", { [entity]: 1000, [other]: 1000, "8": 1000 });
  const post = ["registry", "post", "--registry", at("added.json"), ...officer()];
  await refused("registry.replaces", 2, ...post);
  await refused("registry.replaced", 1, ...post, "--replaces", at("added.json"));
  expect(await done(...post, "--replaces", at("first.json"))).toMatchObject({ root: added, removal: false });
  // The grace of an addition: the path of the list before still serves.
  expect(
    await stage.deployed.registry.acceptsRoot(JSON.parse(readFileSync(at("first.path"), "utf8")).root),
  ).toBe(true);
});

test("a removal is told by comparing, acts at once, and leaves withdrawals and the way out of positions alone", {
  timeout: 600_000,
}, async () => {
  await pathOf("added");
  const root = await build("removed", { [other]: 1000, "8": 1000 });
  const post = ["registry", "post", "--registry", at("removed.json"), "--replaces", at("added.json")];
  expect(await done(...post, ...officer())).toMatchObject({ root, removal: true });
  const deposit = ["account", "deposit", ...account(), "--amount", "1"];
  for (const path of ["first.path", "added.path"])
    await refused("registry.root", 1, ...deposit, "--registry", at(path));
  await refused("registry.unknown", 1, ...deposit, "--registry", at("removed.json"));
  expect(await done("account", "withdraw", ...account(), "--amount", "400")).toMatchObject({
    withdrawal: "400000000",
  });
  await writeQueue();
  // More risk asks for a path, which nobody gives; less risk does not.
  await propose("BTC-PERPETUAL=+1");
  await refused("registry.file", 1, ...prove(0));
  await propose("BTC-PERPETUAL=-1");
  await done(...prove(0));
  await done(...prove(1));
  await done(...submit());
  await writeQueue();
  const windDown = ["account", "withdraw", ...account(), "--mode", "wind-down", "--amount", "1"];
  await refused("ledger.WindDownClosed", 1, ...windDown);
  expect(await done("account", "withdraw", ...account(), "--mode", "exit", "--amount", "4000")).toMatchObject(
    {
      withdrawal: "4000000000",
    },
  );
});

test("the list before the removal is not posted again; a readmission is another list", async () => {
  const flags = ["--replaces", at("removed.json"), ...officer()];
  const again = ["registry", "post", "--registry", at("added.json"), ...flags];
  await refused("registry.RegistryRootReused", 1, ...again);
  await refused("registry.RegistryRootReused", 1, ...again, "--removal");
  const root = await build("readmitted", { [entity]: 1001, [other]: 1000, "8": 1000 });
  const post = ["registry", "post", "--registry", at("readmitted.json"), ...flags];
  expect(await done(...post)).toMatchObject({ root, removal: false });
});

test("--removal voids the root before without the list in force, also when the root stays", async () => {
  const { registry } = stage.deployed;
  const [before, current] = [await registry.previousRoot(), await registry.currentRoot()];
  expect(await registry.acceptsRoot(before)).toBe(true);
  const post = ["registry", "post", "--registry", at("readmitted.json"), "--removal", ...officer()];
  expect(await done(...post)).toMatchObject({ root: String(current), removal: true });
  expect(await registry.acceptsRoot(before)).toBe(false);
  expect(await registry.acceptsRoot(current)).toBe(true);
  expect(existsSync(at("readmitted.path"))).toBe(false);
});
