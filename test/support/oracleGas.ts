import { firstSnapshot } from "../../cli/demo/market.ts";
import { makePosting } from "../../contracts/posting.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import { type PriceList, pricesOf } from "../../protocol/pricedInputs.ts";
import { oracleFixture } from "./oracleFixture.ts";

/** The list with every price a little higher. */
const moved = ({ keys, prices }: PriceList): PriceList => ({
  keys,
  prices: prices.map((price) => price + price / 500n),
});

/**
 * Gas of posting the snapshot of the real option chain: two underlyings with four expiries, all inputs in calldata and event, observed and
 * signed by seven reporters. Measured on the second posting: storage is in use, the list of prices the same, every price another.
 */
export async function measureSnapshotPostGas(): Promise<bigint> {
  const { oracle, address, chainId, reporters, now } = await oracleFixture();
  const { inputs } = firstSnapshot().snapshot;
  const bytes = encodeInputs(inputs);
  let list = pricesOf(inputs);
  let gas = 0n;
  for (const epoch of [1n, 2n]) {
    const snapshot = { epoch, time: (await now()) + 1n, snapshotRoot: epoch, steady: true, inputs: bytes };
    const posting = await makePosting(reporters, chainId, address, snapshot, list);
    gas = (await (await oracle.post(...posting)).wait()).gasUsed;
    list = moved(list);
  }
  return gas;
}
