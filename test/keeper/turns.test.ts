import { expect, test } from "vitest";
import type { TrackedAccount } from "../../services/keeper/accountBook.ts";
import { inventoryOf, type OwnAccount } from "../../services/keeper/acts.ts";
import { isLapsed, type Pending } from "../../services/keeper/pending.ts";
import type { Evaluated } from "../../services/keeper/sightedLedger.ts";
import { beginEpoch, type InVain, PLANNED_BIDS, plannedInVain, turns } from "../../services/keeper/turns.ts";

test("accounts that cannot be had keep a keeper from none that can", () => {
  const inVain: InVain = { epoch: 0n, rules: new Map() };
  const accounts = Array.from({ length: 3 * PLANNED_BIDS - 2 }, (_, place) => BigInt(place));
  const round = (): bigint[] => {
    beginEpoch(inVain, 7n);
    const { now, later } = turns(accounts, (place) => place, inVain);
    expect([...now, ...later].sort((one, other) => Number(one - other))).toEqual(accounts);
    for (const place of now) plannedInVain(inVain, place, "keeper.inventory");
    return now;
  };
  const planned = [...round(), ...round(), ...round()];
  expect(planned.slice(0, accounts.length)).toEqual(accounts);
  // Then again those that were planned longest ago.
  expect(planned.slice(accounts.length)).toEqual([0n, 1n]);
  expect(round()).toEqual(accounts.slice(2, 2 + PLANNED_BIDS));
  beginEpoch(inVain, 8n);
  expect(turns(accounts, (place) => place, inVain).now).toEqual(accounts.slice(0, PLANNED_BIDS));
});

const pending: Pending = {
  ...{ id: "0x1", target: 5n, account: "tag 1", keeper: 2n, epoch: 3n },
  ...{ deadline: 1_000n, margin: 40n, profit: 1n },
};

test("margin that is about to be taken over counts as carried", () => {
  const account: TrackedAccount = { name: "tag 2", trail: [] };
  const own = [{ account }] as unknown as OwnAccount[];
  const evaluated = [{ account, standing: { equity: 0n, maintenance: 7n } }] as unknown as Evaluated[];
  expect(inventoryOf({ evaluated }, own, [])).toBe(7n);
  expect(inventoryOf({ evaluated }, own, [pending, { ...pending, margin: 3n }])).toBe(50n);
});

test("a take-over is over when no block can have it any more", () => {
  expect(isLapsed(pending, 1_120n)).toBe(false);
  expect(isLapsed(pending, 1_121n)).toBe(true);
});
