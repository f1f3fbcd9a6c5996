import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Misuse, SolvusError } from "../../protocol/errors.ts";
import { readJson, readText, writeText } from "../../services/files.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { jsonText, type Output } from "../output.ts";
import { assetsSchema } from "../up/assets.ts";
import { makeKeeperKeystore } from "../up/keeperAccount.ts";
import { type LocalSystem, withLocalSystem } from "../up/localSystem.ts";
import { keeperPlan } from "../up/plans.ts";
import { coinOf } from "../up/system.ts";
import { castOf } from "./cast.ts";
import { readChainRecord } from "./chainRecord.ts";
import { conclude } from "./conclude.ts";
import { newDrill, play, setUp } from "./play.ts";
import { membersOf, rolesFor } from "./population.ts";
import { type PriceSeries, pricesText, readPrices } from "./prices.ts";
import { randomFrom } from "./random.ts";
import { type ReportData, reportHtml } from "./report.ts";
import { type DrillSummary, summaryText } from "./summary.ts";
import { type DrillWindow, drillWindow, type WindowWish } from "./window.ts";

/** What a drill is asked to do. */
export interface DrillSettings {
  /** File of closes. */
  prices: string;
  /** Accounts in all, makers and the keeper's among them. */
  accounts: number;
  /** Where report, summary and logs go. */
  out: string;
  seed: number;
  window: WindowWish;
}

/** Of the keeper's institution. */
const KEEPER_ACCOUNTS = 2;
const KEEPER_NUMBERS = [1, 2];
/** Calm before the first price, in which accounts are opened, and after the last, in which auctions end. */
const CALM_MS = 4 * 3_600_000;
const OPENED_BEFORE_MS = 3 * 3_600_000;
/** Whole USDC for each account: what the insurance fund begins with, and its floor. */
const FUND = 5_000;
const FUND_FLOOR = 500;
const KEEPER_LIMITS = { maxInventory: 400_000, minimumProfit: 150 };

const NAMES = { report: "report.html", summary: "summary.json", logs: "logs" } as const;

/** Progress with the time since the start in front. */
function progress(output: Output): { log(line: string): void; seconds(): number } {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  return {
    seconds,
    log(line) {
      const whole = Math.floor(seconds());
      output.log(`${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}  ${line}`);
    },
  };
}

/** Misuse (`file.write`) for a place where no directory can be made. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Misuse("file.write", `--out is ${JSON.stringify(path)} (${code}), expected a directory`);
  }
}

/** Copies the logs of the processes to where the report is. */
function keepLogs(from: string, to: string): void {
  if (!existsSync(from)) return;
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

/** Plays the drill on a local Solvus that runs, and gives what it came to. */
async function playOn(
  local: LocalSystem,
  settings: DrillSettings,
  series: PriceSeries,
  window: DrillWindow,
  { log, seconds }: ReturnType<typeof progress>,
): Promise<ReportData> {
  const { places, supervisor, setting } = local;
  const { underlyings } = series;
  const { keystore, passwordFile, master } = await makeKeeperKeystore(places.directory);
  const counts = rolesFor(settings.accounts, KEEPER_ACCOUNTS);
  const members = membersOf(counts, underlyings.length, randomFrom(settings.seed));
  const people = castOf(members, setting, master);
  const assets = readJson(places.assets, "assets", assetsSchema);
  const drill = newDrill(local, { people, underlyings, window, assets, log });
  await setUp(drill);
  const settingUp = seconds();
  log("starting the keeper");
  const coin = coinOf(underlyings);
  await supervisor.start(
    keeperPlan(places, { keystore, passwordFile, accounts: KEEPER_NUMBERS, ...KEEPER_LIMITS, coin }),
  );
  drill.keeperRuns = true;
  await play(drill);
  log("reading the chain and auditing the ledger");
  const record = await readChainRecord(setting.deployed, setting.deployed.deployment.fromBlock);
  const audit = await auditLedger(setting.deployed.chain);
  const total = seconds();
  return conclude({
    file: basename(settings.prices),
    drill,
    record,
    audit,
    seconds: { settingUp, playing: total - settingUp, total },
    report: join(settings.out, NAMES.report),
  });
}

/** Runs a drill and writes its report. Misuse for prices that are malformed, before anything is started. */
export async function runDrill(settings: DrillSettings, output: Output): Promise<DrillSummary> {
  const { prices, out } = settings;
  const series = readPrices(readText(prices, "--prices"));
  const window = drillWindow(series, settings.window);
  rolesFor(settings.accounts, KEEPER_ACCOUNTS);
  makeDirectory(out);
  const told = progress(output);
  const [first] = window.points as [DrillWindow["points"][number]];
  const last = window.points.at(-1) as DrillWindow["points"][number];
  told.log(
    `${basename(prices)}: ${new Date(first.time).toISOString()} to ${new Date(last.time).toISOString()} in ${window.points.length} steps, ${settings.accounts} accounts`,
  );
  const work = mkdtempSync(join(tmpdir(), "solvus-drill-"));
  const directory = join(work, "up");
  try {
    const feed = join(work, "prices.csv");
    writeText(
      feed,
      pricesText(series.underlyings, window.rows, { intervalMs: series.intervalMs, calmMs: CALM_MS }),
    );
    const start = new Date(first.time - OPENED_BEFORE_MS);
    // Proofs take as long as the machine takes, and no epoch passes meanwhile.
    const clock = "stands" as const;
    const system = {
      directory,
      port: 0,
      start,
      clock,
      prices: feed,
      fund: FUND * settings.accounts,
      fundFloor: FUND_FLOOR * settings.accounts,
    };
    const events = { log: told.log, onLine: () => {} };
    const data = await withLocalSystem(system, events, (local) =>
      playOn(local, settings, series, window, told),
    );
    writeText(join(out, NAMES.report), await reportHtml(data));
    writeText(join(out, NAMES.summary), `${jsonText(data.summary)}\n`);
    output.result(data.summary, summaryText(data.summary));
    if (!data.summary.audit.accepted)
      throw new SolvusError("drill.audit", "audit of the ledger: refused, expected every check to pass");
    return data.summary;
  } finally {
    keepLogs(join(directory, "logs"), join(out, NAMES.logs));
    rmSync(work, { recursive: true, force: true });
  }
}
