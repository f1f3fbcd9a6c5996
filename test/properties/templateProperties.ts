import fc from "fast-check";
import { FIELD_ORDER, KIND, ROW_VALUE_BOUND, SCENARIOS, SIZE_BOUND } from "../../protocol/constants.ts";
import { sliceBounds, sliceOf, takeOverPayments, WHOLE } from "../../protocol/liquidation.ts";
import { addOnOf, marginOf, type Position, scanRisk } from "../../protocol/margin.ts";
import { netCashValue } from "../../protocol/netCash.ts";
import { lossWords, type RiskRow } from "../../protocol/riskRow.ts";
import { amount, signedAmount } from "./markets.ts";
import { rulesTemplate } from "./rulesCircuit.ts";

/*
 * The templates that reckon, each by itself: at the bounds that their comments promise, which whole accounts seldom reach, and far more often.
 * Every property says what is accepted, that it is the model's number, and that the numbers beside it are refused.
 */

/** A property of one template: cases, and what must hold of each. */
export interface TemplateProperty {
  template: string;
  /** Loads the template; gives the property, typed by its own cases. */
  load(): Promise<fc.IPropertyWithHooks<[unknown]>>;
}

const LEGS = 3;
const GROUPS = 2;

const signed = (element: bigint): bigint => (element > FIELD_ORDER / 2n ? element - FIELD_ORDER : element);

const expectThat = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/** A property over one kind of case. */
function property<Case>(
  template: string,
  cases: fc.Arbitrary<Case>,
  load: () => Promise<(found: Case) => void>,
): TemplateProperty {
  return {
    template,
    async load() {
      const check = await load();
      return fc.property(cases, (found) => check(found)) as fc.IPropertyWithHooks<[unknown]>;
    },
  };
}

const sizes = signedAmount(SIZE_BOUND, 100_000n, -SIZE_BOUND);
const values = signedAmount(ROW_VALUE_BOUND, 900_000_000n);
const rows: fc.Arbitrary<RiskRow> = fc.record({
  id: fc.constant(11n),
  kind: fc.constantFrom(KIND.spot, KIND.perpetual, KIND.option),
  settled: fc.constant(false),
  mark: amount(ROW_VALUE_BOUND, 900_000_000n),
  fundingIndex: values,
  losses: fc.array(values, { minLength: SCENARIOS, maxLength: SCENARIOS }),
  longAddOn: amount(ROW_VALUE_BOUND, 9_000_000n),
  shortAddOn: amount(ROW_VALUE_BOUND, 9_000_000n),
  concentrationThreshold: amount(SIZE_BOUND, 100_000n),
  concentrationRate: amount(ROW_VALUE_BOUND, 9_000_000n),
});
const positions: fc.Arbitrary<Position[]> = fc.array(
  fc.record({ size: sizes, row: rows, underlying: fc.nat({ max: GROUPS - 1 }) }),
  { minLength: LEGS, maxLength: LEGS },
);

const legInputs = (held: readonly Position[]) => ({
  size: held.map(({ size }) => size),
  group: held.map(({ underlying }) => Array.from({ length: GROUPS }, (_, g) => (g === underlying ? 1n : 0n))),
  words: held.map(({ row }) => lossWords(row)),
  longAddOn: held.map(({ row }) => row.longAddOn),
  shortAddOn: held.map(({ row }) => row.shortAddOn),
  concentrationThreshold: held.map(({ row }) => row.concentrationThreshold),
  concentrationRate: held.map(({ row }) => row.concentrationRate),
});

const margin = property(
  "Margin",
  fc.record({
    held: positions,
    off: fc.constantFrom(1n, -1n, 1n << 82n, -(1n << 84n)),
    group: fc.nat({ max: 1 }),
  }),
  async () => {
    const circuit = await rulesTemplate("circuits/lib/margin.circom", "Margin", [LEGS, GROUPS], [], 2 + LEGS);
    return ({ held, off, group }) => {
      const model = marginOf(held);
      const scan = Array.from({ length: GROUPS }, (_, g) => model.scanByUnderlying.get(g) ?? 0n);
      const inputs = {
        ...legInputs(held),
        nonNegative: held.map(({ size }) => (size >= 0n ? 1n : 0n)),
        mark: held.map(({ row }) => row.mark),
        scan,
      };
      const [value, ...rest] = circuit.publicSignals(inputs).map(signed);
      const maintenance = rest.at(-1);
      expectThat(value === model.value, `value ${value}, model ${model.value}`);
      const legValues = held.map(({ size, row }) => size * row.mark);
      expectThat(String(rest.slice(0, LEGS)) === String(legValues), `leg values ${rest}, model ${legValues}`);
      expectThat(maintenance === model.maintenance, `margin ${maintenance}, model ${model.maintenance}`);
      const other = scan.with(group, (scan[group] as bigint) + off);
      expectThat(
        circuit.refusedAt({ ...inputs, scan: other }) !== undefined,
        `a scan risk off by ${off} passes`,
      );
    };
  },
);

