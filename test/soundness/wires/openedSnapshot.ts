import {
  CASH_BOUND,
  DOMAIN,
  LOSS_DIGIT_BITS,
  LOSS_WORDS,
  Q16,
  RATIO_BOUND,
} from "../../../protocol/constants.ts";
import { ensure } from "../../../protocol/errors.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { fromField, poseidon, toField } from "../../../protocol/poseidon.ts";
import { checkRow, lossWords, type RiskRow, rowFlags, rowLeaf } from "../../../protocol/riskRow.ts";
import { UNDERLYING_PLACES } from "../../../protocol/rowTree.ts";
import { EPOCH_BOUND, type Snapshot } from "../../../protocol/snapshot.ts";
import { ruleOf } from "../../support/rule.ts";
import { element, matrix, vector } from "./reading.ts";

/** The rows that a proof opens, by leg place, and a snapshot of these rows alone. */
export interface OpenedSnapshot {
  rows: RiskRow[];
  /** Place of each row's underlying; a number of its own below 0 where no group is selected. */
  underlyings: number[];
  snapshot: Snapshot;
  /** Whether a row or a parameter is out of the bounds that reporters keep. */
  impossible: boolean;
}

const HALF_DIGIT = 1n << (LOSS_DIGIT_BITS - 1n);
const DIGIT = 1n << LOSS_DIGIT_BITS;

/** Three losses of a packed word, the last one whatever is left. */
function unpackWord(word: bigint): bigint[] {
  let rest = fromField(word);
  const losses: bigint[] = [];
  for (let digit = 0; digit < 2; digit++) {
    const loss = ((((rest + HALF_DIGIT) % DIGIT) + DIGIT) % DIGIT) - HALF_DIGIT;
    losses.push(loss);
    rest = (rest - loss) >> LOSS_DIGIT_BITS;
  }
  return [...losses, rest];
}

function rowAt(input: CircuitInput, place: number): RiskRow {
  const words = matrix(input, "words")[place] as bigint[];
  const losses = words.slice(0, LOSS_WORDS - 1).flatMap(unpackWord);
  const [low = 0n, high = 0n] = matrix(input, "kindBits")[place] as bigint[];
  const signed = (name: string): bigint => fromField(vector(input, name)[place] as bigint);
  return {
    id: vector(input, "id")[place] as bigint,
    kind: toField(low + 2n * high),
    settled: vector(input, "settled")[place] !== 0n,
    mark: signed("mark"),
    fundingIndex: signed("fundingIndex"),
    losses: [...losses, fromField(words[LOSS_WORDS - 1] as bigint)],
    longAddOn: signed("longAddOn"),
    shortAddOn: signed("shortAddOn"),
    concentrationThreshold: signed("concentrationThreshold"),
    concentrationRate: signed("concentrationRate"),
  };
}

const isNull = (row: RiskRow): boolean =>
  [
    row.id,
    rowFlags(row),
    row.mark,
    row.fundingIndex,
    ...lossWords(row),
    row.longAddOn,
    row.shortAddOn,
    row.concentrationThreshold,
    row.concentrationRate,
  ].every((value) => value === 0n);

