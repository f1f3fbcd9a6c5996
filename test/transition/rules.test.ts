import { describe, expect, test } from "vitest";
import { CASH_BOUND, FIELD_ORDER, SIZE_BOUND } from "../../protocol/constants.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Note } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import { buildRegistry } from "../../protocol/registryTree.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { checkTransition, computeTransition, type TransitionRequest } from "../../protocol/transition.ts";
import {
  noteWith,
  OPTION,
  PARAMETERS,
  PERPETUAL,
  SECOND_PERPETUAL,
  SETTLED_OPTION,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { inputsOf, LEAF_INDEX, refusedAt, withRow } from "../support/transitionCircuit.ts";

const REQUEST: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
const INDEX = 500_000n; // the perpetual's funding index in the small market
const USD = 1_000_000n;

const perpetuals = (size: bigint) => ({ id: PERPETUAL, size, fundingIndex: INDEX });
const spots = (size: bigint) => ({ id: SPOT, size, fundingIndex: 0n });
const options = (size: bigint) => ({ id: OPTION, size, fundingIndex: 0n });

/** A trade of this side 0: legs received, and cash received. */
const trade = (cash: bigint, ...legs: { id: bigint; size: bigint }[]): Partial<TransitionRequest> => ({
  trade: { package: { legs, cash, salt: 5n }, side: 0 },
});

const refusal = (inputs: CircuitInput) => refusedAt("transition.small", "circuits/transition.circom", inputs);

async function verdicts(note: Note, request: Partial<TransitionRequest>, snapshot: Snapshot) {
  const transition = computeTransition(note, LEAF_INDEX, snapshot, { ...REQUEST, ...request });
  const { input } = inputsOf(transition, snapshot);
  let model: string | undefined;
  try {
    checkTransition(transition, snapshot);
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    model = error.rule;
  }
  return { model, circuit: await refusal(input) };
}

async function accepts(note: Note, request: Partial<TransitionRequest>, snapshot: Snapshot = smallMarket()) {
  expect(await verdicts(note, request, snapshot)).toEqual({ model: undefined, circuit: undefined });
}

async function refuses(
  rule: string,
  constraint: string,
  note: Note,
  request: Partial<TransitionRequest>,
  snapshot: Snapshot = smallMarket(),
) {
  const { model, circuit } = await verdicts(note, request, snapshot);
  expect(model).toBe(rule);
  expect(circuit).toContain(constraint);
}

describe("margin requirements sit exactly on their edges", () => {
  // Ten long perpetuals lose at most a tenth of $100 each, and add 0.5%: MM = $105.
  const MM = 105n * USD;
  const IM = (PARAMETERS.imFactor * MM + 65535n) / 65536n;

  test("a trade needs E >= IM: at IM accepted, one micro-dollar below refused by surplusRange", async () => {
    await accepts(noteWith(IM), trade(-1000n * USD, { id: PERPETUAL, size: 10n }));
    await refuses(
      "transition.initialMargin",
      "surplusRange",
      noteWith(IM - 1n),
      trade(-1000n * USD, { id: PERPETUAL, size: 10n }),
    );
  });

  test("the fee is taken before the check: a fee of one micro-dollar at E = IM is refused", async () => {
    await refuses("transition.initialMargin", "surplusRange", noteWith(IM), {
      ...trade(-1000n * USD, { id: PERPETUAL, size: 10n }),
      fee: 1n,
    });
  });

  test("nothing but a touch needs E >= MM: at MM accepted, one below refused (an insolvent note cannot be refreshed)", async () => {
    await accepts(noteWith(MM - 1000n * USD, [perpetuals(10n)]), {});
    await refuses(
      "transition.maintenanceMargin",
      "surplusRange",
      noteWith(MM - 1000n * USD - 1n, [perpetuals(10n)]),
      {},
    );
  });

  test("a deposit that does not reach MM is refused, one that does is accepted", async () => {
    const note = noteWith(MM - 1000n * USD - 100n, [perpetuals(10n)]);
    await accepts(note, { deposit: 100n });
    await refuses("transition.maintenanceMargin", "surplusRange", note, { deposit: 99n });
  });

  test("E = 0 with nothing held is solvent, E = -1 is not", async () => {
    await accepts(noteWith(0n), {});
    await refuses("transition.maintenanceMargin", "surplusRange", noteWith(0n), { fee: 1n });
  });

  test("funding is settled before the check, for longs and shorts alike", async () => {
    const paid = { id: PERPETUAL, size: 10n, fundingIndex: INDEX - 1n };
    await accepts(noteWith(MM - 1000n * USD + 10n, [paid]), {});
    await refuses(
      "transition.maintenanceMargin",
      "surplusRange",
      noteWith(MM - 1000n * USD + 9n, [paid]),
      {},
    );
    const short = { id: PERPETUAL, size: -10n, fundingIndex: INDEX - 1n };
    const shortMargin = 10n * (8_750_000n + 1_000_000n);
    await accepts(noteWith(1000n * USD + shortMargin - 10n, [short]), {});
    await refuses(
      "transition.maintenanceMargin",
      "surplusRange",
      noteWith(1000n * USD + shortMargin - 11n, [short]),
      {},
    );
  });

  test("there is no offset between underlyings: a hedge in another underlying leaves both scan risks", async () => {
    const long = perpetuals(10n);
    const hedge = { id: SECOND_PERPETUAL, size: -20n, fundingIndex: 0n };
    const margin = MM + 20n * ((50n * USD * 7n) / 80n + 500_000n);
    await accepts(noteWith(margin, [long, hedge]), {});
    await refuses("transition.maintenanceMargin", "surplusRange", noteWith(margin - 1n, [long, hedge]), {});
  });

  test("concentration adds beyond the threshold only", async () => {
    const market = smallMarket({}, { perpetual: { concentrationThreshold: 9n } });
    const margin = MM + 2n * USD; // one lot beyond, at 2% of $100
    await accepts(noteWith(margin - 1000n * USD, [perpetuals(10n)]), {}, market);
    await refuses(
      "transition.maintenanceMargin",
      "surplusRange",
      noteWith(margin - 1n - 1000n * USD, [perpetuals(10n)]),
      {},
      market,
    );
  });
});

describe("withdrawals and debt", () => {
  test("a withdrawal leaves N >= 0: option value is not withdrawn, perpetual gains are", async () => {
    await accepts(noteWith(50n * USD, [spots(10n)]), { withdrawal: 50n * USD });
    await refuses("transition.netCash", "netCashRange", noteWith(50n * USD, [spots(10n)]), {
      withdrawal: 50n * USD + 1n,
    });
    await refuses("transition.netCash", "netCashRange", noteWith(50n * USD, [options(1000n)]), {
      withdrawal: 50n * USD + 1n,
    });
    await accepts(noteWith(-500n * USD, [perpetuals(10n)]), { withdrawal: 300n * USD });
  });

  test("the premium of an option that is owed is not withdrawn: what it would cost to buy back stays", async () => {
    const seller = (cash: bigint) => noteWith(cash, [spots(10n), options(-2n)]);
    await accepts(seller(61n * USD), { withdrawal: 1n * USD });
    await refuses("transition.netCash", "netCashRange", seller(61n * USD), { withdrawal: 1n * USD + 1n });
    // Nor does the sale itself count as cash to lend: a package that buys something else with the premium.
    const swap = trade(-140n * USD, { id: SPOT, size: 1n }, { id: OPTION, size: -2n });
    await accepts(noteWith(200n * USD, [spots(10n)]), swap);
    await refuses("transition.netCash", "netCashRange", noteWith(200n * USD - 1n, [spots(10n)]), swap);
  });

  test("a trade may leave N = -debtLimit, not a micro-dollar more; a withdrawal never may", async () => {
    const market = smallMarket({ debtLimit: 100n * USD });
    const buy = trade(-120n * USD, { id: OPTION, size: 4n });
    await accepts(noteWith(20n * USD, [spots(10n)]), buy, market);
    await refuses("transition.netCash", "netCashRange", noteWith(20n * USD - 1n, [spots(10n)]), buy, market);
    await refuses(
      "transition.netCash",
      "netCashRange",
      noteWith(20n * USD, [spots(10n)]),
      { ...buy, withdrawal: 1n },
      market,
    );
  });

  test("a withdrawal needs the initial margin", async () => {
    const note = noteWith(300n * USD - 1000n * USD, [perpetuals(10n)]);
    await refuses("transition.initialMargin", "surplusRange", note, { withdrawal: 180n * USD });
  });

  test("spot is deposited and withdrawn in lots, never below 0", async () => {
    await accepts(noteWith(0n), { asset: SPOT, deposit: 3n });
    await accepts(noteWith(0n, [spots(3n)]), { asset: SPOT, withdrawal: 3n });
    await refuses(
      "transition.spot",
      "rows.isSpot[i] * (1 - touchedRange[i].nonNegative)",
      noteWith(9000n * USD, [spots(3n)]),
      { asset: SPOT, withdrawal: 4n },
    );
  });

  test("spot is not sold short in a trade", async () => {
    await refuses(
      "transition.spot",
      "rows.isSpot[i] * (1 - touchedRange[i].nonNegative)",
      noteWith(9000n * USD),
      trade(200n * USD, { id: SPOT, size: -1n }),
    );
  });

  test("only a spot instrument is an asset", async () => {
    await refuses("transition.spotFlow", "SpotFlow", noteWith(9000n * USD), {
      asset: PERPETUAL,
      deposit: 1n,
    });
  });

  test("a deposit and a withdrawal do not go together; an asset needs a flow", async () => {
    await refuses("transition.oneFlow", "SpotFlow", noteWith(9000n * USD), { deposit: 1n, withdrawal: 1n });
    await refuses("transition.asset", "SpotFlow", noteWith(9000n * USD), { asset: SPOT });
  });
});

describe("the fee is no withdrawal", () => {
  test("a fee needs N >= -debtLimit: option value cannot leave by fees paid to oneself", async () => {
    const holder = (cash: bigint) => noteWith(cash, [options(1000n)]);
    await accepts(holder(5n), { fee: 5n });
    await refuses("transition.netCash", "netCashRange", holder(4n), { fee: 5n });
    await accepts(holder(-4n), {});
    await accepts(holder(-4n), { fee: 5n }, smallMarket({ debtLimit: 9n }));
    await refuses(
      "transition.netCash",
      "netCashRange",
      holder(-4n),
      { fee: 6n },
      smallMarket({ debtLimit: 9n }),
    );
  });

  test("a deposit or a safe trade with a fee is bound by it too", async () => {
    await refuses("transition.netCash", "netCashRange", noteWith(-10n, [options(1000n)]), {
      deposit: 4n,
      fee: 5n,
    });
    await refuses("transition.netCash", "netCashRange", noteWith(-60n * USD, [options(1000n)]), {
      ...trade(30n * USD, { id: OPTION, size: -1n }),
      fee: 5n,
    });
  });
});

describe("price band", () => {
  test("a buyer pays at most five add-ons above the mark", async () => {
    await accepts(noteWith(9000n * USD), trade(-102_500_000n, { id: PERPETUAL, size: 1n }));
    await refuses(
      "transition.priceBand",
      "bandRange",
      noteWith(9000n * USD),
      trade(-102_500_001n, { id: PERPETUAL, size: 1n }),
    );
  });

  test("a seller takes at least the mark less five add-ons of the short side", async () => {
    await accepts(noteWith(9000n * USD), trade(95_000_000n, { id: PERPETUAL, size: -1n }));
    await refuses(
      "transition.priceBand",
      "bandRange",
      noteWith(9000n * USD),
      trade(94_999_999n, { id: PERPETUAL, size: -1n }),
    );
  });

  test("losses cannot be dumped on a friend, nor cash given away: both sides are checked", async () => {
    const gift = { legs: [{ id: PERPETUAL, size: 1n }], cash: 0n, salt: 5n };
    await accepts(noteWith(9000n * USD), { trade: { package: gift, side: 0 } });
    await refuses("transition.priceBand", "bandRange", noteWith(9000n * USD), {
      trade: { package: gift, side: 1 },
    });
  });
});

describe("the safe class", () => {
  const close = (size: bigint) => trade(size * 100n * USD, { id: PERPETUAL, size: -size });

  test("closing part of a position below IM is accepted while E >= MM", async () => {
    await accepts(noteWith(106n * USD - 1000n * USD, [perpetuals(10n)]), close(4n));
  });

  test("closing only the hedge is not safe: MM rises, so IM is required", async () => {
    // Long 10 perpetuals against 35 short options with the same losses: the margin is that of the add-ons alone.
    const hedged = [perpetuals(10n), { id: OPTION, size: -33n, fundingIndex: 0n }];
    const cash = -10n * USD;
    const unhedge = trade(-33n * 30n * USD, { id: OPTION, size: 33n });
    await refuses("transition.initialMargin", "surplusRange", noteWith(cash + 127n * USD, hedged), unhedge);
  });

  test("a flip is not safe", async () => {
    await refuses(
      "transition.initialMargin",
      "surplusRange",
      noteWith(110n * USD - 1000n * USD, [perpetuals(10n)]),
      close(19n),
    );
  });

  test("claiming safe for an enlarging trade is refused: safe * enlargedTotal", async () => {
    const snapshot = smallMarket();
    const computed = computeTransition(noteWith(110n * USD), LEAF_INDEX, snapshot, {
      ...REQUEST,
      ...trade(-1000n * USD, { id: PERPETUAL, size: 10n }),
    });
    expect(computed.safe).toBe(false);
    expect(await refusal({ ...inputsOf(computed, snapshot).input, safe: 1n })).toContain(
      "safe * enlargedTotal",
    );
  });

  test("claiming safe for the removal of a hedge is refused by the margin's lower bound: reliefRange", async () => {
    const snapshot = smallMarket();
    const hedged = [perpetuals(10n), { id: OPTION, size: -33n, fundingIndex: 0n }];
    const computed = computeTransition(noteWith(117n * USD, hedged), LEAF_INDEX, snapshot, {
      ...REQUEST,
      ...trade(-990n * USD, { id: OPTION, size: 33n }),
    });
    expect(await refusal({ ...inputsOf(computed, snapshot).input, safe: 1n })).toContain("reliefRange");
  });

  test("a safe trade gives away at most the margin that it frees; one micro-dollar more needs IM: sparedRange", async () => {
    // A band wide enough for gifts. Of ten perpetuals (MM $105) four are closed (MM $63): $42 are freed.
    const wide = smallMarket({ priceBand: 15n << 16n });
    const gift = (amount: bigint) => trade(400n * USD - amount, { id: PERPETUAL, size: -4n });
    const between = noteWith(110n * USD - 1000n * USD, [perpetuals(10n)]);
    await accepts(between, gift(42n * USD), wide);
    await refuses("transition.initialMargin", "surplusRange", between, gift(42n * USD + 1n), wide);
    await accepts(noteWith(137n * USD - 1000n * USD, [perpetuals(10n)]), gift(42n * USD + 1n), wide);

    const computed = computeTransition(between, LEAF_INDEX, wide, {
      ...REQUEST,
      ...gift(42n * USD + 1n),
    });
    expect(computed.safe).toBe(false);
    expect(await refusal({ ...inputsOf(computed, wide).input, safe: 1n })).toContain("sparedRange");
  });

  test("a worthless option is no pretext: selling it back frees no margin, so nothing is given away", async () => {
    const worthless = { mark: 0n, losses: Array<bigint>(16).fill(0n), longAddOn: 0n, shortAddOn: 10n * USD };
    const snapshot = smallMarket({}, { option: worthless });
    const lender = noteWith(0n, [spots(10n), options(10n)]);
    await accepts(lender, trade(0n, { id: OPTION, size: -10n }), snapshot);
    await refuses(
      "transition.netCash",
      "netCashRange",
      lender,
      trade(-500n * USD, { id: OPTION, size: -10n }),
      snapshot,
    );
    const rich = noteWith(200n * USD, [spots(10n), options(10n)]);
    await refuses(
      "transition.netCash",
      "netCashRange",
      rich,
      trade(-200n * USD - 1n, { id: OPTION, size: -10n }),
      snapshot,
    );
  });

  test("an option that is owed is bought back at its mark whatever net cash is, above it within the debt limit alone: netCashRange", async () => {
    // The spot is no hedge of it here, so that buying it back is safe.
    const market = (debtLimit = 0n) =>
      smallMarket({ debtLimit }, { spot: { losses: Array<bigint>(16).fill(0n) } });
    const holder = (cash: bigint) => noteWith(cash, [spots(10n), options(-2n)]);
    const buyBack = (price: bigint) => trade(-price, { id: OPTION, size: 1n });
    await accepts(holder(0n), buyBack(30n * USD), market());
    await refuses("transition.netCash", "netCashRange", holder(0n), buyBack(30n * USD + 1n), market());
    // Afterwards one option is owed still, for $30.
    const above = buyBack(30n * USD + 1n);
    await accepts(holder(60n * USD + 1n), above, market());
    await refuses("transition.netCash", "netCashRange", holder(60n * USD), above, market());
    await accepts(holder(0n), above, market(60n * USD + 1n));
    await refuses("transition.netCash", "netCashRange", holder(0n), above, market(60n * USD));
    const withSpot = trade(170n * USD - 1n, { id: SPOT, size: -1n }, { id: OPTION, size: 1n });
    await accepts(holder(0n), withSpot, market());
  });

  test("an option that is held is no cash: selling it for less than its mark still raises net cash, so it pays nothing", async () => {
    const red = noteWith(-50n * USD, [spots(10n), options(4n)]);
    await accepts(red, trade(30n * USD - 1n, { id: OPTION, size: -1n }));
    const worthless = smallMarket({}, { option: { mark: 0n } });
    await accepts(red, trade(0n, { id: OPTION, size: -1n }), worthless);
    await refuses(
      "transition.netCash",
      "netCashRange",
      red,
      trade(-1n, { id: OPTION, size: -1n }),
      worthless,
    );
  });

  test("an account in the red closes perpetuals at their mark, and below it by selling something else with them", async () => {
    const red = noteWith(-1050n * USD, [perpetuals(10n), spots(10n)]);
    await accepts(red, close(4n));
    await refuses(
      "transition.netCash",
      "netCashRange",
      red,
      trade(400n * USD - 1n, { id: PERPETUAL, size: -4n }),
    );
    await accepts(red, trade(598n * USD, { id: SPOT, size: -1n }, { id: PERPETUAL, size: -4n }));
  });

  test("one underlying in two groups, which would let the lower bound pick two scenarios for one hedge, is refused", async () => {
    const snapshot = smallMarket();
    const computed = computeTransition(
      noteWith(9000n * USD, [perpetuals(10n)]),
      LEAF_INDEX,
      snapshot,
      REQUEST,
    );
    const { input } = inputsOf(computed, snapshot);
    const twice = (name: string) => [0, 0, 2].map((g) => (input[name] as bigint[])[g] as bigint);
    const forged = { ...input };
    for (const name of ["underlyingPlace", "underlyingRoot", "underlyingPath0", "underlyingPath1"])
      forged[name] = twice(name);
    expect(await refusal(forged)).toContain("Underlyings");
  });

  test("safe without a trade, or not boolean, is refused", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(
      computeTransition(noteWith(9000n * USD), LEAF_INDEX, snapshot, REQUEST),
      snapshot,
    );
    expect(await refusal({ ...input, safe: 1n })).toContain("safe * (1 - trade.hasTrade)");
    expect(await refusal({ ...input, safe: 2n })).toContain("safe * (1 - safe)");
  });
});