const netCash = property("NetCashValue", positions, async () => {
  const circuit = await rulesTemplate("circuits/lib/netCash.circom", "NetCashValue", [LEGS], [], 1);
  return (held) => {
    const isKind = (kind: bigint) => held.map(({ row }) => (row.kind === kind ? 1n : 0n));
    const [value] = circuit
      .publicSignals({
        legValue: held.map(({ size, row }) => size * row.mark),
        nonNegative: held.map(({ size }) => (size >= 0n ? 1n : 0n)),
        isPerpetual: isKind(KIND.perpetual),
        isOption: isKind(KIND.option),
      })
      .map(signed);
    expectThat(value === netCashValue(held), `value ${value}, model ${netCashValue(held)}`);
  };
});

const lowerBound = property(
  "MarginLowerBound",
  fc.record({
    held: positions,
    claimsLong: fc.array(fc.bigInt({ min: 0n, max: 1n }), { minLength: LEGS, maxLength: LEGS }),
    claimsConcentrated: fc.array(fc.bigInt({ min: 0n, max: 1n }), { minLength: LEGS, maxLength: LEGS }),
    scenarios: fc.array(fc.nat({ max: SCENARIOS }), { minLength: GROUPS, maxLength: GROUPS }),
  }),
  async () => {
    const circuit = await rulesTemplate(
      "circuits/lib/marginLowerBound.circom",
      "MarginLowerBound",
      [LEGS, GROUPS],
      [],
      1,
    );
    return ({ held, claimsLong, claimsConcentrated, scenarios }) => {
      const claimedScenario = scenarios.map((claimed) =>
        Array.from({ length: SCENARIOS }, (_, s) => (s === claimed ? 1n : 0n)),
      );
      const [bound] = circuit.publicSignals({
        ...legInputs(held),
        claimsLong,
        claimsConcentrated,
        claimedScenario,
      });
      const { maintenance } = marginOf(held);
      expectThat(
        signed(bound as bigint) <= maintenance,
        `bound ${signed(bound as bigint)} above the margin ${maintenance}`,
      );
    };
  },
);

const scan = property(
  "ScanRisk",
  fc.record({
    held: positions,
    claimed: fc.oneof(
      signedAmount(1n << 90n, 1_000_000_000n),
      fc.constantFrom(0n, 1n << 82n, FIELD_ORDER - 1n),
    ),
  }),
  async () => {
    const circuit = await rulesTemplate("circuits/lib/scanRisk.circom", "ScanRisk", [], ["sums", "scan"], 0);
    return ({ held, claimed }) => {
      const one = held.map((position) => ({ ...position, underlying: 0 }));
      const words = one.map(({ size, row }) => lossWords(row).map((word) => size * word));
      const sums = Array.from({ length: 6 }, (_, k) =>
        words.reduce((sum, of) => sum + (of[k] as bigint), 0n),
      );
      const risk = scanRisk(one);
      expectThat(circuit.refusedAt({ sums, scan: risk }) === undefined, `the scan risk ${risk} is refused`);
      for (const other of [risk + 1n, risk - 1n, claimed]) {
        if (other === risk) continue;
        expectThat(
          circuit.refusedAt({ sums, scan: other }) !== undefined,
          `${other} passes for the scan risk ${risk}`,
        );
      }
    };
  },
);

