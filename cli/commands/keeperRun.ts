import { Command } from "commander";
import type { NonceManager } from "ethers";
import { Misuse, reading } from "../../protocol/errors.ts";
import { parseDecimal, USDC_DECIMALS } from "../../protocol/fixedPoint.ts";
import { type AccountSecrets, accountSecrets } from "../../prover/secrets.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { type ChainPlace, scopeOf, withReading } from "../../services/chain/reading.ts";
import { registryOf } from "../../services/chain/registryFile.ts";
import { readText } from "../../services/files.ts";
import { historyFromCsv } from "../../services/forecast/history.ts";
import type { KeeperLimits } from "../../services/keeper/bid.ts";
import type { CoinPrice } from "../../services/keeper/coinPrice.ts";
import { startKeeper } from "../../services/keeper/keeper.ts";
import type { ForecastWish } from "../../services/keeper/outlook.ts";
import { makeLog } from "../../services/log.ts";
import { untilStopped } from "../../services/running.ts";
import { masterOf, senderOf, withChain, withProver } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { percentQ16 } from "../keeper/percent.ts";
import { committeeKeyFor, type SightOptions } from "../keeper/sight.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";

interface RunOptions extends ChainPlace, SightOptions {
  keyFile?: string;
  keystore?: string;
  passwordFile?: string;
  accounts: string;
  registry?: string;
  relayer?: string;
  data: string;
  host: string;
  port: string;
  maxInventory: string;
  minimumProfit: string;
  maxGasPrice: string;
  maxRate?: string;
  maxSlice?: string;
  coin: string;
  horizon: string;
  prices?: string;
  /** False with `--no-reveal`. */
  reveal: boolean;
  /** False with `--no-write-off`. */
  writeOff: boolean;
}

const GWEI_DECIMALS = 9;

/** `solvus keeper run`: the keeper as a service. */
export function runCommand(state: RunState): Command {
  const command = withChain(new Command("run"))
    .summary("watch all accounts and do what is to be done, until it is stopped")
    .description(
      "Follows the chain, evaluates every account at each epoch, flags those below their margin, takes them over into the keeper's own accounts within its limits, and publishes what nobody took over. Its log goes to standard output; it ends with Ctrl-C and goes on where it was when started again.",
    )
    .option(
      "--committee-key-file <file>",
      "file with the risk committee's viewing key (default: SOLVUS_COMMITTEE_KEY)",
    )
    .option("--revealed", "without the key: only accounts whose contents were published")
    .option(
      "--key-file <file>",
      "file with the private key that pays the gas, used for nothing else (default: SOLVUS_SENDER_KEY)",
    )
    .option("--keystore <file>", "master secret of the keeper's accounts (default: it takes nothing over)")
    .option("--password-file <file>", "file with the keystore's password (default: SOLVUS_PASSWORD)")
    .option("--accounts <numbers>", "which of the keystore's accounts take positions over", "1")
    .option("--registry <file>", "the keeper's path or the officer's list, unless the registry is open")
    .option("--relayer <url>", "submits take-overs for a fee (default: the keeper sends them itself)")
    .option("--data <directory>", "where it remembers accounts, encrypted, and submissions", "keeper")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <n>", "where it listens; 0 takes a free port", "9440")
    .option("--max-inventory <usd>", "most maintenance margin that its accounts may carry", "1000000")
    .option("--minimum-profit <usd>", "least that a take-over must earn after fee and gas", "10")
    .option("--max-gas-price <gwei>", "above it, nothing is sent", "200")
    .option("--max-rate <percent>", "highest rate asked (default: what the auction permits)")
    .option("--max-slice <percent>", "largest slice taken of an account (default: what the rules admit)")
    .option("--coin <price>", "the chain's coin: dollars, or the underlying that is its price", "ETH")
    .option("--horizon <hours>", "how far ahead it looks for who is next; 0: not at all", "8")
    .option(
      "--prices <file>",
      "recorded hourly prices to look ahead by, continued by the oracle's (default: the oracle's alone)",
    )
    .option("--no-reveal", "publishes nothing")
    .option("--no-write-off", "leaves accounts without positions and with negative cash to others")
    .addHelpText(
      "after",
      examples(
        [
          "watch, flag and take over",
          "solvus keeper run --deployment dev/deployment.json --committee-key-file dev/committee.key --keystore birch.json --accounts 2,3 --key-file dev/bob.key",
        ],
        [
          "without the key, through a relayer",
          "solvus keeper run --deployment deployment.json --revealed --keystore birch.json --key-file keeper.key --relayer http://127.0.0.1:9420",
        ],
      ),
    );
  return does(command, state, run);
}

