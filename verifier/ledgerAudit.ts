import { revealedNote } from "../protocol/auctionEvents.ts";
import { type AuditedChain, readLedger } from "../protocol/chain.ts";
import { type AssetClaims, assetClaims } from "../protocol/custodyHistory.ts";
import { ensure, SolvusError } from "../protocol/errors.ts";
import { type FundAccounts, fundAccounts } from "../protocol/fundHistory.ts";
import type { LedgerHistory } from "../protocol/ledgerHistory.ts";
import { spendOf } from "../protocol/note.ts";
import { type PostedSnapshot, rebuildSnapshot } from "../protocol/postedSnapshot.ts";
import type { Check } from "./attestationChecks.ts";

/** What an audit of a ledger found. */
export interface LedgerAudit {
  /** True when every check passed. */
  accepted: boolean;
  block: number;
  checks: Check[];
}

/** A check by recomputation: passes with what `work` says, fails with the refusal's message. */
async function check(name: string, expected: string, work: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, passed: true, found: await work(), expected };
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    return { name, passed: false, found: error.message, expected };
  }
}

/** Recomputes every snapshot's root from what was posted, and that epochs and times only ever go on. */
function checkSnapshots(posted: readonly PostedSnapshot[]): string {
  let previous: PostedSnapshot | undefined;
  for (const snapshot of posted) {
    const follows =
      previous === undefined || (snapshot.epoch === previous.epoch + 1n && snapshot.time > previous.time);
    ensure(
      follows,
      "audit.epoch",
      `epoch ${snapshot.epoch} at ${snapshot.time}: after epoch ${previous?.epoch} at ${previous?.time}, expected the next epoch and a later time`,
    );
    rebuildSnapshot(snapshot);
    previous = snapshot;
  }
  return `${posted.length} epochs, each root recomputed`;
}

/** Every change of an account refers to a snapshot that was posted. */
function checkReferences(history: LedgerHistory, posted: readonly PostedSnapshot[]): string {
  const roots = new Set(posted.map(({ root }) => root));
  for (const { event, leafIndex } of history.spendings.values()) {
    ensure(
      roots.has(event.snapshotRoot),
      "audit.snapshot",
      `note at place ${leafIndex}: proven on snapshot root ${event.snapshotRoot}, expected one that was posted`,
    );
  }
  return `${history.spendings.size} notes spent on posted snapshots`;
}

/** What was published of notes is their openings. */
function checkReveals(
  history: LedgerHistory,
  events: Awaited<ReturnType<AuditedChain["auctionEvents"]>>,
): string {
  let reveals = 0;
  for (const event of events) {
    if (event.kind !== "revealed") continue;
    const note = revealedNote(event.words, history.leaves.get(event.leafIndex) ?? 0n);
    ensure(
      spendOf(note, event.leafIndex).nullifier === event.nullifier,
      "audit.reveal",
      `reveal at place ${event.leafIndex}: nullifier ${event.nullifier}, expected the one of the published note`,
    );
    reveals++;
  }
  return `${reveals} published notes`;
}

/** The fund's account of take-overs is the ledger's. */
function checkTakeOvers(history: LedgerHistory, fund: FundAccounts): string {
  const sums = { covered: 0n, rewards: 0n, everUncovered: 0n };
  let takeOvers = 0;
  for (const spending of history.spendings.values()) {
    if (spending.as !== "target") continue;
    const { deficit, reward, uncovered } = spending.event;
    sums.covered += deficit - uncovered;
    sums.everUncovered += uncovered;
    sums.rewards += reward;
    takeOvers++;
  }
  for (const name of ["covered", "rewards", "everUncovered"] as const) {
    ensure(
      sums[name] === fund[name],
      "audit.takeOvers",
      `${name}: ${fund[name]} micro-USDC by the fund's events, expected ${sums[name]} as the ledger's say`,
    );
  }
  return `${takeOvers} take-overs, deficits and rewards as the fund paid them`;
}

