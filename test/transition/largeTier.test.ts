import { expect, test } from "vitest";
import { KIND, Q16 } from "../../protocol/constants.ts";
import { commitSnapshot } from "../../protocol/snapshot.ts";
import { checkTransition, computeTransition, type TransitionRequest } from "../../protocol/transition.ts";
import { linearRow, noteWith, PARAMETERS } from "../support/syntheticMarket.ts";
import { inputsOf, LEAF_INDEX, refusedAt } from "../support/transitionCircuit.ts";

const REQUEST: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

// Six underlyings at the ends and the middle of the tree, three perpetuals each: eighteen legs, as many as the large tier holds.
const PLACES = [0, 7, 8, 31, 62, 63];
const idOf = (place: number, k: number): bigint => BigInt(10 * (place + 1) + k);
const snapshot = commitSnapshot(
  3n,
  PARAMETERS,
  Array.from({ length: 64 }, (_, place) =>
    PLACES.includes(place)
      ? Array.from({ length: 3 }, (_, k) =>
          linearRow(idOf(place, k), KIND.perpetual, 100_000_000n + BigInt(place), {
            fundingIndex: BigInt(k),
          }),
        )
      : [],
  ),
);
const legs = PLACES.flatMap((place) =>
  [0, 1, 2].map((k) => ({
    id: idOf(place, k),
    size: BigInt(place % 2 === 0 ? 5 + k : -5 - k),
    fundingIndex: -7n,
  })),
);
const refusal = (cash: bigint, request: TransitionRequest, held = legs) => {
  const transition = computeTransition(noteWith(cash, held), LEAF_INDEX, snapshot, request);
  const prepared = inputsOf(transition, snapshot);
  expect(prepared.circuit).toBe("transition.large");
  return refusedAt("transition.large", "circuits/transition.circom", prepared.input);
};

test("the large tier with all legs full and all underlyings open: E = IM accepted, one micro-dollar below refused", async () => {
  // A package of four legs, one closed, one flipped, one enlarged, one reduced.
  const trade = {
    package: {
      legs: [
        { id: idOf(0, 0), size: -5n },
        { id: idOf(7, 1), size: 20n },
        { id: idOf(31, 2), size: -3n },
        { id: idOf(63, 0), size: 1n },
      ],
      cash: -1_300_000_000n,
      salt: 3n,
    },
    side: 0 as const,
  };
  const request = { ...REQUEST, trade, fee: 17n };
  const { equity, margin } = computeTransition(noteWith(0n, legs), LEAF_INDEX, snapshot, request);
  const initial = (PARAMETERS.imFactor * margin.maintenance + Q16 - 1n) / Q16;
  const cash = initial - equity;
  checkTransition(computeTransition(noteWith(cash, legs), LEAF_INDEX, snapshot, request), snapshot);
  expect(await refusal(cash, request)).toBeUndefined();
  expect(await refusal(cash - 1n, request)).toContain("surplusRange");
});

test("a nineteenth leg or a seventh underlying has no circuit, and the error says what there is room for", () => {
  const nineteen = [...legs, { id: 9999n, size: 1n, fundingIndex: 0n }];
  const market = commitSnapshot(3n, PARAMETERS, [
    [...Array.from({ length: 19 }, (_, k) => linearRow(BigInt(k + 1), KIND.perpetual, 100_000_000n))],
  ]);
  const many = noteWith(
    1n << 40n,
    nineteen.map((_, k) => ({ id: BigInt(k + 1), size: 1n, fundingIndex: 0n })),
  );
  expect(() => inputsOf(computeTransition(many, LEAF_INDEX, market, REQUEST), market)).toThrow(
    /19 leg places.*at most 18 and 6/,
  );
});