const addOn = property("AddOn", fc.record({ size: sizes, row: rows }), async () => {
  const circuit = await rulesTemplate("circuits/lib/addOn.circom", "AddOn", [], [], 1);
  return ({ size, row }) => {
    const { longAddOn, shortAddOn, concentrationThreshold, concentrationRate } = row;
    const [charged] = circuit.publicSignals({
      size,
      nonNegative: size >= 0n ? 1n : 0n,
      longAddOn,
      shortAddOn,
      concentrationThreshold,
      concentrationRate,
    });
    const expected = addOnOf({ size, row, underlying: 0 });
    expectThat(charged === expected, `add-on ${charged}, model ${expected}`);
  };
});

const slices = fc.oneof(
  fc.bigInt({ min: 1n, max: WHOLE }),
  fc.constantFrom(1n, WHOLE / 4n, WHOLE - 1n, WHOLE),
);

const slice = property("Slice", fc.record({ size: sizes, slice: slices, other: sizes }), async () => {
  const circuit = await rulesTemplate("circuits/lib/slice.circom", "Slice", [], [], 0);
  return ({ size, slice: f, other }) => {
    const inputs = { size, nonNegative: size >= 0n ? 1n : 0n, slice: f };
    const taken = sliceOf(size, f);
    expectThat(circuit.refusedAt({ ...inputs, taken }) === undefined, `a cut of ${taken} is refused`);
    for (const cut of [taken + 1n, taken - 1n, -taken, other]) {
      if (cut === taken) continue;
      expectThat(circuit.refusedAt({ ...inputs, taken: cut }) !== undefined, `${cut} passes for ${taken}`);
    }
  };
});

const EQUITY_BOUND = 1n << 83n;
const MARGIN_BOUND = 1n << 86n;
const terms = fc.record({
  equity: signedAmount(EQUITY_BOUND, 1_000_000_000_000n, 1n - EQUITY_BOUND),
  maintenance: amount(MARGIN_BOUND, 1_000_000_000_000n),
  slice: slices,
  rate: fc.oneof(fc.bigInt({ min: 0n, max: 32_768n }), fc.constantFrom(0n, 3_276n, 3_277n, WHOLE - 1n)),
  restoration: fc.oneof(fc.constantFrom(6_553n, 0n, WHOLE - 1n), fc.bigInt({ min: 0n, max: WHOLE - 1n })),
});

const payments = property("TakeOverPayments", terms, async () => {
  const circuit = await rulesTemplate("circuits/lib/takeOverPayments.circom", "TakeOverPayments", [], [], 1);
  return ({ equity, maintenance, slice: f, rate }) => {
    const due = takeOverPayments(equity, maintenance, { slice: f, rate });
    const inputs = { equity, maintenance, slice: f, rate };
    const provable = Object.values(due).every((paid) => paid < 1n << 60n);
    expectThat(
      (circuit.refusedAt({ ...inputs, ...due }) === undefined) === provable,
      `payments ${Object.values(due)} are ${provable ? "refused" : "accepted"}`,
    );
    for (const name of ["payment", "deficit", "reward"] as const) {
      for (const off of [1n, -1n])
        expectThat(
          circuit.refusedAt({ ...inputs, ...due, [name]: due[name] + off }) !== undefined,
          `a ${name} off by ${off} passes`,
        );
    }
  };
});

const bounds = property(
  "SliceBounds",
  fc.record({ terms, near: fc.constantFrom("least", "most", "given"), off: fc.constantFrom(0n, 1n, -1n) }),
  async () => {
    const circuit = await rulesTemplate("circuits/lib/sliceBounds.circom", "SliceBounds", [], [], 0);
    return ({ terms: { equity, maintenance, slice: given, rate, restoration }, near, off }) => {
      // The caller has shown E < MM.
      const below = equity < maintenance ? equity : maintenance - 1n;
      const { least, most } = sliceBounds(below, maintenance, { rate, restoration });
      const f = near === "given" ? given : (near === "least" ? least : most) + off;
      if (f < 1n || f > WHOLE) return;
      const admitted = least <= f && f <= most;
      const refusal = circuit.refusedAt({ equity: below, maintenance, slice: f, rate, restoration });
      expectThat(
        (refusal === undefined) === admitted,
        `a slice of ${f} between ${least} and ${most}: ${refusal ?? "accepted"}`,
      );
    };
  },
);

/** Every template that reckons. */
export const TEMPLATE_PROPERTIES: readonly TemplateProperty[] = [
  margin,
  netCash,
  lowerBound,
  scan,
  addOn,
  slice,
  payments,
  bounds,
];
