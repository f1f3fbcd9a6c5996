import { expect, test } from "vitest";
import { decryptChange, encryptChange } from "../../protocol/accountEscrow.ts";
import { KIND } from "../../protocol/constants.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { commitmentOf, type Note, spendOf } from "../../protocol/note.ts";
import { commitSnapshot, type Snapshot } from "../../protocol/snapshot.ts";
import {
  applyTransition,
  openRow,
  type Transition,
  type TransitionRequest,
} from "../../protocol/transition.ts";
import { randomFrom } from "../support/random.ts";
import { linearRow, noteWith, PARAMETERS, settledRow } from "../support/syntheticMarket.ts";

const STEPS = 1_500;
const REQUEST: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** A market at one epoch: a spot, two perpetuals whose funding indexes wander by odd amounts, and an option that settles halfway. */
function marketAt(epoch: bigint, indexes: readonly bigint[], settled: boolean): Snapshot {
  const option = settled ? settledRow(4n, -33_000_001n) : linearRow(4n, KIND.option, 30_000_000n);
  const rows = [
    linearRow(1n, KIND.spot, 200_000_000n),
    linearRow(2n, KIND.perpetual, 100_000_000n, { fundingIndex: indexes[0] }),
    linearRow(3n, KIND.perpetual, 70_000_001n, { fundingIndex: indexes[1] }),
    option,
  ];
  return commitSnapshot(epoch, PARAMETERS, [rows]);
}

/**
 * What the ledger owes, in micro-USDC of cash: the accounts' cash, with every leg's pending funding counted. Trades sum to zero, so for a
 * closed set of accounts only deposits, withdrawals and fees change it, and each leg's sizes sum to zero but for spot.
 */
function claims(notes: readonly Note[], snapshot: Snapshot): bigint {
  return notes.reduce((total, note) => {
    const pending = note.legs.reduce(
      (sum, leg) => sum + leg.size * (openRow(snapshot, leg.id).row.fundingIndex - leg.fundingIndex),
      0n,
    );
    return total + note.cash - pending;
  }, 0n);
}

test(`conservation of every asset over ${STEPS} random steps of six accounts: rounding and funding cannot be farmed`, () => {
  const random = randomFrom(2024);
  const notes: Note[] = Array.from({ length: 6 }, (_, account) => ({
    ...noteWith(5_000_000_000n),
    rho: BigInt(1000 + account),
  }));
  const indexes = [0n, 0n];
  let held = claims(notes, marketAt(1n, indexes, false));
  const spotHeld = new Map<bigint, bigint>();
  let snapshot = marketAt(1n, indexes, false);
  let done = 0;
  const land = (account: number, transition: Transition): void => {
    // Whoever knows the last note follows the account from what is published.
    const published = {
      leafIndex: transition.leafIndex,
      commitment: commitmentOf(transition.after),
      escrow: encryptChange(transition.before, transition.after),
    };
    const followed = decryptChange(
      transition.before,
      published,
      (id) => openRow(snapshot, id).row.fundingIndex,
    );
    expect(followed).toEqual(transition.after);
    notes[account] = transition.after;
    done++;
  };
  for (let step = 1; step <= STEPS; step++) {
    if (random.chance(1, 10)) {
      indexes[0] = (indexes[0] as bigint) + random.between(-3n, 3n);
      indexes[1] = (indexes[1] as bigint) + random.between(-100_000n, 100_000n);
      snapshot = marketAt(BigInt(step + 1), indexes, step > STEPS / 2);
    }
    const a = Number(random.between(0n, 5n));
    const b = (a + Number(random.between(1n, 5n))) % 6;
    const fee = random.between(0n, 3n);
    try {
      if (random.chance(1, 4)) {
        const amount = random.between(1n, 50_000_000n);
        const isSpot = random.chance(1, 3);
        const request = {
          ...REQUEST,
          fee,
          asset: isSpot ? 1n : 0n,
          [random.pick(["deposit", "withdrawal"])]: isSpot ? (amount % 9n) + 1n : amount,
        };
        const transition = applyTransition(notes[a] as Note, BigInt(step), snapshot, request);
        const flow = transition.request.deposit - transition.request.withdrawal;
        land(a, transition);
        held += (isSpot ? 0n : flow) - fee;
        if (isSpot) spotHeld.set(1n, (spotHeld.get(1n) ?? 0n) + flow);
        continue;
      }
      const ids = [1n, 2n, 3n, 4n].filter(() => random.chance(1, 2));
      if (ids.length === 0) ids.push(2n);
      const legs = ids.map((id) => ({
        id,
        size: random.pick([1n, -1n]) * random.between(1n, random.chance(1, 3) ? 1n : 7n),
      }));
      const cash = legs.reduce(
        (sum, { id, size }) => sum - size * openRow(snapshot, id).row.mark,
        random.between(-300_000n, 300_000n),
      );
      const trade = { legs, cash, salt: BigInt(step) };
      const mine = applyTransition(notes[a] as Note, BigInt(step), snapshot, {
        ...REQUEST,
        fee,
        trade: { package: trade, side: 0 },
      });
      const theirs = applyTransition(notes[b] as Note, BigInt(step), snapshot, {
        ...REQUEST,
        trade: { package: trade, side: 1 },
      });
      land(a, mine);
      land(b, theirs);
      held -= fee;
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
    }
    expect(claims(notes, snapshot)).toBe(held);
    // A settled leg stays in a note until its next touch, so the option's sizes sum to zero while it is live only.
    const live = snapshot.tree.row(0, 4).settled ? [1n, 2n, 3n] : [1n, 2n, 3n, 4n];
    for (const id of live) {
      const sizes = notes.flatMap(({ legs }) => legs).filter((leg) => leg.id === id);
      const total = sizes.reduce((sum, { size }) => sum + size, 0n);
      expect(total, `instrument ${id}`).toBe(spotHeld.get(id) ?? 0n);
    }
  }
  expect(done).toBeGreaterThan(STEPS / 4);
});

test("the escrow opens with the account's rho and snapshot, and with nothing else", () => {
  const snapshot = marketAt(1n, [5n, 6n], false);
  const before = noteWith(5_000_000_000n, [{ id: 2n, size: 3n, fundingIndex: 0n }]);
  const trade = {
    legs: [
      { id: 3n, size: 2n },
      { id: 4n, size: -1n },
    ],
    cash: -110_000_002n,
    salt: 1n,
  };
  const { after } = applyTransition(before, 9n, snapshot, { ...REQUEST, trade: { package: trade, side: 0 } });
  const published = { leafIndex: 9n, commitment: commitmentOf(after), escrow: encryptChange(before, after) };
  const index = (id: bigint) => openRow(snapshot, id).row.fundingIndex;
  expect(decryptChange(before, published, index)).toEqual(after);
  expect(spendOf(before, 9n).nextRho).toBe(after.rho);
  expect(() => decryptChange({ ...before, rho: before.rho + 1n }, published, index)).toThrow(/does not open/);
  expect(() => decryptChange(before, published, () => 0n)).toThrow(/does not open/);
  expect(() =>
    decryptChange(before, { ...published, escrow: [published.escrow[0] + 1n, published.escrow[1]] }, index),
  ).toThrow(/does not open/);
  expect(() =>
    decryptChange(before, { ...published, escrow: [published.escrow[0], published.escrow[1] ^ 1n] }, index),
  ).toThrow(/does not open/);
});
