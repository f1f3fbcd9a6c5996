import {
  DOMAIN,
  ID_BOUND,
  KIND,
  LOSS_DIGIT_BITS,
  LOSS_WORDS,
  ROW_VALUE_BOUND,
  SCENARIOS,
  SIZE_BOUND,
} from "./constants.ts";
import { ensure } from "./errors.ts";
import { poseidon } from "./poseidon.ts";

/**
 * One instrument of a snapshot, as an account proof opens it. Money values are micro-USDC per lot; a loss is positive when one long lot
 * loses.
 */
export interface RiskRow {
  /** 1 to 2^32 − 1; 0 only in the null row. */
  id: bigint;
  /** One of `KIND`. */
  kind: bigint;
  /** An expired instrument: every other value is zero but id, kind and funding index. */
  settled: boolean;
  mark: bigint;
  /** Signed, cumulative: what one long lot has paid since listing. Zero for spot. */
  fundingIndex: bigint;
  /** Sixteen, signed, in SPAN order. */
  losses: bigint[];
  longAddOn: bigint;
  shortAddOn: bigint;
  /** Lots. */
  concentrationThreshold: bigint;
  /** For each lot beyond the threshold. */
  concentrationRate: bigint;
}

/** The row that fills empty legs and empty places: all zeros. */
export const NULL_ROW: RiskRow = {
  id: 0n,
  kind: KIND.null,
  settled: false,
  mark: 0n,
  fundingIndex: 0n,
  losses: new Array<bigint>(SCENARIOS).fill(0n),
  longAddOn: 0n,
  shortAddOn: 0n,
  concentrationThreshold: 0n,
  concentrationRate: 0n,
};

/** Kind and settlement in one field: `kind + 4·settled`. */
export function rowFlags(row: RiskRow): bigint {
  return row.kind + (row.settled ? 4n : 0n);
}

/**
 * The risk array packed three losses a word, `loss[3k] + loss[3k+1]·2^84 + loss[3k+2]·2^168`; the last word holds `loss[15]` alone. The
 * words are signed integers; hashing reduces them modulo the field order.
 */
export function lossWords(row: RiskRow): bigint[] {
  const words: bigint[] = [];
  for (let word = 0; word < LOSS_WORDS; word++) {
    const [first, second = 0n, third = 0n] = row.losses.slice(3 * word, 3 * word + 3);
    words.push((first ?? 0n) + (second << LOSS_DIGIT_BITS) + (third << (2n * LOSS_DIGIT_BITS)));
  }
  return words;
}

/** The row's leaf in the row tree. */
export function rowLeaf(row: RiskRow): bigint {
  return poseidon(DOMAIN.row, [
    ...lossWords(row),
    row.id,
    rowFlags(row),
    row.mark,
    row.fundingIndex,
    row.longAddOn,
    row.shortAddOn,
    row.concentrationThreshold,
    row.concentrationRate,
  ]);
}

function inRange(value: bigint, low: bigint, high: bigint): boolean {
  return value >= low && value < high;
}

function checkField(row: RiskRow, field: string, value: bigint, low: bigint, high: bigint): void {
  ensure(
    inRange(value, low, high),
    `row.${field}`,
    `row ${row.id}: ${field} is ${value}, expected at least ${low} and below ${high}`,
  );
}

/**
 * Refuses (rule `row.<field>`) a row outside the bounds that account proofs rely on: |loss| and |funding index| below 2^40, mark and
 * add-ons in [0, 2^40), threshold in [0, 2^36). Circuits do not check these; reporters and everyone who recomputes a snapshot do.
 */
export function checkRow(row: RiskRow): void {
  checkField(row, "id", row.id, 1n, ID_BOUND);
  checkField(row, "kind", row.kind, KIND.spot, KIND.option + 1n);
  checkField(row, "mark", row.mark, 0n, ROW_VALUE_BOUND);
  checkField(row, "fundingIndex", row.fundingIndex, 1n - ROW_VALUE_BOUND, ROW_VALUE_BOUND);
  ensure(
    row.losses.length === SCENARIOS,
    "row.losses",
    `row ${row.id}: losses has ${row.losses.length} entries, expected ${SCENARIOS}`,
  );
  for (const [scenario, loss] of row.losses.entries()) {
    ensure(
      inRange(loss, 1n - ROW_VALUE_BOUND, ROW_VALUE_BOUND),
      "row.losses",
      `row ${row.id}: losses[${scenario}] is ${loss}, expected an absolute value below ${ROW_VALUE_BOUND}`,
    );
  }
  checkField(row, "longAddOn", row.longAddOn, 0n, ROW_VALUE_BOUND);
  checkField(row, "shortAddOn", row.shortAddOn, 0n, ROW_VALUE_BOUND);
  checkField(row, "concentrationThreshold", row.concentrationThreshold, 0n, SIZE_BOUND);
  checkField(row, "concentrationRate", row.concentrationRate, 0n, ROW_VALUE_BOUND);
  if (row.kind === KIND.spot) {
    ensure(
      row.fundingIndex === 0n && !row.settled,
      "row.fundingIndex",
      `row ${row.id}: a spot row has funding index ${row.fundingIndex}, settled ${row.settled}; expected 0 and false`,
    );
  }
  if (row.settled) {
    const rest = [
      row.mark,
      ...row.losses,
      row.longAddOn,
      row.shortAddOn,
      row.concentrationThreshold,
      row.concentrationRate,
    ];
    ensure(
      rest.every((value) => value === 0n),
      "row.settled",
      `row ${row.id}: a settled row holds values other than id, kind and funding index; expected zeros`,
    );
  }
}
