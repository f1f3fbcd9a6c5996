import type { Provider } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import { decodeInputs } from "../../protocol/inputsCodec.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Quote } from "./messages.ts";

/** What the relayer asks for. An opening has no fee to give: its account is empty. */
export type FeePolicy =
  | { kind: "fixed" /** Micro-USDC. */; transition: bigint; takeOver: bigint }
  | {
      /** The gas that an item costs in a full batch, at the present price of gas and of the chain's coin. */
      kind: "gas";
      /** On top of the cost: 0.25 for a quarter. */
      margin: number;
      /** Micro-USDC for one coin of the chain (10^18 units), or the underlying whose index in the latest snapshot is that price. */
      coin: bigint | { underlying: string };
    };

export type Fees = Quote["fees"];

/** Fees with the time until when they hold, Unix seconds of the clock. */
export interface QuotedFees {
  fees: Fees;
  validUntil: number;
}

/** Gives quotes and keeps to them. */
export interface Quotes {
  /** What is asked for now. Throws `relayer.gasPrice` while the cost is above what the ledger lets an item pay. */
  current(): Promise<QuotedFees>;
  /** The least fee of a kind among the quotes that still hold. */
  least(kind: keyof Fees): Promise<bigint>;
}

/** Gas of an item in a batch of sixteen, with its share of the insertion (`npm run bench -- gas`), rounded up. */
const ITEM_GAS = { transition: 135_000n, takeOver: 420_000n };
/** Most that the ledger lets a transition or take-over pay, micro-USDC. */
const FEE_CAP = 5_000_000n;
/** A quote outlives the time to prove: seconds. */
const VALID_SECONDS = 120;
/** Quotes are made anew after this many seconds. */
const FRESH_SECONDS = 15;
const WEI = 10n ** 18n;

/** `now` gives Unix seconds of the clock. */
export function makeQuotes(
  policy: FeePolicy,
  deployed: Deployed,
  now: () => number = () => Math.floor(Date.now() / 1000),
): Quotes {
  let held: (QuotedFees & { madeAt: number })[] = [];
  let making: Promise<QuotedFees> | undefined;

  const make = async (): Promise<QuotedFees> => {
    const fees = await feesNow(policy, deployed).catch((error) => {
      if (error instanceof SolvusError) throw error;
      throw new SolvusError("chain.unavailable", "chain: its node does not answer; try again later");
    });
    const quote = { fees, madeAt: now(), validUntil: now() + VALID_SECONDS };
    held = [...held.filter(({ validUntil }) => validUntil >= now()), quote];
    return quote;
  };
  const current = (): Promise<QuotedFees> => {
    const latest = held.at(-1);
    if (latest !== undefined && now() - latest.madeAt < FRESH_SECONDS) return Promise.resolve(latest);
    making ??= make().finally(() => (making = undefined));
    return making;
  };
  return {
    current,
    async least(kind) {
      await current().catch((error) => {
        if (held.every(({ validUntil }) => validUntil < now())) throw error;
      });
      const valid = held.filter(({ validUntil }) => validUntil >= now()).map(({ fees }) => fees[kind]);
      return valid.sort((one, other) => (one < other ? -1 : 1))[0] as bigint;
    },
  };
}

async function feesNow(policy: FeePolicy, deployed: Deployed): Promise<Fees> {
  if (policy.kind === "fixed")
    return { opening: 0n, transition: policy.transition, takeOver: policy.takeOver };
  const [gasPrice, coinPrice] = await Promise.all([
    gasPriceOf(deployed.provider),
    typeof policy.coin === "bigint" ? policy.coin : indexOf(deployed, policy.coin.underlying),
  ]);
  const percent = BigInt(Math.ceil(100 * (1 + policy.margin)));
  const feeOf = (gas: bigint): bigint => {
    // Rounded up: a relayer does not pay for fractions.
    const fee = (gas * gasPrice * coinPrice * percent + 100n * WEI - 1n) / (100n * WEI);
    if (fee <= FEE_CAP) return fee;
    throw new SolvusError(
      "relayer.gasPrice",
      `cost of an item is ${fee} micro-USDC, expected at most ${FEE_CAP}, which the ledger lets it pay; try again later`,
    );
  };
  return { opening: 0n, transition: feeOf(ITEM_GAS.transition), takeOver: feeOf(ITEM_GAS.takeOver) };
}

async function gasPriceOf(provider: Provider): Promise<bigint> {
  const { gasPrice } = await provider.getFeeData();
  return gasPrice ?? 0n;
}

async function indexOf({ chain }: Deployed, name: string): Promise<bigint> {
  const posted = await chain.latestSnapshot(await chain.blockNumber());
  const underlying = posted && decodeInputs(posted.inputs).underlyings.find((entry) => entry.name === name);
  if (underlying !== undefined) return BigInt(underlying.index);
  throw new SolvusError(
    "relayer.coinPrice",
    `price of the chain's coin: the latest snapshot has no ${name}, expected one of its underlyings`,
  );
}
