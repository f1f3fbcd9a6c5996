import { expect, test } from "vitest";
import { lotsOf, parseLeg } from "../../cli/account/amounts.ts";
import { unitsText } from "../../cli/accountText.ts";
import { fieldElement, ratioQ16 } from "../../cli/commands/attest.ts";
import { firstSnapshot } from "../../cli/demo/market.ts";
import { sideBySide } from "../../cli/demo/views.ts";
import { numbersByName, usdcAmount, wholeNumber } from "../../cli/marketFlags.ts";
import { jsonText } from "../../cli/output.ts";
import { dollars, table } from "../../cli/table.ts";
import { flagLines, takeOverLines, takeOversOf } from "../../cli/takeOverText.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { Misuse } from "../../protocol/errors.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import type { Spending, TakenOverEvent } from "../../protocol/ledgerHistory.ts";

const { snapshot } = firstSnapshot();
const bitcoin = findInstrument(snapshot.instruments, "BTC-SPOT");
const tether = findInstrument(snapshot.instruments, "USDT-SPOT");

test("dollars are rounded to cents, with separators", () => {
  expect(dollars(0n)).toBe("0.00");
  expect(dollars(1_234_567_894_999n)).toBe("1,234,567.89");
  expect(dollars(1_234_567_895_000n)).toBe("1,234,567.90");
  expect(dollars(-1_000_000_000n)).toBe("-1,000.00");
});

test("tables set numbers flush right", () => {
  expect(
    table(
      ["name", "value"],
      [
        ["a", "1.5"],
        ["bc", "-1,000"],
      ],
    ),
  ).toBe(["name   value", "----  ------", "a        1.5", "bc    -1,000"].join("\n"));
});

test("columns stand side by side, whichever is longer", () => {
  const text = sideBySide(["left", "right"], ["a"], ["b", "c"]);
  expect(text.split("\n")).toEqual(["left  | right", "----- | -----", "a     | b", "      | c"]);
});

test("integers of any size survive as JSON", () => {
  expect(JSON.parse(jsonText({ value: 2n ** 70n, small: 1 }))).toEqual({
    value: String(2n ** 70n),
    small: 1,
  });
});

test("units become whole lots, exactly", () => {
  expect(lotsOf("1.5", bitcoin, "--amount")).toBe(15n);
  expect(lotsOf("+20", bitcoin, "--amount")).toBe(200n);
  expect(lotsOf("-0.1", bitcoin, "--amount")).toBe(-1n);
  expect(lotsOf("300", tether, "--amount")).toBe(3n);
  for (const [text, instrument] of [
    ["0.15", bitcoin],
    ["1e3", bitcoin],
    ["", bitcoin],
    ["150", tether],
    ["100.5", tether],
  ] as const)
    expect(() => lotsOf(text, instrument, "--amount")).toThrow(Misuse);
  expect(unitsText(15n, -1)).toBe("1.5");
  expect(unitsText(-3n, 2)).toBe("-300");
});

test("legs name an instrument and units", () => {
  const { id } = findInstrument(snapshot.instruments, "BTC-PERPETUAL");
  expect(parseLeg("BTC-PERPETUAL=-1.5", snapshot)).toEqual({ id, size: -15n });
  for (const text of ["BTC-PERPETUAL", "=1", "BTC-PERPETUAL=one", "DOGE-SPOT=1"])
    expect(() => parseLeg(text, snapshot)).toThrow(Misuse);
});

test("flags hold numbers", () => {
  expect(numbersByName(["btc=-12%", "ETH=0.5"], "--move-price")).toEqual({ BTC: -0.12, ETH: 0.5 });
  expect(() => numbersByName(["BTC=1", "BTC=2"], "--price")).toThrow(Misuse);
  expect(wholeNumber("7", "--epoch")).toBe(7);
  for (const text of ["-1", "1.5", "", "x"]) expect(() => wholeNumber(text, "--epoch")).toThrow(Misuse);
  expect(usdcAmount("12.345678", "--amount")).toBe(12_345_678n);
  for (const text of ["-1", "1.2345678", "1,000", "NaN"])
    expect(() => usdcAmount(text, "--amount")).toThrow(Misuse);
});

test("ratios are rounded up, so that 1.1 means no less", () => {
  expect(ratioQ16("1", "--ratio")).toBe(65_536n);
  expect(ratioQ16("1.1", "--ratio")).toBe(72_090n);
  expect(ratioQ16("0", "--ratio")).toBe(0n);
  for (const text of ["16", "-1", "1/2"]) expect(() => ratioQ16(text, "--ratio")).toThrow(Misuse);
});

test("challenges are field elements", () => {
  expect(fieldElement("0x10", "--challenge")).toBe(16n);
  expect(fieldElement(String(FIELD_ORDER - 1n), "--challenge")).toBe(FIELD_ORDER - 1n);
  for (const text of [String(FIELD_ORDER), "0x", "ten", "-1"])
    expect(() => fieldElement(text, "--challenge")).toThrow(Misuse);
});

test("an account's take-overs and flag are told in a line each", () => {
  const event: TakenOverEvent = {
    kind: "takenOver",
    targetNullifier: 1n,
    keeperNullifier: 2n,
    targetLeafIndex: 3n,
    targetCommitment: 4n,
    keeperCommitment: 5n,
    leafIndex: 33n,
    snapshotRoot: 6n,
    rate: 8_192n,
    deficit: 12_000_000n,
    reward: 0n,
    uncovered: 2_500_000n,
    cured: false,
    fee: 0n,
    targetEscrow: [],
    keeperEscrow: [],
  };
  const changes: Spending[] = [
    { as: "target", event, commitment: 4n, leafIndex: 33n },
    {
      as: "keeper",
      event: { ...event, reward: 1_000_000n, deficit: 0n, uncovered: 0n },
      commitment: 5n,
      leafIndex: 34n,
    },
    {
      as: "target",
      event: { ...event, deficit: 0n, uncovered: 0n, cured: true },
      commitment: 4n,
      leafIndex: 33n,
    },
  ];
  const takeOvers = takeOversOf(changes);
  expect(takeOvers[0]).toEqual({
    as: "target",
    leafIndex: 33n,
    ratePercent: 12.5,
    deficitUsd: "12.00",
    uncoveredUsd: "2.50",
    rewardUsd: "0.00",
    cured: false,
  });
  expect(takeOverLines(takeOvers)).toEqual([
    "TAKEN OVER by a keeper, equity still below the maintenance margin after it; note at place 33, rate 12.5%; a deficit of 12.00 USDC was written off; the fund lacked 2.50 USDC of it",
    "took over another account's positions; note at place 34, rate 12.5%; the fund paid the keeper 1.00 USDC",
    "TAKEN OVER by a keeper, equity above the maintenance margin after it; note at place 33, rate 12.5%",
  ]);
  expect(flagLines(undefined)).toEqual([]);
  expect(flagLines({ firstEpoch: 7n, clockStart: 1_610_380_800n, revealed: true })).toEqual([
    "FLAGGED for liquidation at epoch 7, auction since 2021-01-11T16:00:00.000Z; its contents were published (a flag lapses ten minutes after its last proof)",
  ]);
});
