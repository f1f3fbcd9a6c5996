import { SolvusError } from "../../protocol/errors.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";

/** What one coin of the chain (10^18 wei) is worth: micro-USDC, or the underlying whose index says it. */
export type CoinPrice = bigint | { underlying: string };

const WEI = 10n ** 18n;

/** What gas costs, in micro-USDC, rounded up. Throws `keeper.coin` for an underlying that the snapshot does not have. */
export function gasCost(gas: bigint, gasPrice: bigint, coin: CoinPrice, { inputs }: MarketSnapshot): bigint {
  if (gas === 0n) return 0n;
  let price: bigint;
  if (typeof coin === "bigint") price = coin;
  else {
    const found = inputs.underlyings.find(({ name }) => name === coin.underlying);
    if (found === undefined)
      throw new SolvusError(
        "keeper.coin",
        `price of the chain's coin: no underlying ${coin.underlying} in the snapshot of epoch ${inputs.epoch}, expected one, or a price`,
      );
    price = BigInt(found.index);
  }
  return (gas * gasPrice * price + WEI - 1n) / WEI;
}
