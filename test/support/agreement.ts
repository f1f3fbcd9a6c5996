import { expect } from "vitest";
import type { RiskRow } from "../../protocol/riskRow.ts";
import {
  checkTransition,
  computeTransition,
  shapeOf,
  type TransitionRequest,
} from "../../protocol/transition.ts";
import { type Random, randomFrom } from "./random.ts";
import { verdictOf } from "./rule.ts";
import { randomMarket, randomNote } from "./syntheticMarket.ts";
import { inputsOf, LEAF_INDEX, refusedAt } from "./transitionCircuit.ts";

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

/**
 * Puts random transitions of random accounts before model and circuit, and expects one verdict of both on each. `firstSeed` makes a
 * failing case repeatable. Returns how often the model gave each verdict.
 */
export async function expectAgreement(cases: number, firstSeed: number): Promise<Map<string, number>> {
  const verdicts = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    const random = randomFrom(seed);
    const { snapshot, rows } = randomMarket(random, 3);
    const note = randomNote(random, rows, 5);
    const held = note.legs.filter(({ size }) => size !== 0n).map(({ id }) => id);
    const transition = computeTransition(note, LEAF_INDEX, snapshot, randomRequest(random, rows, held));
    const { legs } = shapeOf(transition);
    if (legs > 7) continue; // the small tier has no room for it
    const prepared = inputsOf(transition, snapshot);
    const model = verdictOf(() => checkTransition(transition, snapshot));
    const circuit = await refusedAt("transition.small", "circuits/transition.circom", prepared.input);
    expect(
      circuit === undefined,
      `seed ${seed}: model says ${model}, circuit says ${circuit ?? "accepted"}`,
    ).toBe(model === "accepted");
    verdicts.set(model, (verdicts.get(model) ?? 0) + 1);
  }
  return verdicts;
}