describe("modes", () => {
  const rich = noteWith(9000n * USD, [perpetuals(10n)]);

  test("mode 1 admits a deposit and a safe trade, not a risky trade nor a withdrawal", async () => {
    await accepts(rich, { mode: 1n, deposit: 5n });
    await accepts(rich, { mode: 1n, ...trade(400n * USD, { id: PERPETUAL, size: -4n }) });
    await refuses("transition.reduceOnly", "reduceOnly * requiresInitialMargin", rich, {
      mode: 1n,
      ...trade(-100n * USD, { id: PERPETUAL, size: 1n }),
    });
    await refuses("transition.reduceOnly", "reduceOnly * requiresInitialMargin", rich, {
      mode: 1n,
      withdrawal: 1n,
    });
  });

  test("mode 2 leaves from spot and cash only, without a margin check, and never below zero cash", async () => {
    await accepts(noteWith(50n, [spots(2n)]), { mode: 2n, withdrawal: 50n });
    await refuses(
      "transition.leavingCash",
      "leaving * (1 - cashRange.nonNegative)",
      noteWith(50n, [spots(2n)]),
      { mode: 2n, withdrawal: 51n },
    );
    await refuses("transition.exit", "exiting * oldNotSpotCount", rich, { mode: 2n });
    await refuses(
      "transition.modeTrade",
      "leaving * (trade.hasTrade + flow.hasDeposit)",
      noteWith(9000n * USD),
      { mode: 2n, ...trade(-200n * USD, { id: SPOT, size: 1n }) },
    );
    await refuses(
      "transition.modeDeposit",
      "leaving * (trade.hasTrade + flow.hasDeposit)",
      noteWith(9000n * USD),
      { mode: 2n, deposit: 1n },
    );
  });

  test("mode 3 turns every leg that is not spot into cash at its mark", async () => {
    const note = noteWith(-1000n * USD, [perpetuals(10n), spots(1n), options(1n)]);
    const snapshot = smallMarket();
    const { after } = checkTransition(
      computeTransition(note, LEAF_INDEX, snapshot, { ...REQUEST, mode: 3n }),
      snapshot,
    );
    expect(after.cash).toBe(30n * USD);
    expect(after.legs.filter(({ size }) => size !== 0n).map(({ id }) => id)).toEqual([SPOT]);
    await accepts(note, { mode: 3n, withdrawal: 30n * USD });
    await refuses("transition.leavingCash", "leaving * (1 - cashRange.nonNegative)", note, {
      mode: 3n,
      withdrawal: 30n * USD + 1n,
    });
  });

  test("a mode of four is refused", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(computeTransition(rich, LEAF_INDEX, snapshot, REQUEST), snapshot);
    expect(await refusal({ ...input, mode: 4n })).toContain("modeBits");
  });
});

