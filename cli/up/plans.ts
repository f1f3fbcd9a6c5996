import { fileURLToPath } from "node:url";
import { keyFile } from "./chain.ts";
import type { ChildPlan } from "./supervisor.ts";
import type { SystemPlaces } from "./system.ts";

/*
 * The processes of a local Solvus: each one is a `solvus` command, told by its flags alone where the others are.
 */

const ENTRY = fileURLToPath(new URL("./childEntry.ts", import.meta.url));

/** Numbers of the reporters; any two may be faulty. */
const REPORTERS = [1, 2, 3, 4, 5, 6, 7];
const POLL_MS = "250";
/** What a local relayer asks for an item, USDC. */
const FEE = "0.25";

function solvus(name: string, argv: readonly string[], more: Partial<ChildPlan> = {}): ChildPlan {
  // Warnings about libraries are nothing that whoever reads the logs can do anything about.
  return { name, argv: [ENTRY, ...argv], env: { NODE_NO_WARNINGS: "1" }, whenItEnds: "restart", ...more };
}

const health = (url: string): string => `${url}/health`;
const portOf = (url: string): string => new URL(url).port;

/** What a local chain is started with; amounts are whole USDC. */
export interface ChainWish {
  /** Where its clock begins, and whether it runs with the machine's or stands until somebody moves it. */
  start: Date;
  clock: "runs" | "stands";
  /** What the insurance fund begins with, and its floor. */
  fund: number;
  fundFloor: number;
}

/** The chain; without it nothing can go on. */
export function chainPlan(places: SystemPlaces, { start, clock, fund, fundFloor }: ChainWish): ChildPlan {
  const argv = ["up", "chain", "--data", places.directory, "--port", portOf(places.rpc)];
  const time = ["--health-port", portOf(places.chain), "--start", start.toISOString(), "--clock", clock];
  const money = ["--fund", String(fund), "--fund-floor", String(fundFloor)];
  return solvus("chain", [...argv, ...time, ...money], {
    healthUrl: health(places.chain),
    whenItEnds: "stopAll",
  });
}

const chainFlags = (places: SystemPlaces): string[] => [
  ...["--rpc", places.rpc],
  ...["--deployment", places.deployment],
];

/** All reporters in one process, as a house with several desks would run them. */
export function reportersPlan(places: SystemPlaces): ChildPlan {
  const keys = REPORTERS.flatMap((number) => ["--key-file", keyFile(places.directory, `reporter-${number}`)]);
  const source = ["--prices", places.prices, "--market", places.market];
  const argv = ["oracle", "report", ...chainFlags(places), ...keys, ...source];
  const own = ["--data", places.oracle, "--port", portOf(places.reporters)];
  return solvus("reporters", [...argv, ...own], { healthUrl: health(places.reporters) });
}

export function aggregatorPlan(places: SystemPlaces): ChildPlan {
  const argv = ["oracle", "aggregate", ...chainFlags(places), "--reporter", places.reporters];
  const own = ["--market", places.market, "--key-file", keyFile(places.directory, "aggregator")];
  const port = ["--port", portOf(places.aggregator), "--poll-ms", POLL_MS];
  return solvus("aggregator", [...argv, ...own, ...port], { healthUrl: health(places.aggregator) });
}

export function relayerPlan(places: SystemPlaces): ChildPlan {
  const argv = [
    "relayer",
    "serve",
    ...chainFlags(places),
    "--key-file",
    keyFile(places.directory, "relayer"),
  ];
  const own = ["--data", places.relayerData, "--port", portOf(places.relayer), "--fee", FEE];
  return solvus("relayer", [...argv, ...own], { healthUrl: health(places.relayer) });
}

/** What a local keeper takes over with, and its limits in whole USDC. */
export interface KeeperWish {
  keystore: string;
  passwordFile: string;
  /** Numbers of its accounts. */
  accounts: readonly number[];
  maxInventory: number;
  minimumProfit: number;
  coin: string;
}

export function keeperPlan(places: SystemPlaces, wish: KeeperWish): ChildPlan {
  const key = (name: string): string => keyFile(places.directory, name);
  const argv = ["keeper", "run", ...chainFlags(places), "--committee-key-file", key("committee")];
  const account = ["--keystore", wish.keystore, "--password-file", wish.passwordFile];
  const own = [
    "--accounts",
    wish.accounts.join(","),
    "--key-file",
    key("keeper-1"),
    "--relayer",
    places.relayer,
  ];
  const limits = [
    "--max-inventory",
    String(wish.maxInventory),
    "--minimum-profit",
    String(wish.minimumProfit),
  ];
  const where = ["--data", places.keeperData, "--port", portOf(places.keeper), "--coin", wish.coin];
  return solvus("keeper", [...argv, ...account, ...own, ...limits, ...where], {
    healthUrl: health(places.keeper),
  });
}
