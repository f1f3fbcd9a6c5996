import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DOMAIN, KIND, LOSS_DIGIT_BITS, ROW_VALUE_BOUND, SIZE_BOUND } from "../../protocol/constants.ts";
import { poseidon } from "../../protocol/poseidon.ts";
import { checkRow, lossWords, NULL_ROW, type RiskRow, rowFlags, rowLeaf } from "../../protocol/riskRow.ts";
import { buildRowTree, ROW_PLACES, type RowTree, UNDERLYING_PLACES } from "../../protocol/rowTree.ts";
import { refusal } from "./support.ts";

const LIMIT = ROW_VALUE_BOUND - 1n;

function sampleRow(id: bigint): RiskRow {
  return {
    id,
    kind: KIND.option,
    settled: false,
    mark: 100n + id,
    fundingIndex: -id,
    losses: Array.from({ length: 16 }, (_, scenario) => BigInt(scenario - 8) * 1000n * id),
    longAddOn: 1n,
    shortAddOn: 2n,
    concentrationThreshold: 3n,
    concentrationRate: 4n,
  };
}

/** The root that a row's paths lead to; fails where a path does not hold its child. */
function rootOfPaths(tree: RowTree, underlying: number, place: number): bigint {
  let node = rowLeaf(tree.row(underlying, place));
  let index = place;
  for (const children of tree.rowPath(underlying, place)) {
    expect(children[index % children.length]).toBe(node);
    index = Math.floor(index / children.length);
    node = poseidon(DOMAIN.rowNode, children);
  }
  expect(tree.subRoots[underlying]).toBe(node);
  index = underlying;
  for (const children of tree.underlyingPath(underlying)) {
    expect(children[index % children.length]).toBe(node);
    index = Math.floor(index / children.length);
    node = poseidon(DOMAIN.underlyingNode, children);
  }
  return node;
}

describe("risk row", () => {
  test("words hold three signed losses each", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -LIMIT, max: LIMIT }), { minLength: 16, maxLength: 16 }),
        (losses) => {
          const words = lossWords({ ...sampleRow(1n), losses });
          expect(words).toHaveLength(6);
          const digit = 1n << LOSS_DIGIT_BITS;
          const half = digit / 2n;
          const unpacked = words.flatMap((word) => {
            let rest = word;
            return [0, 1, 2].map(() => {
              const low = ((((rest % digit) + digit) % digit) + half) % digit;
              const value = low - half;
              rest = (rest - value) / digit;
              return value;
            });
          });
          expect(unpacked.slice(0, 16)).toEqual(losses);
          expect(unpacked.slice(16)).toEqual([0n, 0n]);
        },
      ),
    );
  });

  test("flags", () => {
    expect(rowFlags(NULL_ROW)).toBe(0n);
    expect(rowFlags({ ...sampleRow(1n), settled: true })).toBe(7n);
  });

  test("every field enters the leaf", () => {
    const leaf = rowLeaf(sampleRow(5n));
    const variants: Partial<RiskRow>[] = [
      { id: 6n },
      { kind: KIND.spot },
      { settled: true },
      { mark: 1n },
      { fundingIndex: 5n },
      { longAddOn: 2n },
      { shortAddOn: 1n },
      { concentrationThreshold: 4n },
      { concentrationRate: 3n },
      ...Array.from({ length: 16 }, (_, scenario) => ({
        losses: sampleRow(5n).losses.map((loss, index) => (index === scenario ? loss + 1n : loss)),
      })),
    ];
    const leaves = variants.map((variant) => rowLeaf({ ...sampleRow(5n), ...variant }));
    expect(new Set([leaf, ...leaves]).size).toBe(variants.length + 1);
  });

  test("values at their bounds pass", () => {
    checkRow({
      ...sampleRow(1n),
      id: 2n ** 32n - 1n,
      mark: LIMIT,
      fundingIndex: -LIMIT,
      longAddOn: LIMIT,
      shortAddOn: LIMIT,
    });
    checkRow({
      ...sampleRow(1n),
      losses: new Array(16).fill(-LIMIT),
      concentrationThreshold: SIZE_BOUND - 1n,
    });
  });

  const spot = { kind: KIND.spot, fundingIndex: 0n };
  test.each<[string, Partial<RiskRow>]>([
    ["row.id", { id: 0n }],
    ["row.id", { id: 1n << 32n }],
    ["row.kind", { kind: 0n }],
    ["row.kind", { kind: 4n }],
    ["row.mark", { mark: -1n }],
    ["row.mark", { mark: ROW_VALUE_BOUND }],
    ["row.fundingIndex", { fundingIndex: ROW_VALUE_BOUND }],
    ["row.fundingIndex", { fundingIndex: -ROW_VALUE_BOUND }],
    ["row.fundingIndex", { ...spot, fundingIndex: 1n }],
    ["row.fundingIndex", { ...spot, settled: true }],
    ["row.losses", { losses: [] }],
    ["row.losses", { losses: [...new Array(15).fill(0n), ROW_VALUE_BOUND] }],
    ["row.losses", { losses: [-ROW_VALUE_BOUND, ...new Array(15).fill(0n)] }],
    ["row.longAddOn", { longAddOn: -1n }],
    ["row.shortAddOn", { shortAddOn: ROW_VALUE_BOUND }],
    ["row.concentrationThreshold", { concentrationThreshold: SIZE_BOUND }],
    ["row.concentrationRate", { concentrationRate: -1n }],
    ["row.settled", { settled: true }],
  ])("%s refuses %o", (rule, change) => {
    expect(refusal(() => checkRow({ ...sampleRow(1n), ...change }))).toBe(rule);
  });
});

