import { Wallet } from "ethers";
import { reading, SolvusError } from "../../protocol/errors.ts";
import { accountSecrets } from "../../prover/secrets.ts";
import { throughEpochs } from "../../services/account/again.ts";
import { scopeOf } from "../../services/chain/reading.ts";
import { readText } from "../../services/files.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import { requireFreePort } from "../dev/freePort.ts";
import type { Output } from "../output.ts";
import { makeKeeperKeystore } from "./keeperAccount.ts";
import { type LocalSystem, untilAborted, withLocalSystem } from "./localSystem.ts";
import { endow, type Owner, presentAccount, submitChange, submitOpening } from "./owner.ts";
import { keeperPlan } from "./plans.ts";
import { readableLog } from "./readableLog.ts";
import { coinOf } from "./system.ts";

export interface UpSettings {
  directory: string;
  /** Of the chain's JSON-RPC endpoint. */
  port: number;
  /** File of closes. */
  prices: string;
  start?: Date;
}

const NAME_WIDTH = 10;
const FUND = 250_000;
const FUND_FLOOR = 50_000;
const KEEPER_CASH = 500_000_000_000n;
/** How far into the file the chain's clock begins, seconds; halfway into a short one. */
const HOURS_IN = 7_200;

/** Opens and funds a keeper's account through the relayer, and starts the keeper. */
async function startKeeperWithAccount(
  local: LocalSystem,
  underlyings: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  const { supervisor, places, setting } = local;
  const { deployed, relayer } = setting;
  const { keystore, passwordFile, master } = await makeKeeperKeystore(places.directory);
  const secrets = accountSecrets(master, 1n, scopeOf(deployed));
  const owner: Owner = { secrets, wallet: Wallet.createRandom(deployed.provider) as never };
  await throughEpochs(
    async () => relayer.wait(await submitOpening(setting, owner)),
    () => log("an epoch passed meanwhile: opening the keeper's account again"),
  );
  await endow(setting, owner, deployed.usdc, KEEPER_CASH);
  while (!(await presentAccount(setting, owner)).inserted) {
    local.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // On a slow machine an epoch may pass while the deposit is proven.
  await throughEpochs(
    async () => relayer.wait(await submitChange(setting, owner, { deposit: KEEPER_CASH })),
    () => log("an epoch passed meanwhile: depositing for the keeper again"),
  );
  const limits = { maxInventory: 250_000, minimumProfit: 10 };
  await supervisor.start(
    keeperPlan(places, { keystore, passwordFile, accounts: [1], ...limits, coin: coinOf(underlyings) }),
  );
}

/** Runs chain, oracle, relayer and keeper until Ctrl-C. */
export async function runUp(settings: UpSettings, output: Output): Promise<void> {
  const { directory, port, prices } = settings;
  const closes = reading(() => parseClosesCsv(readText(prices, "--prices")));
  const times = [...closes.series.values()].flatMap((series) => series.map(({ time }) => time));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const start = settings.start ?? new Date((first + Math.min(HOURS_IN, (last - first) / 2)) * 1000);
  const seconds = Math.floor(start.getTime() / 1000);
  const shown = await closesSource(closes).observe(seconds);
  const market = reading(() => firstInputs(shown, seconds));
  await requireFreePort(port);
  const readable = readableLog(NAME_WIDTH, process.stderr.isTTY === true);
  const log = (line: string): void => output.log(readable("up", line));
  const events = { log, onLine: (name: string, line: string) => output.log(readable(name, line)) };
  const system = {
    directory,
    port,
    start,
    clock: "runs" as const,
    prices,
    fund: FUND,
    fundFloor: FUND_FLOOR,
  };
  try {
    await withLocalSystem(system, events, async (local) => {
      log("opening the keeper's account");
      await startKeeperWithAccount(
        local,
        market.underlyings.map(({ name }) => name),
        log,
      );
      const { places, signal } = local;
      const { rpc, relayer, keeper, aggregator, reporters, deployment } = places;
      output.result(
        { directory, deployment, rpc, relayer, keeper, aggregator, reporters },
        `Solvus runs: chain ${rpc}, relayer ${relayer}, keeper ${keeper}; ${deployment} says where the contracts are, keys are in ${directory}/keys.\nCtrl-C ends it.`,
      );
      await untilAborted(signal);
    });
  } catch (error) {
    if (!(error instanceof SolvusError && error.rule === "up.interrupted")) throw error;
    log("stopped");
  }
}
