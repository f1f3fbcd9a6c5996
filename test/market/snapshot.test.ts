import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import { decodeInputs, encodeInputs } from "../../protocol/inputsCodec.ts";
import { instrumentFigures } from "../../protocol/instrumentFigures.ts";
import { checkInputs, type MarketInputs } from "../../protocol/marketInputs.ts";
import { nextInputs, settleExpiry } from "../../protocol/nextEpoch.ts";
import { SCENARIO_LIST } from "../../protocol/scenarios.ts";
import { buildSnapshot, commitSnapshot } from "../../protocol/snapshot.ts";
import { formatSnapshotFile, parseSnapshotFile, verifySnapshotRoot } from "../../protocol/snapshotFile.ts";
import { isSteady } from "../../protocol/steadiness.ts";
import { DAY, realInputs, refusal, refusedWith, smallInputs } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: the tests reach into every field of the inputs
type Loose = any;

function changed(path: string, value: unknown): MarketInputs {
  const inputs: Loose = structuredClone(smallInputs());
  const keys = path.split(".");
  const last = keys.pop() as string;
  const parent = keys.reduce((node, key) => node[key], inputs);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return inputs;
}

describe("snapshot commitment", () => {
  const parameters = { imFactor: 85_197n, priceBand: 327_680n, debtLimit: 0n };

  test("epoch and every parameter enter the root", () => {
    const roots = [
      commitSnapshot(1n, parameters, []),
      commitSnapshot(2n, parameters, []),
      commitSnapshot(1n, { ...parameters, imFactor: 1n << 16n }, []),
      commitSnapshot(1n, { ...parameters, priceBand: 1n }, []),
      commitSnapshot(1n, { ...parameters, debtLimit: 1n }, []),
    ].map(({ root }) => root);
    expect(new Set(roots).size).toBe(roots.length);
  });

  test.each([
    ["snapshot.epoch", () => commitSnapshot(1n << 32n, parameters, [])],
    ["snapshot.epoch", () => commitSnapshot(-1n, parameters, [])],
    ["snapshot.imFactor", () => commitSnapshot(1n, { ...parameters, imFactor: 1n << 20n }, [])],
    ["snapshot.imFactor", () => commitSnapshot(1n, { ...parameters, imFactor: (1n << 16n) - 1n }, [])],
    ["snapshot.priceBand", () => commitSnapshot(1n, { ...parameters, priceBand: 1n << 20n }, [])],
    ["snapshot.debtLimit", () => commitSnapshot(1n, { ...parameters, debtLimit: -1n }, [])],
  ])("%s is bounded", (rule, action) => {
    expect(refusal(action)).toBe(rule);
  });
});