async function run(options: RunOptions): Promise<void> {
  const limits = limitsOf(options);
  const coin = coinOf(options.coin);
  const forecast = forecastOf(options);
  const port = wholeNumber(options.port, "--port");
  await withReading(options, ({ deployed }) =>
    withProver(deployed, async (prover) => {
      const log = makeLog("keeper");
      const accounts = await accountsOf(options, deployed);
      const sight =
        options.revealed === true
          ? ("revealed" as const)
          : { committeeKey: await committeeKeyFor(options, deployed) };
      const circuits =
        accounts.length === 0 ? ["insolvency.small"] : ["insolvency.small", "liquidation.small"];
      await prover.warm(circuits);
      // The service counts transactions itself.
      const { signer } = senderOf(options, deployed) as NonceManager;
      const keeper = await startKeeper({
        deployed,
        sight,
        accounts,
        registry: () => registryOf(deployed, options.registry),
        signer,
        ...(options.relayer === undefined ? {} : { relayer: options.relayer }),
        limits,
        coin,
        ...(forecast === undefined ? {} : { forecast }),
        prover,
        listen: { host: options.host, port },
        dataDirectory: options.data,
        log,
      });
      await untilStopped(keeper, log);
    }),
  );
}

async function accountsOf(
  { keystore, passwordFile, accounts }: RunOptions,
  deployed: Deployed,
): Promise<AccountSecrets[]> {
  if (keystore === undefined) return [];
  const numbers = accounts.split(",").map((text) => wholeNumber(text.trim(), "--accounts", 1));
  const master = await masterOf({ keystore, ...(passwordFile === undefined ? {} : { passwordFile }) });
  return [...new Set(numbers)].map((number) => accountSecrets(master, BigInt(number), scopeOf(deployed)));
}

function limitsOf(options: RunOptions): KeeperLimits {
  const { maxRate, maxSlice } = options;
  return {
    maxMarginInventory: usdcAmount(options.maxInventory, "--max-inventory"),
    minimumProfit: reading(() => parseDecimal(options.minimumProfit, USDC_DECIMALS, "--minimum-profit")),
    maxGasPrice: reading(() => parseDecimal(options.maxGasPrice, GWEI_DECIMALS, "--max-gas-price")),
    ...(maxRate === undefined ? {} : { maxRate: percentQ16(maxRate, "--max-rate") }),
    ...(maxSlice === undefined ? {} : { maxSlice: percentQ16(maxSlice, "--max-slice") }),
    reveals: options.reveal,
    writeOffs: options.writeOff,
  };
}

/** Misuse (`forecast.csv`) for a file that holds no prices. */
function forecastOf({ horizon, prices }: RunOptions): ForecastWish | undefined {
  const horizonHours = wholeNumber(horizon, "--horizon");
  if (horizonHours === 0) return undefined;
  if (prices === undefined) return { horizonHours };
  const text = readText(prices, "--prices");
  return { horizonHours, recorded: reading(() => historyFromCsv(text)) };
}

/** Misuse (`cli.coin`) for what is neither a price nor a name. */
function coinOf(text: string): CoinPrice {
  if (/^[A-Za-z][A-Za-z0-9]{0,15}$/.test(text)) return { underlying: text.toUpperCase() };
  const price = reading(() => parseDecimal(text, USDC_DECIMALS, "--coin"));
  if (price <= 0n)
    throw new Misuse(
      "cli.coin",
      `--coin is ${JSON.stringify(text)}, expected dollars above 0, or an underlying`,
    );
  return price;
}
