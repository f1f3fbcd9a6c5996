import { setTimeout as sleep } from "node:timers/promises";
import type { Sql, Store } from "../store/store.ts";

/*
 * The record of changes. Every change of a submission's state gets the next number, and becomes visible after all lower ones: whoever has
 * seen number n and asks for those above misses none.
 */

/** Whoever records changes holds this until its transaction ends. */
const CHANGE_LOCK = 7_301_002;

/**
 * Gives the present states of submissions the next numbers. Call it once, last in the transaction, through {@link changing}; `ids` are those
 * whose state was set. Those whose state is as recorded already get none.
 */
export async function recordChanges(sql: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql.query("SELECT pg_advisory_xact_lock($1)", [CHANGE_LOCK]);
  for (const id of new Set(ids)) {
    await sql.query(
      `WITH changed AS (
         UPDATE submission SET sequence = nextval('submission_sequence'), changed_at = now()
         WHERE id = $1 AND NOT EXISTS (
           SELECT 1 FROM submission_change last WHERE last.sequence = submission.sequence AND last.state = submission.state
             AND last.rule IS NOT DISTINCT FROM submission.rule AND last.transaction IS NOT DISTINCT FROM submission.transaction
             AND last.block IS NOT DISTINCT FROM submission.block)
         RETURNING *)
       INSERT INTO submission_change (sequence, submission, state, rule, message, transaction, block, leaf_index)
       SELECT sequence, id, state, rule, message, transaction, block, leaf_index FROM changed`,
      [id],
    );
  }
}

interface Watch {
  listeners: Set<() => void>;
  seen: bigint | undefined;
  polling: boolean;
}

const watches = new WeakMap<Store, Watch>();
const POLL_MS = 500;

/** A transaction that changes submissions. Listeners of this process hear of it at once. */
export async function changing<T>(store: Store, work: (sql: Sql) => Promise<T>): Promise<T> {
  const result = await store.transaction(work);
  tell(store);
  return result;
}

function tell(store: Store): void {
  for (const listener of watches.get(store)?.listeners ?? []) listener();
}

/**
 * Calls `listener` after submissions changed: at once when this process changed them, within half a second when another did. It may be
 * called without need; what changed is read with `changesAfter`.
 * @returns what ends it
 */
export function onChange(store: Store, listener: () => void): () => void {
  let watch = watches.get(store);
  if (watch === undefined) {
    watch = { listeners: new Set(), seen: undefined, polling: false };
    watches.set(store, watch);
  }
  watch.listeners.add(listener);
  if (!watch.polling) void poll(store, watch);
  return () => watch.listeners.delete(listener);
}

async function poll(store: Store, watch: Watch): Promise<void> {
  watch.polling = true;
  while (watch.listeners.size > 0) {
    const latest = await store
      .query<{ latest: unknown }>("SELECT max(sequence) AS latest FROM submission_change")
      .then(([row]) => BigInt((row?.latest ?? 0) as string))
      // The database is away, or closed: the next look tells.
      .catch(() => watch.seen);
    if (latest !== watch.seen && watch.seen !== undefined) tell(store);
    watch.seen = latest;
    await sleep(POLL_MS, undefined, { ref: false });
  }
  watch.polling = false;
}
