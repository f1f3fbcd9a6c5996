import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import {
  checkTransition,
  computeTransition,
  type Transition,
  type TransitionRequest,
} from "../../protocol/transition.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { randomMarket, randomNote } from "../support/syntheticMarket.ts";
import { inputsOf, LEAF_INDEX, refusedAt } from "../support/transitionCircuit.ts";

const CASES = Number(process.env.SOLVUS_FUZZ_CASES ?? 40);

/** A request of any class, more often near what the account can bear than absurd. */
function randomRequest(random: Random, rows: readonly RiskRow[], held: readonly bigint[]): TransitionRequest {
  const request: TransitionRequest = {
    mode: random.chance(1, 4) ? random.between(0n, 3n) : 0n,
    asset: 0n,
    deposit: 0n,
    withdrawal: 0n,
    fee: random.between(0n, 5_000_000n),
  };
  if (random.chance(1, 3))
    request[random.pick(["deposit", "withdrawal"] as const)] = random.between(1n, 50_000_000_000n);
  const spots = rows.filter(({ kind }) => kind === 1n);
  if (request.deposit + request.withdrawal > 0n && spots.length > 0 && random.chance(1, 3)) {
    request.asset = random.pick(spots).id;
    if (request.deposit > 0n) request.deposit = random.between(1n, 500n);
    if (request.withdrawal > 0n) request.withdrawal = random.between(1n, 500n);
  }
  if (random.chance(3, 5)) {
    const ids = new Set<bigint>();
    const count = Number(random.between(1n, 4n));
    while (ids.size < count)
      ids.add(random.chance(2, 3) && held.length > 0 ? random.pick(held) : random.pick(rows).id);
    const legs = [...ids]
      .sort((a, b) => Number(a - b))
      .map((id) => ({ id, size: random.pick([1n, -1n]) * random.between(1n, 400n) }));
    const side = random.pick([0, 1] as const);
    const sign = side === 0 ? 1n : -1n;
    const fair = legs.reduce(
      (sum, { id, size }) => sum - size * (rows.find((row) => row.id === id) as RiskRow).mark,
      0n,
    );
    request.trade = {
      package: {
        legs,
        cash: fair + sign * random.between(-200_000_000n, 200_000_000n),
        salt: random.between(1n, 1n << 200n),
      },
      side,
    };
  }
  return request;
}

const verdictOf = (transition: Transition, snapshot: Parameters<typeof checkTransition>[1]): string => {
  try {
    checkTransition(transition, snapshot);
    return "accepted";
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
};

test(`model and circuit agree on ${CASES} random transitions, and each rule is met`, async () => {
  const verdicts = new Map<string, number>();
  for (let seed = 1; seed <= CASES; seed++) {
    const random = randomFrom(Number(process.env.SOLVUS_FUZZ_SEED ?? 0) + seed);
    const { snapshot, rows } = randomMarket(random, 3);
    const note = randomNote(random, rows, 5);
    const held = note.legs.filter(({ size }) => size !== 0n).map(({ id }) => id);
    const request = randomRequest(random, rows, held);
    let transition: Transition;
    let prepared: ReturnType<typeof inputsOf>;
    try {
      transition = computeTransition(note, LEAF_INDEX, snapshot, request);
      prepared = inputsOf(transition, snapshot);
    } catch (error) {
      if (error instanceof SolvusError) continue; // no circuit has room for it
      throw error;
    }
    if (prepared.circuit !== "transition.small") continue;
    const verdict = verdictOf(transition, snapshot);
    const refusal = await refusedAt("transition.small", "circuits/transition.circom", prepared.input);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    expect(
      refusal === undefined ? "accepted" : `refused (${verdict})`,
      `seed ${seed}: model ${verdict}, circuit ${refusal}`,
    ).toBe(verdict === "accepted" ? "accepted" : `refused (${verdict})`);
  }
  console.log(Object.fromEntries(verdicts));
  expect(verdicts.get("accepted")).toBeGreaterThan(CASES / 20);
  expect(verdicts.size).toBeGreaterThan(3);
}, 600_000);
