import type { Sql } from "../store/store.ts";
import { type Applied, findApplied } from "./applied.ts";
import type { EngineContext } from "./context.ts";
import { itemOf } from "./itemText.ts";
import { end, holdBack, type Refusal, strand, verdictOf } from "./refusals.ts";
import type { Item } from "./submissions.ts";

/*
 * What becomes of items that the chain refused or applied. First the chain is asked what there is to know; then all is written in one
 * transaction.
 */

/** An item as a batch holds it. */
export interface Claimed {
  id: string;
  item: Item;
  /** The other side of its trade. */
  partner?: string;
  failures: number;
  /** A height of the chain at which it was not there. */
  absentAt?: number;
}

/** Columns of a {@link ClaimedRow}. */
export const CLAIMED_COLUMNS =
  "submission.id, submission.item, submission.partner, submission.failures, submission.absent_at";

export interface ClaimedRow {
  id: string;
  item: string;
  partner: string | null;
  failures: number;
  absent_at: unknown;
}

export function claimedFrom({ id, item, partner, failures, absent_at }: ClaimedRow): Claimed {
  return {
    ...{ id, item: itemOf(item), failures },
    ...(partner === null ? {} : { partner }),
    ...(absent_at === null ? {} : { absentAt: Number(absent_at) }),
  };
}

/** A refused item, and what that means. */
export interface Judged {
  claimed: Claimed;
  refusal: Refusal;
  /** It is on the chain already. */
  applied?: Applied;
  /** `later`: the same item may be accepted yet; `stranded`: it is good, and the other side of its trade has ended. */
  outcome: "applied" | "refused" | "expired" | "later" | "stranded";
}

/** Those whose submissions are among these rows. */
export function among(judged: readonly Judged[], rows: readonly { id: string }[]): Judged[] {
  const ids = new Set(rows.map(({ id }) => id));
  return judged.filter(({ claimed }) => ids.has(claimed.id));
}

/** Finds out what a refusal means for one item. A note that looks spent is looked at twice before that is an answer. */
export async function judge(context: EngineContext, claimed: Claimed, refusal: Refusal): Promise<Judged> {
  if (refusal.rule === "ledger.PartnerMissing") return { claimed, refusal, outcome: "stranded" };
  const verdict = verdictOf(refusal);
  if (verdict !== "spent") return { claimed, refusal, outcome: verdict };
  const applied = await findApplied(context, claimed.item, claimed.absentAt);
  if (applied !== undefined) return { claimed, refusal, applied, outcome: "applied" };
  return { claimed, refusal, outcome: claimed.failures > 0 ? "refused" : "later" };
}

/** An item is on the chain. What was found to be so counts, whatever was thought of the item before. */
export async function recordApplied(
  sql: Sql,
  id: string,
  { transaction, block, blockHash, leafIndex }: Applied,
  outgoing: string | null,
): Promise<void> {
  await sql.query(
    `UPDATE submission SET state = 'mined', transaction = $2, block = $3, block_hash = $4, leaf_index = $5, outgoing = $6,
       rule = NULL, message = NULL, not_before = NULL, doubted_at = NULL, failures = 0
     WHERE id = $1 AND state <> 'final'`,
    [id, transaction, block, blockHash, String(leafIndex), outgoing],
  );
}

/**
 * Writes what became of refused items. A side of a trade whose partner ended waits for another side.
 * @returns ids of all whose state was set, to be recorded
 */
export async function recordJudged(
  sql: Sql,
  judged: readonly Judged[],
  patienceMs: number,
): Promise<string[]> {
  const changed = judged.map(({ claimed }) => claimed.id);
  for (const { claimed, refusal, applied, outcome } of judged) {
    const { id } = claimed;
    if (outcome === "applied") await recordApplied(sql, id, applied as Applied, null);
    else if (outcome === "later") await holdBack(sql, id, refusal, patienceMs);
    else if (outcome === "stranded") changed.push(...(await strand(sql, [id])));
    else await end(sql, id, outcome, refusal);
  }
  const partners = judged.flatMap(({ claimed }) => [claimed.id, claimed.partner ?? claimed.id]);
  const alone = await sql.query<{ id: string }>(
    `SELECT one.id FROM submission one JOIN submission other ON other.id = one.partner
     WHERE one.id = ANY ($1::text[]) AND one.state = 'queued' AND other.state IN ('refused', 'expired')`,
    [partners],
  );
  changed.push(
    ...(await strand(
      sql,
      alone.map(({ id }) => id),
    )),
  );
  return changed;
}
