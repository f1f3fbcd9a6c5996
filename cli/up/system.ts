import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensure } from "../../protocol/errors.ts";
import { readText, writeText } from "../../services/files.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import { PLACES } from "./directory.ts";
import { aggregatorPlan, type ChainWish, chainPlan, relayerPlan, reportersPlan } from "./plans.ts";
import { freePorts } from "./ports.ts";
import type { Supervisor } from "./supervisor.ts";

/** Where the parts of a local Solvus are: URLs, files and directories. */
export interface SystemPlaces {
  directory: string;
  deployment: string;
  assets: string;
  /** The closes that its reporters replay, and the market to begin with. */
  prices: string;
  market: string;
  oracle: string;
  relayerData: string;
  keeperData: string;
  /** JSON-RPC endpoint of the chain, and where its process tells its health. */
  rpc: string;
  chain: string;
  reporters: string;
  aggregator: string;
  relayer: string;
  keeper: string;
}

/** What a local Solvus is started with. */
export interface SystemSettings extends ChainWish {
  /** Taken by this process. */
  directory: string;
  /** Of the chain's JSON-RPC endpoint; 0 takes a free one, as all others do. */
  port: number;
  /** A file of closes that begins no later than the chain's clock. */
  prices: string;
}

/** The places of a local Solvus, with free ports. */
export async function placesOf({ directory, port, prices }: SystemSettings): Promise<SystemPlaces> {
  const [rpc, ...others] = await freePorts(6);
  const [chain, reporters, aggregator, relayer, keeper] = others.map(
    (free) => `http://127.0.0.1:${free}`,
  ) as [string, string, string, string, string];
  const inside = (name: string): string => join(directory, name);
  return {
    directory,
    prices,
    deployment: inside(PLACES.deployment),
    assets: inside(PLACES.assets),
    market: inside(PLACES.market),
    oracle: inside(PLACES.oracle),
    relayerData: inside(PLACES.relayer),
    keeperData: inside(PLACES.keeper),
    rpc: `http://127.0.0.1:${port === 0 ? rpc : port}`,
    ...{ chain, reporters, aggregator, relayer, keeper },
  };
}

const LISTED_WITHIN_MS = 60_000;

/** The underlying by whose index fees are reckoned, or a price where the market has no ether; dollars. */
export const coinOf = (underlyings: readonly string[]): string =>
  underlyings.includes("ETH") ? "ETH" : "2000";

/**
 * Starts chain, reporters, aggregator and relayer, each once those before it can work, and waits until assets are listed. A keeper is
 * started by whoever has an account for it.
 */
export async function startSystem(
  supervisor: Supervisor,
  settings: SystemSettings,
  log: (line: string) => void,
): Promise<SystemPlaces> {
  const places = await placesOf(settings);
  const source = closesSource(parseClosesCsv(readText(places.prices, "--prices")));
  const seconds = Math.floor(settings.start.getTime() / 1000);
  const market = firstInputs(await source.observe(seconds), seconds);
  writeText(places.market, `${JSON.stringify(market, null, 2)}\n`);
  log("starting the chain, and Solvus on it");
  await supervisor.start(chainPlan(places, settings));
  log("starting reporters and aggregator");
  await supervisor.start(reportersPlan(places));
  await supervisor.start(aggregatorPlan(places));
  log("starting the relayer");
  await supervisor.start(relayerPlan(places));
  const deadline = performance.now() + LISTED_WITHIN_MS;
  while (!existsSync(places.assets)) {
    ensure(
      performance.now() < deadline,
      "up.assets",
      "spot assets: not listed in time, see the log of the chain",
    );
    await delay(100);
  }
  return places;
}