describe("row tree", () => {
  const rows = [
    Array.from({ length: 30 }, (_, index) => sampleRow(BigInt(index + 1))),
    [],
    [sampleRow(1000n)],
  ];
  const tree = buildRowTree(rows);

  test("places: the null row first, then the rows in order", () => {
    expect(tree.locate(1n)).toEqual({ underlying: 0, place: 1 });
    expect(tree.locate(1000n)).toEqual({ underlying: 2, place: 1 });
    expect(tree.locate(999n)).toBeUndefined();
    expect(tree.row(0, 0)).toBe(NULL_ROW);
    expect(tree.row(0, 30).id).toBe(30n);
    expect(tree.row(0, 31)).toBe(NULL_ROW);
    expect(tree.row(63, 5)).toBe(NULL_ROW);
    expect(ROW_PLACES).toBe(1089);
    expect(UNDERLYING_PLACES).toBe(64);
    expect(tree.rowPath(0, 3).map((children) => children.length)).toEqual([11, 11, 9]);
    expect(tree.underlyingPath(5).map((children) => children.length)).toEqual([8, 8]);
  });

  test.each([
    [0, 0],
    [0, 1],
    [0, 10],
    [0, 11],
    [0, 30],
    [0, 31],
    [0, 1088],
    [1, 0],
    [2, 1],
    [63, 1088],
  ])("paths of underlying %d, place %d lead to the root", (underlying, place) => {
    expect(rootOfPaths(tree, underlying, place)).toBe(tree.root);
  });

  test("a sparse tree is the full one with null rows in the empty places", () => {
    const full = (rowsOf: readonly RiskRow[]) => {
      let nodes = Array.from({ length: ROW_PLACES }, (_, place) =>
        place === 0 || !rowsOf[place - 1] ? null : rowLeaf(rowsOf[place - 1]),
      ).map((leaf) => leaf ?? rowLeaf(NULL_ROW));
      for (const arity of [11, 11, 9]) {
        nodes = Array.from({ length: nodes.length / arity }, (_, index) =>
          poseidon(DOMAIN.rowNode, nodes.slice(index * arity, (index + 1) * arity)),
        );
      }
      return nodes[0];
    };
    expect(full(rows[2])).toBe(tree.subRoots[2]);
    expect(tree.subRoots[1]).toBe(tree.subRoots[63]);
  });

  test("an empty tree, and underlyings without rows, are empty subtrees", () => {
    const empty = buildRowTree([]);
    expect(empty.root).toBe(buildRowTree([[], []]).root);
    expect(rootOfPaths(empty, 7, 9)).toBe(empty.root);
  });

  test("refuses what does not fit", () => {
    expect(refusal(() => buildRowTree([[sampleRow(1n)], [sampleRow(1n)]]))).toBe("rowTree.duplicateId");
    expect(refusal(() => buildRowTree([[NULL_ROW]]))).toBe("row.id");
    expect(refusal(() => buildRowTree(new Array(65).fill([])))).toBe("rowTree.underlyings");
    const many = Array.from({ length: ROW_PLACES }, (_, index) => sampleRow(BigInt(index + 1)));
    expect(refusal(() => buildRowTree([many]))).toBe("rowTree.rows");
    expect(refusal(() => tree.row(64, 0))).toBe("rowTree.underlying");
    expect(refusal(() => tree.rowPath(0, 1089))).toBe("rowTree.place");
    expect(refusal(() => tree.underlyingPath(-1))).toBe("rowTree.underlying");
  });
});
