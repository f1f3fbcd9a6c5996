import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { emptyHistory } from "../../protocol/ledgerHistory.ts";
import { checkPolicy, type GuardPolicy, ratioOf, stateOf } from "../../services/guard/policy.ts";
import {
  liveTicket,
  openRecord,
  openTopUp,
  proposed,
  resolveTopUps,
  type TopUp,
  toppedUp,
} from "../../services/guard/record.ts";
import { topUpAmount } from "../../services/guard/topUpAmount.ts";
import { ruleOf } from "../support/rule.ts";

const directory = mkdtempSync(join(tmpdir(), "solvus-guard-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const POLICY: GuardPolicy = {
  horizonHours: 4,
  warn: { ratio: 1.3, probability: 0.05 },
  act: { ratio: 1.1, probability: 0.4 },
  targetRatio: 1.5,
  clears: true,
};

describe("a policy", () => {
  test.each<[string, Partial<GuardPolicy>]>([
    ["acts below the margin", { act: { ratio: 0.99 } }],
    ["warns after it acts", { warn: { ratio: 1.05 } }],
    ["aims at no more than where it acts", { targetRatio: 1.1 }],
    ["looks no hour ahead", { horizonHours: 0 }],
    ["looks a part of an hour ahead", { horizonHours: 1.5 }],
    ["acts on no probability", { act: { ratio: 1.1, probability: 0 } }],
    ["warns at more than certainty", { warn: { ratio: 1.3, probability: 1.1 } }],
    [
      "closes more than there is",
      { reduce: { largestShare: 1.1, perDay: 1n, concession: 0, lifetime: 600 } },
    ],
    ["pays to be closed", { reduce: { largestShare: 1, perDay: 1n, concession: -0.1, lifetime: 600 } }],
  ])("that %s is refused", (_, change) => {
    expect(ruleOf(() => checkPolicy({ ...POLICY, ...change }))).toBe("guard.policy");
  });

  test("tells four states apart, at their edges", () => {
    const state = (equity: bigint, probability?: number) =>
      stateOf({ equity, maintenance: 100n, probability }, checkPolicy(POLICY));
    expect([99n, 100n, 109n, 110n, 129n, 130n].map((equity) => state(equity))).toEqual([
      ...["below", "acting", "acting"],
      ...["warning", "warning", "healthy"],
    ]);
    expect([0.04, 0.05, 0.39, 0.4].map((probability) => state(500n, probability))).toEqual([
      ...["healthy", "warning", "warning", "acting"],
    ]);
    expect(state(99n, 0)).toBe("below");
    expect(ratioOf({ equity: 0n, maintenance: 0n })).toBe(Number.POSITIVE_INFINITY);
    expect(stateOf({ equity: -1n, maintenance: 0n, probability: undefined }, POLICY)).toBe("below");
  });
});

describe("a top-up", () => {
  const need = {
    equity: 1_050n,
    maintenance: 1_000n,
    targetRatio: 1.5,
    fee: 0n,
    leftToday: 10_000n,
    leftInTotal: 10_000n,
    balance: 10_000n,
  };

  test("brings equity to the target, fee included", () => {
    expect(topUpAmount(need)).toBe(450n);
    expect(topUpAmount({ ...need, fee: 7n })).toBe(457n);
  });

  test.each(["leftToday", "leftInTotal", "balance"] as const)("is at most %s", (limit) => {
    expect(topUpAmount({ ...need, [limit]: 100n })).toBe(100n);
    expect(ruleOf(() => topUpAmount({ ...need, [limit]: 0n }))).toBe("guard.limits");
  });

  test("that would leave the account below its margin is refused: the ledger would", () => {
    const below = { ...need, equity: 900n, fee: 5n };
    expect(topUpAmount({ ...below, leftToday: 105n })).toBe(105n);
    expect(ruleOf(() => topUpAmount({ ...below, leftToday: 104n }))).toBe("guard.limits");
  });
});

const NAME = { chainId: 31337n, ledger: "0x5FbDB2315678afecb367f032d93F642f64180aa3", ownerKey: 7n };
let used = 0;
const fresh = () => {
  const place = join(directory, String(used++));
  mkdirSync(place);
  return place;
};
const planned = (plannedAt: bigint, amount: bigint, change: Partial<TopUp> = {}): TopUp => ({
  nullifier: plannedAt,
  amount,
  plannedAt,
  attempts: [],
  outcome: "open",
  ...change,
});
const DAY = 86_400n;

describe("the record", () => {
  test("is read as it was written, by its owner alone", () => {
    const place = fresh();
    const record = openRecord(place, NAME);
    const attempt = {
      commitment: 5n,
      deadline: 600n,
      submission: "0xab",
      refused: "ledger.SnapshotNotLatest",
    };
    record.topUps.push(planned(1n, 250n, { attempts: [attempt] }));
    record.tickets.push({
      tag: 3n,
      nullifier: 1n,
      notional: 9n,
      plannedAt: 1n,
      deadline: 601n,
      file: "ticket",
    });
    record.save();
    const { topUps, tickets } = openRecord(place, NAME);
    expect({ topUps, tickets }).toEqual({ topUps: record.topUps, tickets: record.tickets });
    expect(statSync(join(place, "guard.json")).mode & 0o077).toBe(0);
    expect(ruleOf(() => openRecord(place, { ...NAME, ownerKey: 8n }))).toBe("guard.record");
    expect(ruleOf(() => openRecord(place, { ...NAME, chainId: 1n }))).toBe("guard.record");
  });

  test("that cannot be read stops the guard: limits that are not known are not kept", () => {
    const place = fresh();
    openRecord(place, NAME).save();
    const text = readFileSync(join(place, "guard.json"), "utf8");
    writeFileSync(join(place, "guard.json"), text.slice(0, -10));
    expect(ruleOf(() => openRecord(place, NAME))).toBe("file.json");
    writeFileSync(join(place, "guard.json"), text.replace('"topUps": []', '"topUps": [{}]'));
    expect(ruleOf(() => openRecord(place, NAME))).toBe("file.format");
  });

  test("counts what may still land, for a day and for ever", () => {
    const record = openRecord(fresh(), NAME);
    record.topUps.push(
      planned(10n, 1n, { outcome: "landed" }),
      planned(DAY, 20n, { outcome: "landed" }),
      planned(DAY + 1n, 300n),
    );
    expect(toppedUp(record, DAY + 9n)).toEqual({ today: 321n, total: 321n });
    expect(toppedUp(record, DAY + 10n)).toEqual({ today: 320n, total: 321n });
    expect(toppedUp(record, 3n * DAY)).toEqual({ today: 0n, total: 321n });
  });

  test("learns from the chain whether a deposit landed, and frees what cannot land, after a while", () => {
    const record = openRecord(fresh(), NAME);
    const attempts = [
      { commitment: 71n, deadline: 1_000n },
      { commitment: 72n, deadline: 1_500n },
    ];
    const make = (nullifier: bigint) =>
      planned(900n, 10n, { nullifier, attempts: attempts.map((one) => ({ ...one })) });
    record.topUps.push(make(1n), make(2n), make(3n));
    const history = emptyHistory();
    const spend = (nullifier: bigint, commitment: bigint) =>
      history.spendings.set(nullifier, { as: "owner", commitment, leafIndex: 0n } as never);
    spend(1n, 72n);
    spend(2n, 99n);
    const outcomes = () => record.topUps.map(({ outcome }) => outcome);
    expect(resolveTopUps(record, history, 1_620n)).toHaveLength(2);
    expect(outcomes()).toEqual(["landed", "superseded", "open"]);
    // The superseded one counts until a replaced block could not change it.
    expect(toppedUp(record, 1_620n).total).toBe(30n);
    expect(resolveTopUps(record, history, 1_621n)).toHaveLength(1);
    expect(outcomes()).toEqual(["landed", "superseded", "lapsed"]);
    expect(toppedUp(record, 1_621n).total).toBe(10n);
    expect(openTopUp(record)).toBeUndefined();
  });

  test("knows a ticket that can still be used, and what tickets closed in a day", () => {
    const record = openRecord(fresh(), NAME);
    record.tickets.push({
      tag: 1n,
      nullifier: 5n,
      notional: 40n,
      plannedAt: 100n,
      deadline: 700n,
      file: "a",
    });
    expect(liveTicket(record, 5n, 700n)?.file).toBe("a");
    expect(liveTicket(record, 5n, 701n)).toBeUndefined();
    expect(liveTicket(record, 6n, 200n)).toBeUndefined();
    expect([proposed(record, 100n + DAY - 1n), proposed(record, 100n + DAY)]).toEqual([40n, 0n]);
  });

  test("never lets limits be exceeded, whatever becomes of deposits", () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 50_000 }),
      wanted: fc.integer({ min: 1, max: 900 }),
      fate: fc.constantFrom("lands", "lands late", "superseded", "nothing"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const record = { topUps: [] as TopUp[], tickets: [], save: () => {} };
        const history = emptyHistory();
        const left: { at: bigint; amount: bigint }[] = [];
        let [now, nullifier] = [1_000n, 1n];
        for (const { wait, wanted, fate } of steps) {
          now += BigInt(wait);
          resolveTopUps(record, history, now);
          if (openTopUp(record) !== undefined) continue;
          const { today, total } = toppedUp(record, now);
          const amount = [BigInt(wanted), 1_000n - today, 3_000n - total].reduce((a: bigint, b: bigint) =>
            a < b ? a : b,
          );
          if (amount <= 0n) continue;
          const deadline = now + 600n;
          record.topUps.push(
            planned(now, amount, { nullifier, attempts: [{ commitment: nullifier, deadline }] }),
          );
          const lands = fate === "lands" ? now : fate === "lands late" ? deadline : undefined;
          if (lands !== undefined) left.push({ at: lands, amount });
          if (fate !== "nothing") {
            const commitment = fate === "superseded" ? 0n : nullifier;
            history.spendings.set(nullifier, { as: "owner", commitment, leafIndex: 0n } as never);
            now = lands ?? now;
          }
          nullifier++;
        }
        const sum = (of: typeof left) => of.reduce((total, { amount }) => total + amount, 0n);
        expect(sum(left)).toBeLessThanOrEqual(3_000n);
        for (const { at } of left) {
          const day = left.filter((one) => one.at <= at && one.at > at - DAY + 600n);
          expect(sum(day)).toBeLessThanOrEqual(1_000n);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});
