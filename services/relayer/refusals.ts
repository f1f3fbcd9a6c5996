import type { Sql } from "../store/store.ts";
import { pairOrWait } from "./pairing.ts";
import type { SubmissionState } from "./submissions.ts";

/*
 * What a refusal by the contracts means for an item: whether the same item can still be accepted later, and so what becomes of it.
 */

export interface Refusal {
  rule: string;
  message: string;
}

/** Time has passed over these for ever: the item was good once. */
const EXPIRED = new Set([
  "ledger.DeadlinePassed",
  "ledger.SnapshotNotLatest",
  "ledger.PreviousSnapshotRefused",
  "ledger.SnapshotStale",
  "ledger.WindingDown",
]);

/** No state of the ledger would admit the same item, or no relayer would send it. */
const NEVER = new Set([
  "relayer.payer",
  "ledger.FeeAboveCap",
  "ledger.RecipientMissing",
  "ledger.SignalNotInField",
  "ledger.InvalidLeaf",
  "ledger.UnknownMode",
  "ledger.NotTheRelayer",
  "ledger.NotATrade",
  "ledger.TradeTagsDiffer",
  "ledger.SidesNotOpposite",
  "ledger.SnapshotsDiffer",
  "ledger.ProofRejected",
  "ledger.BatchProofRejected",
  "ledger.InvalidAsset",
  "ledger.AmountTooLarge",
  "ledger.TreeFull",
]);

/** The ledger has taken this note or account number. Perhaps by this very item: the chain's events tell. */
const SPENT = new Set(["ledger.NullifierSpent", "ledger.AccountTagUsed"]);

/** `spent`: look for the item on the chain; `later`: may be accepted yet. */
export type Verdict = "expired" | "refused" | "spent" | "later";

/** What a rule means. Epochs only grow, so that an opening of a past one has expired, and one of a coming one has not. */
export function verdictOf({ rule, message }: Refusal): Verdict {
  if (EXPIRED.has(rule)) return "expired";
  if (NEVER.has(rule)) return "refused";
  if (SPENT.has(rule)) return "spent";
  if (rule === "ledger.EpochNotLatest") {
    const [epoch, latest] = [...message.matchAll(/\d+/g)].map(([digits]) => BigInt(digits));
    if (epoch !== undefined && latest !== undefined && epoch <= latest) return "expired";
  }
  return "later";
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/** Rule of an item whose batch was reverted in a block. */
export const REVERTED = "chain.reverted";
/** How often that may happen to an item: each time costs the relayer its gas. */
const MOST_REVERTS = 4;
/** How often an item may be skipped in a block after it was found good: each time costs the relayer gas and brings no fee. */
export const MOST_SKIPS = 2;

/** Queues an item again that the contracts refuse now and may take later; after `patienceMs` of that, or when it costs too much gas, it is refused. */
export async function holdBack(
  sql: Sql,
  id: string,
  { rule, message }: Refusal,
  patienceMs: number,
): Promise<void> {
  const [row] = await sql.query<{ overdue: boolean; failures: number; skips: number }>(
    `UPDATE submission SET state = 'queued', outgoing = NULL, rule = $2, message = $3, failures = failures + 1,
       transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL,
       doubted_at = coalesce(doubted_at, now()),
       not_before = now() + least($4::float8 * 2 ^ least(failures, 10), $5::float8) * interval '1 millisecond'
     WHERE id = $1 AND state IN ('queued', 'sent')
     RETURNING doubted_at < now() - $6::float8 * interval '1 millisecond' AS overdue, failures, skips`,
    [id, rule, message, FIRST_WAIT_MS, LONGEST_WAIT_MS, patienceMs],
  );
  if (row === undefined) return;
  const isCostly = (rule === REVERTED && row.failures > MOST_REVERTS) || row.skips > MOST_SKIPS;
  if (row.overdue || isCostly) await end(sql, id, "refused", { rule, message });
}

/** Ends an item, unless it is on the chain by now. */
export async function end(
  sql: Sql,
  id: string,
  state: "refused" | "expired",
  { rule, message }: Refusal,
): Promise<void> {
  await sql.query(
    `UPDATE submission SET state = $2, rule = $3, message = $4, transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL
     WHERE id = $1 AND state IN ('waiting', 'queued', 'sent')`,
    [id, state, rule, message],
  );
}

/**
 * Puts sides of trades that lost their partner back to waiting; one that finds another side is queued with it.
 * @returns ids of all that changed
 */
export async function strand(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const changed: string[] = [];
  for (const id of ids) {
    const [row] = await sql.query<{ state: SubmissionState }>(
      `UPDATE submission SET state = 'waiting', partner = NULL, outgoing = NULL, not_before = NULL, rule = NULL, message = NULL,
         transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL
       WHERE id = $1 AND trade_tag IS NOT NULL AND state IN ('queued', 'sent') RETURNING state`,
      [id],
    );
    if (row === undefined) continue;
    changed.push(id);
    const partner = await pairOrWait(sql, id);
    if (partner !== undefined) changed.push(partner);
  }
  return changed;
}