function checkHolding(claims: AssetClaims, held: bigint): string {
  const { asset, required, unit } = claims;
  ensure(
    held >= required * unit,
    "audit.holdings",
    `asset ${asset}: ${held} token units held, expected at least ${required * unit}`,
  );
  const { accounts, owed, uncovered } = claims;
  return `${held} token units held for ${required} units (accounts ${accounts}, owed ${owed}, uncovered ${uncovered})`;
}

/**
 * Audits a whole ledger from chain data alone, at a block (by default the latest): queue, tree and nullifiers, snapshots, published openings,
 * the fund's payments, and that each token held covers what public flows left. That each change of an account followed the rules is what
 * the proofs say that the ledger verified; that the ledger's code is the one expected is for the auditor to compare. Throws `audit.block`
 * for a block that is not there.
 */
export async function auditLedger(chain: AuditedChain, block?: number): Promise<LedgerAudit> {
  const latest = await chain.blockNumber();
  const at = block ?? latest;
  ensure(at >= 0 && at <= latest, "audit.block", `block: got ${at}, expected 0 to ${latest}, the latest`);
  const checks: Check[] = [];
  let history: LedgerHistory | undefined;
  checks.push(
    await check("history", "queue without gaps, roots recomputed, each nullifier once", async () => {
      ({ history } = await readLedger(chain, at));
      const { openings, spendings, leaves, inserted } = history;
      return `${openings.size} accounts, ${spendings.size} notes spent, ${leaves.size} leaves, ${inserted} nodes`;
    }),
  );
  if (history === undefined) return { accepted: false, block: at, checks };
  const known = history;
  const posted = await chain.snapshots(0, at);
  checks.push(
    await check("snapshots", "the roots that the published inputs give, epoch by epoch", () =>
      checkSnapshots(posted),
    ),
    await check("references", "posted snapshots only", () => checkReferences(known, posted)),
  );
  const auctionEvents = await chain.auctionEvents(0, at);
  checks.push(
    await check("reveals", "openings of the notes at their places", () => checkReveals(known, auctionEvents)),
  );
  const [fundEvents, custody] = await Promise.all([chain.fundEvents(0, at), chain.custodyEvents(0, at)]);
  let fund: FundAccounts | undefined;
  checks.push(
    await check("fund", "never more paid than there was", () => {
      fund = fundAccounts(fundEvents);
      return `balance ${fund.balance}, uncovered ${fund.uncovered}, claims ${fund.claims} micro-USDC`;
    }),
  );
  if (fund === undefined) return { accepted: false, block: at, checks };
  const accounts = fund;
  checks.push(await check("takeOvers", "the fund's events agree", () => checkTakeOvers(known, accounts)));
  let assets: AssetClaims[] = [];
  checks.push(
    await check("assets", "flows of listed assets only", () => {
      assets = assetClaims(known, custody, accounts);
      return `${assets.length} assets`;
    }),
  );
  for (const claims of assets) {
    const held = await chain.balanceOf(claims.token, "ledger", at);
    const name = claims.asset === 0n ? "holdings of cash" : `holdings of asset ${claims.asset}`;
    checks.push(await check(name, "tokens for every claim", () => checkHolding(claims, held)));
  }
  const [cash] = assets;
  if (cash === undefined) return { accepted: false, block: at, checks };
  const inFund = await chain.balanceOf(cash.token, "fund", at);
  checks.push(
    await check("holdings of the fund", "its balance and what it must pay out", () => {
      const due = accounts.balance + accounts.collectable;
      ensure(
        inFund >= due,
        "audit.fundHoldings",
        `fund: ${inFund} micro-USDC held, expected at least ${due}`,
      );
      return `${inFund} micro-USDC held for ${due}`;
    }),
  );
  return { accepted: checks.every(({ passed }) => passed), block: at, checks };
}