describe("market inputs", () => {
  test("the root is a function of the inputs", () => {
    expect(buildSnapshot(smallInputs()).root).toBe(buildSnapshot(structuredClone(smallInputs())).root);
  });

  // Values of the inputs that change the root, each against the unchanged one.
  test.each<[string, unknown]>([
    ["epoch", 8],
    ["time", smallInputs().time + 3_600_000],
    ["baseImFactor", 90_000],
    ["priceBand", 1],
    ["debtLimit", 1],
    ["underlyings.0.index", 50_001_000_000],
    ["underlyings.0.scan.realizedVolatility", 1_000_000],
    ["underlyings.0.scan.floor", 200_000],
    ["underlyings.0.concentrationUnits", 999],
    ["underlyings.0.spot.id", 100],
    ["underlyings.0.spot.lotExponent", -1],
    ["underlyings.0.perpetual.mark", 50_011_000_000],
    ["underlyings.0.perpetual.fundingIndex", -1_235],
    ["underlyings.0.perpetual", undefined],
    ["underlyings.0.expiries.0.expiry", smallInputs().time + 2 * DAY],
    ["underlyings.0.expiries.1.options.0.strike", 61_000_000_000],
    ["underlyings.0.expiries.1.options.0.call", false],
    ["underlyings.0.expiries.1.options.0.volatility", 610_000],
    ["underlyings.0.expiries.1.options.0.forward", 50_100_000_000],
    ["underlyings.0.expiries.1.settlement", { observed: 3, mean: 50_000_000_000 }],
    ["underlyings.0.settled.0.fundingIndex", -5_000_001],
    ["underlyings.1.scan.down", 130_000],
    ["archives.0.0.fundingIndex", -8],
    ["archives", []],
  ])("%s enters the root", (path, value) => {
    const inputs =
      path === "time" ? nextInputs(smallInputs(), { time: value as number, epoch: 7 }) : changed(path, value);
    expect(buildSnapshot(inputs).root).not.toBe(buildSnapshot(smallInputs()).root);
  });

  test("the range of the epoch before enters the root while it limits", () => {
    const inputs = { ...smallInputs(), previousTime: smallInputs().time - 60_000 };
    const limited = structuredClone(inputs);
    Object.assign(limited.underlyings[0].scan, { previousRange: 110_000 });
    expect(buildSnapshot(limited).root).not.toBe(buildSnapshot(inputs).root);
  });

  test.each<[string, unknown]>([
    ["epoch", -1],
    ["epoch", 1.5],
    ["epoch", "7"],
    ["time", 2 ** 53],
    ["previousTime", smallInputs().time + 1],
    ["baseImFactor", 2 ** 20],
    ["unknownField", 1],
    ["underlyings.0.index", 0],
    ["underlyings.0.name", "btc"],
    ["underlyings.1.name", "BTC"],
    ["underlyings.0.scan.cap", 1],
    ["underlyings.0.spot.id", 0],
    ["underlyings.0.spot.lotExponent", 9],
    ["underlyings.0.perpetual.fundingIndex", 2 ** 40],
    ["underlyings.0.expiries.0.expiry", smallInputs().time],
    ["underlyings.0.expiries.0.options", []],
    ["underlyings.0.expiries.0.options.0.time", smallInputs().time + 1],
    ["underlyings.0.expiries.0.options.0.volatility", -1],
    ["underlyings.0.expiries.0.options.0.name", "two words"],
    ["underlyings.0.expiries.0.settlement", { observed: 30, mean: 1 }],
    ["underlyings.0.settled.0.kind", 1],
  ])("%s refuses %j", (path, value) => {
    const error = refusedWith(() => checkInputs(changed(path, value)));
    expect(error.rule).toMatch(/^inputs\./);
    expect(error.message).not.toContain("\n");
    if (path !== "unknownField") expect(error.message).toContain(path);
  });

  test("an id used twice is refused", () => {
    expect(refusal(() => buildSnapshot(changed("underlyings.0.spot.id", 3)))).toBe("rowTree.duplicateId");
    expect(refusal(() => buildSnapshot(changed("archives.0.0.id", 3)))).toBe("rowTree.duplicateId");
  });

  test("a value that leaves its row's bounds is refused", () => {
    expect(refusal(() => buildSnapshot(changed("underlyings.0.perpetual.lotExponent", 3)))).toBe("row.mark");
  });
});

describe("stress snapshot", () => {
  test("an auditor's scenarios give an auditor's root, marks as they are", () => {
    const harder = SCENARIO_LIST.map((scenario) => ({ ...scenario, move: 2 * scenario.move }));
    const posted = buildSnapshot(smallInputs());
    const stressed = buildSnapshot(smallInputs(), harder);
    expect(stressed.root).not.toBe(posted.root);
    expect(stressed.tree.row(0, 1).losses[12]).toBe(posted.tree.row(0, 1).losses[12] * 2n);
    expect(stressed.tree.row(0, 1).mark).toBe(posted.tree.row(0, 1).mark);
    expect(refusal(() => buildSnapshot(smallInputs(), harder.slice(1)))).toBe("snapshot.scenarios");
  });
});

/** The snapshot of published bytes, compared with the posted root. */
function recomputed(bytes: Uint8Array, root: bigint) {
  const snapshot = buildSnapshot(decodeInputs(bytes));
  verifySnapshotRoot(snapshot, root);
  return snapshot;
}

