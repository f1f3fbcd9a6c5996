import { beforeEach, describe, expect, test } from "vitest";
import { applyTransition, type TransitionRequest } from "../../protocol/transition.ts";
import { flowSnapshot } from "../../services/chain/reading.ts";
import { verdictOf } from "../../services/relayer/refusals.ts";
import { expectRefusal, type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";
import { fund } from "../support/ledgerItems.ts";
import { noteWith, PERPETUAL, smallMarket } from "../support/syntheticMarket.ts";

const WEEK = 7n * 86_400n;
const HELD = 1_000_000n;

let fixture: LedgerFixture;

/** A ledger with cash, of which somebody winds down after a week without a snapshot, before the oracle posts again. */
async function woundDown(): Promise<{ last: bigint; next: bigint }> {
  const { alice, ledger } = fixture;
  const last = (await fixture.oracle.latest()).root;
  await fixture.advance(WEEK);
  const leaving = await fixture.transition({ mode: 3n, withdrawal: 10n }, { recipient: alice.address });
  await ledger.submit(leaving);
  return { last, next: await fixture.postSnapshot() };
}

beforeEach(async () => {
  fixture = await ledgerFixture();
  await fund(fixture, HELD);
});

describe("once somebody has wound down", () => {
  test("no later snapshot prices the other side of what became cash at the old mark", async () => {
    const { alice, bob, ledger } = fixture;
    const flagged = [5n, 7n] as const;
    await fixture.flag(...flagged);
    const { next: snapshotRoot } = await woundDown();
    expect(await ledger.windDownEpoch()).toBe(1n);
    const recipient = { recipient: bob.address };
    for (const signals of [
      {},
      { mode: 1n },
      { mode: 3n },
      { withdrawal: 1n },
      { mode: 3n, withdrawal: 1n },
      { deposit: 1n },
    ]) {
      const item = await fixture.transition(
        { ...signals, snapshotRoot },
        { ...recipient, payer: alice.address },
      );
      await expectRefusal(fixture.as(alice).submit(item), ledger, "WindingDown", [1n]);
    }
    const [first, second] = await fixture.trade({ snapshotRoot }, { snapshotRoot });
    await expectRefusal(ledger.submitTrade(first, second), ledger, "WindingDown", [1n]);
    const takeOver = await fixture.takeOver({ targetLeafIndex: flagged[0], targetNullifier: flagged[1] });
    await expectRefusal(ledger.takeOver(takeOver), ledger, "WindingDown", [1n]);
    // Nor is anybody flagged and laid open for it.
    await expectRefusal(fixture.flag(...flagged), fixture.auction, "WindingDown", [1n]);
  });

  test("everybody else may pay in what he lacks, and wind down at the same marks, however late", async () => {
    const { alice, bob, ledger, usdc } = fixture;
    const { last: snapshotRoot } = await woundDown();
    const before = await usdc.balanceOf(bob.address);
    const deposit = await fixture.transition({ snapshotRoot, deposit: 1n }, { payer: alice.address });
    await fixture.as(alice).submit(deposit);
    for (const mode of [2n, 3n]) {
      await ledger.submit(
        await fixture.transition({ snapshotRoot, mode, withdrawal: 5n }, { recipient: bob.address }),
      );
    }
    expect(await usdc.balanceOf(bob.address)).toBe(before + 10n);
    const trading = await fixture.transition({ snapshotRoot });
    await expectRefusal(ledger.submit(trading), ledger, "WindingDown", [1n]);
  });

  test("a wind-down within a batch ends trading for all that follows", async () => {
    const { ledger } = fixture;
    await fixture.advance(WEEK);
    const transitions = [await fixture.transition({ mode: 3n }), await fixture.transition()];
    const receipt = await fixture.submitBatch({ transitions });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "WindingDown" }]);
    expect(await ledger.windDownEpoch()).toBe(1n);
  });
});

test("what owners prove deposits and withdrawals on is the latest snapshot, and after a wind-down the one that counts", async () => {
  const snapshots = async (root: bigint) => root as never;
  const latest = async () => (await fixture.oracle.latest()).root as never;
  const proven = () => flowSnapshot({ deployed: fixture as never, snapshots, latest });
  const first = await fixture.postSnapshot();
  expect(await proven()).toBe(first);
  const { last } = await woundDown();
  expect(last).toBe(first);
  expect(await proven()).toBe(first);
});

test("a relayer waits no longer with what a wind-down has overtaken", () => {
  expect(verdictOf({ rule: "ledger.WindingDown", message: "epoch is 1" })).toBe("expired");
});

test("a week of silence alone ends nothing: a snapshot that comes before any wind-down is the latest", async () => {
  const { ledger } = fixture;
  await fixture.advance(WEEK);
  await fixture.postSnapshot();
  await ledger.submit(await fixture.transition());
  expect(await ledger.windDownEpoch()).toBe(0n);
});

describe("the long and the short side of a hundred lots at $100, with $2,000 of equity each", () => {
  const WIND_DOWN: TransitionRequest = { mode: 3n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
  const INDEX = 500_000n; // the perpetual's funding index in the small market
  const EQUITY = 2_000_000_000n;
  const MARK = 100_000_000n;

  /** Cash of the side that holds `size` lots after it has wound down on a snapshot with the perpetual at `mark`. */
  const cashAfter = (size: bigint, mark: bigint): bigint => {
    const note = noteWith(EQUITY - size * MARK, [{ id: PERPETUAL, size, fundingIndex: INDEX }]);
    return applyTransition(note, 0n, smallMarket({}, { perpetual: { mark } }), WIND_DOWN).after.cash;
  };

  test("own together what they paid in when both wind down on one snapshot", () => {
    expect(cashAfter(100n, MARK) + cashAfter(-100n, MARK)).toBe(2n * EQUITY);
  });

  test("would own $3,000 of other people's if one could wait for a snapshot after a fall of 30%", () => {
    expect(cashAfter(100n, MARK) + cashAfter(-100n, (MARK * 7n) / 10n)).toBe(2n * EQUITY + 3_000_000_000n);
  });
});