describe("expiry", () => {
  const held = { id: SETTLED_OPTION, size: 3n, fundingIndex: 0n };

  test("a settled leg pays through its funding index and is emptied, whatever else happens", async () => {
    const snapshot = smallMarket();
    const { after } = checkTransition(
      computeTransition(noteWith(7n, [held]), LEAF_INDEX, snapshot, REQUEST),
      snapshot,
    );
    expect(after.cash).toBe(7n + 120n * USD);
    expect(
      after.legs.every(({ size, id, fundingIndex }) => size === 0n && id === 0n && fundingIndex === 0n),
    ).toBe(true);
    await accepts(noteWith(7n, [held]), { withdrawal: 120n * USD });
  });

  test("a settled instrument does not trade", async () => {
    await refuses(
      "transition.settledTrade",
      "trade.tradedMagnitude[i] * settled[i]",
      noteWith(9000n * USD, [held]),
      trade(0n, { id: SETTLED_OPTION, size: -1n }),
    );
  });

  test("keeping a settled leg is refused: the new commitment differs", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(
      computeTransition(noteWith(7n, [held]), LEAF_INDEX, snapshot, REQUEST),
      snapshot,
    );
    const settled = [...(input.settled as bigint[])];
    settled[0] = 0n;
    expect(await refusal({ ...input, settled })).toMatch(/RiskRowOpening|OpenedRows/);
  });
});

