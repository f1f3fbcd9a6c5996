import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDecimal,
  formatUsdc,
  microFromUsd,
  parseDecimal,
  parseUsdc,
  q16Ceil,
  ratioFromQ16,
  roundNearest,
  usdFromMicro,
} from "../../protocol/fixedPoint.ts";
import {
  findInstrument,
  lotExponentFor,
  lotSize,
  nextInstrumentId,
  optionName,
  tokenUnitsPerLot,
} from "../../protocol/instrument.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { refusal, smallInputs } from "./support.ts";

describe("fixed point", () => {
  test("nearest, ties away from zero, alike on both sides of zero", () => {
    expect([0.5, 1.5, -0.5, -1.5, 0.49, -0.49].map(roundNearest)).toEqual([1, 2, -1, -2, 0, 0]);
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (value) => {
        expect(roundNearest(-value) + roundNearest(value)).toBe(0);
      }),
    );
    expect(refusal(() => roundNearest(Number.NaN))).toBe("number.range");
    expect(refusal(() => roundNearest(2 ** 53))).toBe("number.range");
  });

  test("decimals convert exactly in both directions", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
        fc.integer({ min: 0, max: 18 }),
        (value, places) => {
          expect(parseDecimal(formatDecimal(value, places), places, "amount")).toBe(value);
        },
      ),
    );
    expect(formatUsdc(-1_500_000n)).toBe("-1.50");
    expect(formatUsdc(1n)).toBe("0.000001");
    expect(parseUsdc(" 12.5 ", "amount")).toBe(12_500_000n);
  });

  test.each(["", "1e3", "1.0000001", ".5", "1.", "--1", "0x1", "1,000"])(
    "refuses %j as an amount",
    (text) => {
      expect(refusal(() => parseUsdc(text, "amount"))).toBe("number.format");
    },
  );

  test("ratios round up", () => {
    expect(q16Ceil(1.3)).toBe(85_197n);
    expect(ratioFromQ16(q16Ceil(5))).toBe(5);
    expect(microFromUsd(-0.0000015)).toBe(-2n);
    expect(usdFromMicro(1_500_000n)).toBe(1.5);
  });
});

describe("instruments", () => {
  test("a lot is worth $100 to $1,000", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1e8, noNaN: true }), (price) => {
        const notional = price * lotSize(lotExponentFor(price));
        expect(notional).toBeGreaterThanOrEqual(100);
        expect(notional).toBeLessThan(1000);
      }),
    );
    expect(lotExponentFor(9087.4)).toBe(-1);
    expect(lotExponentFor(1)).toBe(2);
    expect(refusal(() => lotExponentFor(0))).toBe("instrument.lot");
  });

  test("a lot of collateral is a whole number of token units", () => {
    expect(tokenUnitsPerLot(-1, 8)).toBe(10_000_000n);
    expect(tokenUnitsPerLot(2, 6)).toBe(100_000_000n);
    expect(refusal(() => tokenUnitsPerLot(-3, 2))).toBe("instrument.tokenUnits");
  });

  test("names", () => {
    expect(optionName("BTC", Date.UTC(2020, 5, 5, 8), 9_250_500_000, false)).toBe("BTC-5JUN20-9250.5-P");
  });

  test("ids go on after the highest", () => {
    expect(nextInstrumentId([])).toBe(1);
    expect(nextInstrumentId([4, 2])).toBe(5);
    expect(refusal(() => nextInstrumentId([2 ** 32 - 1]))).toBe("instrument.ids");
  });

  test("an instrument is found by name or id", () => {
    const { instruments } = buildSnapshot(smallInputs());
    expect(findInstrument(instruments, "btc-perpetual").id).toBe(2n);
    expect(findInstrument(instruments, "7").name).toBe("USDT-SPOT");
    expect(refusal(() => findInstrument(instruments, "DOGE"))).toBe("instrument.unknown");
  });
});
