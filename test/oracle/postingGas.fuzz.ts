import { expect, test } from "vitest";
import { revertData } from "../support/ledgerFixture.ts";
import { oracleFixture } from "../support/oracleFixture.ts";

/** Most gas of a transaction since EIP-7825. */
const TRANSACTION_GAS = 2n ** 24n;

/** Gas of a posting in which this many reporters observe this many prices, all of them apart; undefined if it does not fit into a transaction. */
async function postingGas(reporters: number, prices: number): Promise<bigint | undefined> {
  const currencies = Array.from({ length: reporters }, (_, place) => ["USD", "USDT", "USDC"][place % 3]!);
  const fixture = await oracleFixture(currencies);
  const keys = Array.from({ length: prices }, (_, place) => BigInt(place));
  // Each sees less than the one before: the order that takes most steps to sort.
  const seen = fixture.reporters.map((_, place) => ({
    prices: keys.map(() => 50_000_000_000n - BigInt(place) * 1_000_000n),
  }));
  const posting = await fixture.posting({ keys, observers: fixture.reporters, seen });
  try {
    const sent = await fixture.oracle.getFunction("post")(...posting, { gasLimit: TRANSACTION_GAS });
    return (await sent.wait()).gasUsed;
  } catch (error) {
    if (revertData(error) !== undefined && revertData(error) !== "0x") throw error;
    if (!/out of gas/.test(String(error))) throw error;
    return undefined;
  }
}

test.each([
  [7, 16, 900_000n],
  [7, 256, 10_000_000n],
  [13, 128, 8_000_000n],
  [13, 256, 16_000_000n],
  [19, 128, 12_000_000n],
])(
  "observations of %i reporters on %i prices are posted with less than %i gas",
  async (reporters, prices, most) => {
    const gas = await postingGas(reporters, prices);
    console.log(`${reporters} reporters, ${prices} prices: ${gas} gas`);
    expect(gas).toBeLessThan(most);
  },
);

test("the observations of 19 reporters on 256 prices fit into no transaction, though each number is allowed", async () => {
  expect(await postingGas(19, 256)).toBeUndefined();
});