describe("bounds", () => {
  const cheap: Partial<RiskRow> = {
    mark: 10n,
    losses: Array(16).fill(1n),
    longAddOn: 1n,
    shortAddOn: 1n,
    concentrationThreshold: SIZE_BOUND - 1n,
    concentrationRate: 1n,
  };
  const market = smallMarket({}, { perpetual: cheap });
  const big = 1n << 50n;

  test("sizes reach 2^36 - 1 and -2^36, and no further: touchedRange", async () => {
    await accepts(
      noteWith(big, [perpetuals(SIZE_BOUND - 2n)]),
      trade(-10n, { id: PERPETUAL, size: 1n }),
      market,
    );
    await refuses(
      "transition.size",
      "touchedRange",
      noteWith(big, [perpetuals(SIZE_BOUND - 2n)]),
      trade(-20n, { id: PERPETUAL, size: 2n }),
      market,
    );
    await accepts(
      noteWith(big, [perpetuals(1n - SIZE_BOUND)]),
      trade(10n, { id: PERPETUAL, size: -1n }),
      market,
    );
    await refuses(
      "transition.size",
      "touchedRange",
      noteWith(big, [perpetuals(1n - SIZE_BOUND)]),
      trade(20n, { id: PERPETUAL, size: -2n }),
      market,
    );
  });

  test("a position flips through zero at full size", async () => {
    await accepts(
      noteWith(big, [perpetuals(SIZE_BOUND / 2n)]),
      trade(10n * (SIZE_BOUND - 1n), { id: PERPETUAL, size: 1n - SIZE_BOUND }),
      market,
    );
  });

  test("cash stays in [-2^60, 2^60): cashRange", async () => {
    await accepts(noteWith(CASH_BOUND - 2n), { deposit: 1n });
    await refuses("transition.cash", "cashRange", noteWith(CASH_BOUND - 2n), { deposit: 2n });
  });

  test("a fee, deposit or withdrawal of p - 1 (a credit in disguise) is refused by its range", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(
      computeTransition(noteWith(9000n * USD), LEAF_INDEX, snapshot, { ...REQUEST, withdrawal: 1n }),
      snapshot,
    );
    expect(await refusal({ ...input, fee: FIELD_ORDER - 1n })).toContain("feeRange");
    expect(await refusal({ ...input, withdrawal: FIELD_ORDER - 1n })).toContain("SpotFlow > Range");
    expect(await refusal({ ...input, withdrawal: 0n, deposit: FIELD_ORDER - 1n })).toContain(
      "SpotFlow > Range",
    );
  });

  test("packed legs: a size one lower with an index 2^42 higher packs alike and is refused by oldIndexRange", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(
      computeTransition(noteWith(9000n * USD, [perpetuals(10n)]), LEAF_INDEX, snapshot, REQUEST),
      snapshot,
    );
    const oldSize = [...(input.oldSize as bigint[])];
    const oldFundingIndex = [...(input.oldFundingIndex as bigint[])];
    oldSize[0] = 9n;
    oldFundingIndex[0] = INDEX + (1n << 42n);
    expect(await refusal({ ...input, oldSize, oldFundingIndex })).toContain("oldIndexRange");
  });

  test("packed legs: an id one lower with a size 2^40 higher packs alike and is refused by touchedRange", async () => {
    const snapshot = smallMarket();
    const { input } = inputsOf(
      computeTransition(
        noteWith(9000n * USD, [{ id: OPTION, size: 5n, fundingIndex: 0n }]),
        LEAF_INDEX,
        snapshot,
        REQUEST,
      ),
      snapshot,
    );
    const perpetual = inputsOf(
      computeTransition(noteWith(9000n * USD, [perpetuals(5n)]), LEAF_INDEX, snapshot, REQUEST),
      snapshot,
    ).input;
    const forged = withRow(input, 0, perpetual, 0);
    forged.oldSize = [5n + (1n << 40n), ...(input.oldSize as bigint[]).slice(1)];
    expect(await refusal(forged)).toContain("touchedRange");
  });
});

