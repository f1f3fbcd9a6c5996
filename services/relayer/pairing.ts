import type { Sql } from "../store/store.ts";

/*
 * The two sides of a trade find each other by its tag. They must be opposite, proven on the same snapshot, of different notes, and there
 * must be a sender whom both terms admit. Once paired they go together or not at all.
 */

/**
 * Pairs a side that is waiting with the oldest one that fits, and queues both; without one it goes on waiting. In the caller's transaction,
 * in which others that bring sides of this trade wait.
 * @returns the partner's id
 */
export async function pairOrWait(sql: Sql, id: string): Promise<string | undefined> {
  await sql.query(
    "SELECT pg_advisory_xact_lock(hashtextextended(trade_tag, 0)) FROM submission WHERE id = $1",
    [id],
  );
  const [partner] = await sql.query<{ id: string }>(
    `SELECT other.id FROM submission one JOIN submission other ON other.trade_tag = one.trade_tag
     WHERE one.id = $1 AND one.state = 'waiting' AND other.state = 'waiting' AND other.id <> one.id
       AND one.side IN (0, 1) AND other.side = 1 - one.side
       AND other.snapshot_root = one.snapshot_root
       AND (other.relayer IS NULL OR one.relayer IS NULL OR other.relayer = one.relayer)
       AND NOT other.spends && one.spends
     ORDER BY other.received_at, other.id LIMIT 1 FOR UPDATE OF other`,
    [id],
  );
  if (partner === undefined) return undefined;
  for (const [one, other] of [
    [id, partner.id],
    [partner.id, id],
  ]) {
    await sql.query("UPDATE submission SET state = 'queued', partner = $2 WHERE id = $1", [one, other]);
  }
  return partner.id;
}