describe("encoding", () => {
  test.each([
    ["a small market", smallInputs()],
    ["the real chain", realInputs()],
    ["nothing listed", { ...smallInputs(), underlyings: [], archives: [] }],
    ["a venue's own name", changed("underlyings.0.expiries.0.options.1.name", "BTC_USDC-11JAN24-50000-P")],
    ["a settlement under way", changed("underlyings.0.expiries.0.settlement", { observed: 29, mean: 1 })],
  ])("%s comes back from its bytes", (_, inputs) => {
    expect(decodeInputs(encodeInputs(inputs))).toEqual(inputs);
  });

  test("integers of every size come back", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            strike: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
            volatility: fc.integer({ min: 0, max: 100_000_000 }),
            forward: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
            age: fc.integer({ min: 0, max: 1e9 }),
            call: fc.boolean(),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        fc.integer({ min: 1 - 2 ** 40, max: 2 ** 40 - 1 }),
        (quotes, fundingIndex) => {
          const inputs = smallInputs();
          const options = quotes.map(({ age, ...quote }, index) => ({
            id: index + 10,
            ...quote,
            time: inputs.time - age,
          }));
          inputs.underlyings[0].expiries[0].options = options;
          inputs.underlyings[0].settled[0].fundingIndex = fundingIndex;
          expect(decodeInputs(encodeInputs(inputs))).toEqual(inputs);
        },
      ),
    );
  });

  test("is compact: about ten bytes an option of the real chain", () => {
    expect(encodeInputs(realInputs()).length).toBeLessThan(2_500);
  });

  test("posted bytes and root give the snapshot", () => {
    const { root } = buildSnapshot(realInputs());
    expect(recomputed(encodeInputs(realInputs()), root).root).toBe(root);
    expect(refusal(() => recomputed(encodeInputs(realInputs()), root + 1n))).toBe("snapshot.root");
  });

  test("an altered byte is refused, or alters no row", () => {
    const bytes = encodeInputs(smallInputs());
    const { root } = buildSnapshot(smallInputs());
    const rules = new Set<string>();
    const accepted: MarketInputs[] = [];
    for (let offset = 0; offset < bytes.length; offset++) {
      const altered = Uint8Array.from(bytes);
      altered[offset] ^= 1;
      try {
        accepted.push(recomputed(altered, root).inputs);
      } catch (error) {
        expect(error).toBeInstanceOf(SolvusError);
        rules.add((error as SolvusError).rule.split(".")[0]);
      }
    }
    expect([...rules].sort()).toEqual(["inputs", "row", "rowTree", "snapshot"]);
    // Names, and a millisecond more to an expiry far away, alter no row: the oracle's hash of the bytes binds those.
    expect(accepted.length).toBeLessThan(20);
    for (const inputs of accepted) expect(inputs).not.toEqual(smallInputs());
  });

  test("refuses bytes that are cut, continued, of another version or written otherwise", () => {
    const bytes = encodeInputs(smallInputs());
    expect(refusal(() => decodeInputs(new Uint8Array()))).toBe("inputs.encoding");
    for (let length = 0; length < bytes.length; length += 7) {
      expect(refusal(() => decodeInputs(bytes.slice(0, length)))).toMatch(/^inputs\./);
    }
    expect(refusal(() => decodeInputs(Uint8Array.from([...bytes, 0])))).toBe("inputs.encoding");
    expect(refusal(() => decodeInputs(Uint8Array.from([2, ...bytes.slice(1)])))).toBe("inputs.encoding");
    // Epoch 7 in two bytes: the same number, another encoding.
    expect(refusal(() => decodeInputs(Uint8Array.from([1, 0x87, 0, ...bytes.slice(2)])))).toBe(
      "inputs.encoding",
    );
    expect(refusal(() => decodeInputs(new Uint8Array(64).fill(255)))).toBe("inputs.encoding");
  });

  test("random bytes never do worse than a refusal", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeInputs(Uint8Array.from([1, ...bytes]));
        } catch (error) {
          expect((error as Error).name).toBe("SolvusError");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("snapshot file", () => {
  const snapshot = buildSnapshot(smallInputs());
  const text = formatSnapshotFile(snapshot);

  test("reads back as the same snapshot, figures with it", () => {
    const read = parseSnapshotFile(text);
    expect(read.root).toBe(snapshot.root);
    expect(read.inputs).toEqual(snapshot.inputs);
    expect(JSON.parse(text).instruments).toEqual(instrumentFigures(snapshot));
  });

  test.each<[string, (file: Loose) => void]>([
    [
      "snapshotFile.root",
      (file) => {
        file.root = `0x${"0".repeat(64)}`;
      },
    ],
    [
      "snapshotFile.root",
      (file) => {
        file.inputs.underlyings[0].index += 1;
      },
    ],
    [
      "snapshotFile.epoch",
      (file) => {
        file.epoch += 1;
      },
    ],
    [
      "snapshotFile.parameters",
      (file) => {
        file.parameters.imFactor = "0";
      },
    ],
    [
      "snapshotFile.instruments",
      (file) => {
        file.instruments[2].delta += 0.1;
      },
    ],
    [
      "snapshotFile.format",
      (file) => {
        file.version = 2;
      },
    ],
    [
      "snapshotFile.format",
      (file) => {
        file.extra = 1;
      },
    ],
    [
      "inputs.epoch",
      (file) => {
        file.inputs.epoch = "x";
      },
    ],
  ])("%s", (rule, alter) => {
    const file = JSON.parse(text);
    alter(file);
    expect(refusal(() => parseSnapshotFile(JSON.stringify(file)))).toBe(rule);
  });

  test("refuses what is not JSON", () => {
    expect(refusal(() => parseSnapshotFile("{"))).toBe("snapshotFile.json");
    expect(refusal(() => parseSnapshotFile("[]"))).toBe("snapshotFile.format");
  });
});

describe("steadiness", () => {
  const before = smallInputs();
  const time = before.time + 60_000;

  test.each([
    [0.99, true],
    [1.01, true],
    [0.9899, false],
    [1.0101, false],
  ])("prices times %d", (factor, steady) => {
    expect(isSteady(before, nextInputs(before, { time, prices: { USDT: factor } }))).toBe(steady);
  });

  test("volatilities, and what is gone", () => {
    // A return of 1% in a minute moves realized volatility by more.
    expect(isSteady(before, nextInputs(before, { time, prices: { BTC: 0.99 } }))).toBe(false);
    expect(isSteady(before, nextInputs(before, { time, prices: { BTC: 0.997 } }))).toBe(true);
    expect(isSteady(before, nextInputs(before, { time, volatilities: { BTC: 1.01 } }))).toBe(true);
    expect(isSteady(before, nextInputs(before, { time, volatilities: { BTC: 1.02 } }))).toBe(false);
    expect(isSteady(before, changed("underlyings.1.index", 985_000))).toBe(false);
    expect(isSteady(before, { ...before, underlyings: before.underlyings.slice(0, 1) })).toBe(false);
    expect(isSteady(before, settleExpiry(before, "BTC", before.underlyings[0].expiries[0].expiry, 1))).toBe(
      false,
    );
    expect(isSteady({ ...before, underlyings: before.underlyings.slice(0, 1) }, before)).toBe(true);
  });
});

describe("next epoch", () => {
  test("a shock moves prices, funding accrues, ids stay", () => {
    const inputs = smallInputs();
    const next = nextInputs(inputs, {
      time: inputs.time + 8 * 3_600_000,
      prices: { BTC: 0.9 },
      volatilities: { BTC: 1.5 },
      fundingRates: { BTC: 0.0001 },
    });
    expect(next.epoch).toBe(8);
    expect(next.previousTime).toBe(inputs.time);
    const [bitcoin] = next.underlyings;
    expect(bitcoin.index).toBe(45_000_000_000);
    expect(bitcoin.expiries[0].options[0]).toMatchObject({
      id: 3,
      forward: 45_000_000_000,
      volatility: 900_000,
    });
    expect(bitcoin.perpetual?.fundingIndex).toBe(-1_234 + 50_010);
    expect(bitcoin.scan).toMatchObject({
      previousRange: buildSnapshot(inputs).underlyings[0].rangeState?.applied,
    });
    expect(bitcoin.scan.model === "volatile" && bitcoin.scan.realizedVolatility).toBeGreaterThan(500_000);
    expect(buildSnapshot(next).instruments.map(({ id }) => id)).toEqual(
      buildSnapshot(inputs).instruments.map(({ id }) => id),
    );
  });

  test("time goes forward and an expiry that passes is settled first", () => {
    const inputs = smallInputs();
    expect(refusal(() => nextInputs(inputs, { time: inputs.time }))).toBe("nextEpoch.time");
    expect(refusal(() => nextInputs(inputs, { time: inputs.time + 2 * DAY }))).toMatch(/^inputs\..*expiry$/);
    const { expiry } = inputs.underlyings[0].expiries[0];
    const settled = settleExpiry(inputs, "BTC", expiry, 51_000);
    const next = buildSnapshot(nextInputs(settled, { time: inputs.time + 2 * DAY }));
    const at = next.tree.locate(3n);
    expect(at && next.tree.row(at.underlying, at.place)).toMatchObject({
      settled: true,
      fundingIndex: -10_000_000n,
    });
    const put = next.tree.locate(4n);
    expect(put && next.tree.row(put.underlying, put.place).fundingIndex).toBe(0n);
    expect(refusal(() => settleExpiry(settled, "BTC", expiry, 51_000))).toBe("nextEpoch.expiry");
  });
});
