import { existsSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Contract } from "ethers";
import { Misuse } from "../../protocol/errors.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { readText, writeText } from "../../services/files.ts";
import { type ServedChain, serveLocalChain } from "../chain/localChain.ts";
import { firstSnapshot, type Market, makeMarket } from "../demo/market.ts";
import { listSpotAssets, type Stage, setStage } from "../demo/stage.ts";
import { failureOf } from "../exitCode.ts";
import type { Output } from "../output.ts";
import { developmentKey } from "./developmentKey.ts";
import { requireFreePort } from "./freePort.ts";

export interface DevSettings {
  /** Made if need be. */
  directory: string;
  port: number;
  epochSeconds: number;
}

/** Chain time at the start: just after the option chain was read. */
const START = new Date("2020-05-21T23:22:36Z");
const TICK_MS = 2_000;
/** What the two development traders start with. */
const CASH = 1_000_000_000_000n;
const LOTS = 1_000n;

/** What a run writes and removes again, in the order in which it does; the first tells whose the others are. */
const FILES = ["alice.key", "bob.key", "committee.key", "deployment.json"] as const;

/**
 * Throws misuse (`dev.directory`) for a directory with a file of these names that no earlier run has left: it would be written over now, and
 * removed in the end.
 */
export function requireOwnFiles(directory: string): void {
  const found = FILES.filter((name) => existsSync(join(directory, name)));
  const [mark] = FILES;
  const isOwn = found[0] === mark && readText(join(directory, mark), "--out").trim() === developmentKey(1);
  if (found.length > 0 && !isOwn)
    throw new Misuse(
      "dev.directory",
      `--out is ${JSON.stringify(directory)}, which has ${found.join(", ")} of something else, expected a directory without`,
    );
}

/** Gives the two traders cash and spot tokens. */
async function fund(local: ServedChain, stage: Stage, market: Market): Promise<void> {
  const assets = await listSpotAssets(local, stage, market.snapshot);
  const tokens: [Contract, bigint][] = [
    [stage.deployed.usdc, CASH],
    ...assets.map(({ token, unitsPerLot }): [Contract, bigint] => [token, LOTS * unitsPerLot]),
  ];
  for (const [token, units] of tokens) {
    for (const { address } of stage.traders)
      await (await (token.connect(stage.admin) as Contract).mint(address, units)).wait();
  }
}

/** Resolves at the first request to end. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    // A terminal's Ctrl-C can arrive twice, from the terminal and through a parent: the second one changes nothing.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
  });
}

/** Keeps the chain going until `stop` resolves: time, epochs, insertions. */
async function keepGoing(
  stage: Stage,
  market: Market,
  local: ServedChain,
  epochSeconds: number,
  stop: Promise<void>,
  output: Output,
): Promise<void> {
  let running = true;
  void stop.then(() => {
    running = false;
  });
  while (running) {
    try {
      // A block, so that the chain's clock goes on without transactions.
      await local.advance(0);
      const { epoch } = market.snapshot;
      await market.keepFresh(epochSeconds);
      if (market.snapshot.epoch !== epoch) output.log(`epoch ${market.snapshot.epoch}`);
      await sealIfDue(stage.deployed, stage.relayer);
      const written = await insertClosedNodes(stage.deployed, stage.prover, stage.relayer);
      if (written.length > 0) output.log("new notes are in the state tree");
    } catch (error) {
      const { rule, message } = failureOf(error);
      output.log(`${rule}: ${message}`);
    }
    await Promise.race([stop, new Promise((resolve) => setTimeout(resolve, TICK_MS))]);
  }
}

/** Runs the local chain until Ctrl-C, then removes what it wrote. */
export async function runDev(settings: DevSettings, output: Output): Promise<void> {
  const { directory, port, epochSeconds } = settings;
  const stop = ended();
  const made = !existsSync(directory);
  const written: string[] = [];
  const write = (name: string, text: string): void => {
    const file = join(directory, name);
    writeText(file, text, { secret: true });
    written.push(file);
  };
  requireOwnFiles(directory);
  await requireFreePort(port);
  const local = await serveLocalChain(START, port);
  try {
    const stage = await setStage(local, { openRegistry: true });
    try {
      const market = makeMarket(stage, firstSnapshot().snapshot);
      await market.open();
      await fund(local, stage, market);
      mkdirSync(directory, { recursive: true });
      const texts = {
        "alice.key": developmentKey(1),
        "bob.key": developmentKey(2),
        "committee.key": String(stage.committeeKey),
        "deployment.json": JSON.stringify(stage.deployed.deployment, null, 2),
      };
      for (const name of FILES) write(name, `${texts[name]}\n`);
      output.result(
        { rpc: local.url, directory, epoch: Number(market.snapshot.epoch) },
        `Solvus runs at ${local.url}; ${join(directory, "deployment.json")} says where, alice.key and bob.key hold a million USDC each, committee.key reads every account.\nCtrl-C ends it.`,
      );
      await keepGoing(stage, market, local, epochSeconds, stop, output);
    } finally {
      await stage.prover.close();
    }
  } finally {
    await local.close();
    for (const file of written) rmSync(file, { force: true });
    if (made && existsSync(directory)) removeIfEmpty(directory);
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody keeps files of their own in it.
  }
}
