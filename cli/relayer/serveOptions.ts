import { Misuse, reading } from "../../protocol/errors.ts";
import { parseDecimal } from "../../protocol/fixedPoint.ts";
import type { FeePolicy } from "../../services/relayer/fees.ts";
import type { EngineRules } from "../../services/relayer/rules.ts";
import type { ServiceLimits } from "../../services/relayer/service.ts";
import type { StorePlace } from "../../services/store/store.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";
import { secretFrom } from "../password.ts";

/** What a relayer's commands say of where it keeps things. */
export interface StoreOptions {
  data?: string;
  databaseUrlFile?: string;
}

/** The directory, or the server whose URL, which holds a password, is in a file or the environment. Misuse (`cli.store`) for both or neither. */
export function storeOf({ data, databaseUrlFile }: StoreOptions): StorePlace {
  const isServer = databaseUrlFile !== undefined || (process.env.DATABASE_URL ?? "") !== "";
  if (isServer === (data !== undefined))
    throw new Misuse(
      "cli.store",
      `${isServer ? "both --data and a database's URL are" : "neither --data nor a database's URL is"} given, expected one of them`,
    );
  if (data !== undefined) return { dataDirectory: data };
  return { databaseUrl: secretFrom(databaseUrlFile, "--database-url-file", "DATABASE_URL") };
}

export interface ServeOptions extends StoreOptions {
  rpc: string;
  deployment: string;
  keyFile?: string;
  host: string;
  port: string;
  fee: string;
  takeOverFee?: string;
  feeMargin: string;
  coin: string;
  batchSize: string;
  batchAge: string;
  confirmations: string;
  maxGasPrice: string;
  submissionsPerMinute: string;
  readsPerMinute: string;
  openingsPerHour: string;
  behindProxy?: boolean;
  /** False with `--no-insertions`. */
  insertions: boolean;
  proofsElsewhere?: boolean;
}

const GWEI_DECIMALS = 9;
const MILLISECOND_DECIMALS = 3;
const BATCH_LIMIT = 16;

/** What a relayer asks for: dollars, or what the gas costs. */
export function feesOf({ fee, takeOverFee, feeMargin, coin }: ServeOptions): FeePolicy {
  if (fee !== "gas") {
    const transition = usdcAmount(fee, "--fee");
    const takeOver = takeOverFee === undefined ? transition : usdcAmount(takeOverFee, "--take-over-fee");
    return { kind: "fixed", transition, takeOver };
  }
  const percent = wholeNumber(feeMargin.replace(/%$/, ""), "--fee-margin");
  const name = /^[A-Za-z][A-Za-z0-9_]{0,15}$/;
  if (name.test(coin))
    return { kind: "gas", margin: percent / 100, coin: { underlying: coin.toUpperCase() } };
  return { kind: "gas", margin: percent / 100, coin: usdcAmount(coin, "--coin") };
}

export function rulesOf(options: ServeOptions): Partial<EngineRules> {
  const batchSize = wholeNumber(options.batchSize, "--batch-size", 1);
  if (batchSize > BATCH_LIMIT)
    throw new Misuse("cli.batchSize", `--batch-size is ${batchSize}, expected at most ${BATCH_LIMIT}`);
  const decimal = (text: string, decimals: number, option: string) =>
    reading(() => parseDecimal(text, decimals, option));
  return {
    batchSize,
    batchAgeMs: Number(decimal(options.batchAge, MILLISECOND_DECIMALS, "--batch-age")),
    confirmations: wholeNumber(options.confirmations, "--confirmations", 1),
    maxFeePerGas: decimal(options.maxGasPrice, GWEI_DECIMALS, "--max-gas-price"),
    insertions: options.insertions,
  };
}

export function limitsOf(options: ServeOptions): Partial<ServiceLimits> {
  return {
    submissionsPerMinute: wholeNumber(options.submissionsPerMinute, "--submissions-per-minute", 1),
    readsPerMinute: wholeNumber(options.readsPerMinute, "--reads-per-minute", 1),
    openingsPerHour: wholeNumber(options.openingsPerHour, "--openings-per-hour"),
    behindProxy: options.behindProxy === true,
  };
}