/** Reads what is opened, without looking at paths. Rows of places with lots come first where two have one id. */
export function openedSnapshot(input: CircuitInput, sizes: readonly bigint[]): OpenedSnapshot {
  const rows = sizes.map((_, place) => rowAt(input, place));
  const places = vector(input, "underlyingPlace");
  const underlyings = matrix(input, "group").map((selected, leg) => {
    const group = selected.indexOf(1n);
    return group < 0 ? -1 - leg : Number(places[group]);
  });
  const order = [...sizes.keys()].sort(
    (one, other) => Number(sizes[other] !== 0n) - Number(sizes[one] !== 0n) || one - other,
  );
  const parameters = {
    epoch: element(input, "epoch"),
    imFactor: element(input, "imFactor"),
    priceBand: element(input, "priceBand"),
    debtLimit: element(input, "debtLimit"),
  };
  const { epoch, imFactor, priceBand, debtLimit } = parameters;
  const withinBounds =
    epoch < EPOCH_BOUND &&
    imFactor >= Q16 &&
    imFactor < RATIO_BOUND &&
    priceBand < RATIO_BOUND &&
    debtLimit < CASH_BOUND;
  const noPaths = (levels: number) => (): bigint[][] => Array.from({ length: levels }, () => []);
  return {
    rows,
    underlyings,
    impossible:
      !withinBounds || rows.some((row) => !isNull(row) && ruleOf(() => checkRow(row)) !== undefined),
    snapshot: {
      ...parameters,
      root: 0n,
      tree: {
        root: 0n,
        subRoots: [],
        locate(id) {
          const place = order.find((candidate) => rows[candidate]?.id === id);
          return place === undefined ? undefined : { underlying: underlyings[place] as number, place };
        },
        row: (_, place) => rows[place] as RiskRow,
        rowPath: noPaths(3),
        underlyingPath: noPaths(2),
      },
    },
  };
}

/** Nodes by their children: most of what is read again and again is the same. */
const nodes = new Map<string, bigint>();
const REMEMBERED = 20_000;

function nodeOf(domain: bigint, children: readonly bigint[]): bigint {
  const key = `${domain} ${children.join()}`;
  const known = nodes.get(key) ?? poseidon(domain, children);
  if (nodes.size > REMEMBERED) nodes.clear();
  nodes.set(key, known);
  return known;
}

/**
 * The root to which all rows lead. Throws `opening.*` where a row, a node or an underlying is not where its path says, or a leg is not in exactly
 * one group.
 */
export function snapshotRoot(input: CircuitInput, { rows }: OpenedSnapshot): bigint {
  const roots = vector(input, "underlyingRoot");
  const places = vector(input, "underlyingPlace");
  const flags = [...matrix(input, "kindBits").flat(), ...vector(input, "settled")];
  ensure(
    flags.every((flag) => flag <= 1n),
    "opening.flags",
    "a flag of a row is neither 0 nor 1",
  );
  for (const [leg, row] of rows.entries()) {
    let node = rowLeaf(row);
    for (const level of ["rowPath0", "rowPath1", "rowPath2"]) {
      const children = matrix(input, level)[leg] as bigint[];
      ensure(children.includes(node), "opening.row", `leg ${leg}: ${level} does not hold the node below`);
      node = nodeOf(DOMAIN.rowNode, children);
    }
    const selected = matrix(input, "group")[leg] as bigint[];
    const isOneHot = selected.every((bit) => bit <= 1n) && selected.filter((bit) => bit === 1n).length === 1;
    ensure(isOneHot, "opening.group", `leg ${leg}: not in exactly one group`);
    ensure(roots[selected.indexOf(1n)] === node, "opening.group", `leg ${leg}: in another group`);
  }
  const tops = places.map((place, group) => {
    ensure(place < BigInt(UNDERLYING_PLACES), "opening.place", `group ${group}: place ${place}`);
    ensure(group === 0 || place > (places[group - 1] as bigint), "opening.order", `group ${group}: order`);
    let position = Number(place);
    let node = roots[group] as bigint;
    for (const level of ["underlyingPath0", "underlyingPath1"]) {
      const children = matrix(input, level)[group] as bigint[];
      ensure(children[position % 8] === node, "opening.underlying", `group ${group}: not in ${level}`);
      node = nodeOf(DOMAIN.underlyingNode, children);
      position = Math.floor(position / 8);
    }
    return node;
  });
  const [top] = tops;
  ensure(top !== undefined && tops.every((other) => other === top), "opening.top", "two row trees");
  const parameters = ["epoch", "imFactor", "priceBand", "debtLimit"].map((name) => element(input, name));
  return poseidon(DOMAIN.snapshot, [top, ...parameters]);
}
