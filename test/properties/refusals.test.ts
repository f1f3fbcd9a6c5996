import { expect, test } from "vitest";
import { decryptChange } from "../../protocol/accountEscrow.ts";
import { DOMAIN, KIND } from "../../protocol/constants.ts";
import { type FundEvent, fundAccounts } from "../../protocol/fundHistory.ts";
import { commitmentOf, emptyNote, type Note } from "../../protocol/note.ts";
import { openedUnderlyings } from "../../protocol/openedRowsInput.ts";
import { poseidonMany, toField } from "../../protocol/poseidon.ts";
import { commitSnapshot } from "../../protocol/snapshot.ts";
import { decryptKeeperChange, encryptKeeperChange } from "../../protocol/takeOverEscrow.ts";
import { TIERS, type Tier, tierFor } from "../../protocol/tier.ts";
import { computeTransition, openRow, type TransitionRequest } from "../../protocol/transition.ts";
import { verdictOf } from "../support/rule.ts";
import { linearRow, noteWith, PARAMETERS } from "../support/syntheticMarket.ts";

/* Refusals of protocol/ that no random case reaches. */

const REQUEST: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
const rows = Array.from({ length: 21 }, (_, k) => linearRow(BigInt(k + 1), KIND.perpetual, 1_000_000n));
const snapshot = commitSnapshot(1n, PARAMETERS, [rows]);

test("an account too large for every tier is told what there is room for", () => {
  expect(tierFor({ legs: 18, underlyings: 6 }).name).toBe("large");
  expect(verdictOf(() => tierFor({ legs: 19, underlyings: 1 }))).toBe("tier.none");
  expect(verdictOf(() => tierFor({ legs: 1, underlyings: 7 }))).toBe("tier.none");
  const [small] = TIERS as [Tier];
  const opened = [0, 1, 2, 3].map((underlying) => ({ row: rows[0]!, underlying, place: 1 }));
  expect(openedUnderlyings(opened.slice(1), small)).toEqual([1, 2, 3]);
  expect(verdictOf(() => openedUnderlyings(opened, small))).toBe("tier.underlyings");
});

test("an account with twenty legs takes no other instrument, and no snapshot opens one that it does not list", () => {
  const full = noteWith(
    0n,
    rows.slice(0, 20).map(({ id }) => ({ id, size: 1n, fundingIndex: 0n })),
  );
  const buy = (id: bigint): TransitionRequest => ({
    ...REQUEST,
    trade: { package: { legs: [{ id, size: 1n }], cash: 0n, salt: 1n }, side: 0 },
  });
  expect(verdictOf(() => computeTransition(full, 0n, snapshot, buy(20n)))).toBe("accepted");
  expect(verdictOf(() => computeTransition(full, 0n, snapshot, buy(21n)))).toBe("transition.full");
  expect(verdictOf(() => openRow(snapshot, 22n))).toBe("snapshot.unknownInstrument");
});

test("words that name a place beyond the note's, or a size without an instrument, open no account", () => {
  const before: Note = { ...emptyNote(1n, 2n, 3n), cash: 5n };
  const commitment = 77n;
  const pads = poseidonMany(DOMAIN.pad, [before.rho, commitmentOf(before), commitment], 2) as [
    bigint,
    bigint,
  ];
  const open = (place: bigint) =>
    decryptChange(
      before,
      // An entry of one lot of instrument 1 at this place, behind a cash of 0 and no emptied leg.
      {
        leafIndex: 0n,
        commitment,
        escrow: [toField(pads[0] + ((place + 32n) << 81n) + (1n << 60n)), pads[1]],
      },
      () => 0n,
    );
  expect(verdictOf(() => open(19n))).toBe("escrow.mismatch");
  expect(verdictOf(() => open(20n))).toBe("escrow.mismatch");

  // A keeper's words whose sizes are of another note than its ids.
  const after: Note = { ...before, legs: before.legs.with(0, { id: 1n, size: 1n, fundingIndex: 0n }) };
  const published = { leafIndex: 0n, commitment: commitmentOf(after) };
  const honest = encryptKeeperChange(before, after);
  const without = encryptKeeperChange(before, { ...after, legs: before.legs });
  for (const escrow of [without, honest.with(1, without[1] as bigint)])
    expect(verdictOf(() => decryptKeeperChange(before, { ...published, escrow }, () => 0n))).toBe(
      "escrow.mismatch",
    );
});

test("a fund's history adds up, and one that pays, recovers or releases more than there was is refused by name", () => {
  const history: FundEvent[] = [
    { kind: "deposited", amount: 100n, toDeficit: 0n, toClaims: 0n },
    { kind: "takeOverPaid", covered: 60n, reward: 5n, uncoveredPart: 40n },
    { kind: "claimAdded", amount: 15n },
    { kind: "deposited", amount: 50n, toDeficit: 25n, toClaims: 10n },
    { kind: "recoveryCollected", amount: 10n },
    { kind: "released", amount: 50n },
    { kind: "claimAdded", amount: 7n },
  ];
  expect(fundAccounts(history)).toEqual({
    balance: 0n,
    uncovered: 0n,
    claims: 12n,
    collectable: 0n,
    covered: 60n,
    rewards: 5n,
    everUncovered: 40n,
  });
  const refusals: [FundEvent, string][] = [
    [{ kind: "released", amount: 1n }, "fund.balance"],
    [{ kind: "recoveryCollected", amount: 1n }, "fund.collectable"],
    [{ kind: "deposited", amount: 9n, toDeficit: 1n, toClaims: 0n }, "fund.uncovered"],
    [{ kind: "deposited", amount: 20n, toDeficit: 0n, toClaims: 13n }, "fund.claims"],
  ];
  for (const [event, rule] of refusals) expect(verdictOf(() => fundAccounts([...history, event]))).toBe(rule);
});