describe("membership", () => {
  const registryOf = (entity: bigint, expiryEpoch: bigint) =>
    buildRegistry([
      { entity: 5n, expiryEpoch: 100n },
      { entity, expiryEpoch },
    ]);
  const risky = { ...REQUEST, ...trade(-100n * USD, { id: PERPETUAL, size: 1n }) };

  test("a deposit and a risky trade show the entity's listing; a withdrawal and a safe trade need none", async () => {
    const snapshot = smallMarket();
    const note = noteWith(9000n * USD, [perpetuals(10n)]);
    const listed = registryOf(note.entity, 7n);
    const stranger = registryOf(6n, 7n);
    for (const request of [risky, { ...REQUEST, deposit: 1n }]) {
      const computed = computeTransition(note, LEAF_INDEX, snapshot, request);
      expect(computed.requiresMembership).toBe(true);
      expect(await refusal(inputsOf(computed, snapshot, listed).input)).toBeUndefined();
      const open = inputsOf(computed, snapshot).input;
      expect(await refusal({ ...open, registryRoot: stranger.root })).toContain("RequireMember");
    }
    for (const request of [
      { ...REQUEST, withdrawal: 1n },
      { ...REQUEST, ...trade(100n * USD, { id: PERPETUAL, size: -1n }) },
      REQUEST,
    ]) {
      expect(
        await refusal(
          inputsOf(computeTransition(note, LEAF_INDEX, snapshot, request), snapshot, stranger).input,
        ),
      ).toBeUndefined();
    }
  });

  test("a listing that expired an epoch ago is refused, one that expires now is accepted", async () => {
    const snapshot = smallMarket();
    const note = noteWith(9000n * USD);
    const computed = computeTransition(note, LEAF_INDEX, snapshot, risky);
    const expired = registryOf(note.entity, 6n);
    expect(() => inputsOf(computed, snapshot, expired)).toThrow(/expired/);
    const forged = {
      ...inputsOf(computed, snapshot).input,
      registryRoot: expired.root,
      expiryEpoch: 6n,
      registryLevels: expired.path(note.entity).levels,
    };
    expect(await refusal(forged)).toContain("RequireMember");
  });

  test("somebody else's listing does not serve", async () => {
    const snapshot = smallMarket();
    const registry = registryOf(6n, 7n);
    const computed = computeTransition(noteWith(9000n * USD), LEAF_INDEX, snapshot, risky);
    const { expiryEpoch, levels } = registry.path(6n);
    expect(
      await refusal({
        ...inputsOf(computed, snapshot).input,
        registryRoot: registry.root,
        expiryEpoch,
        registryLevels: levels,
      }),
    ).toContain("RequireMember");
  });
});
