import type { Block } from "ethers";
import { changing, recordChanges } from "./changes.ts";
import type { EngineContext } from "./context.ts";
import { type ClaimedRow, claimedFrom, type Judged, judge, recordJudged } from "./outcomes.ts";
import type { Refusal } from "./refusals.ts";

/*
 * What is left lying: items whose time is over, and what processes that died had claimed or sent.
 */

/** How long after a key's lease ran out its transactions are no longer counted on. */
const ABANDONED_MS = 60_000;

/**
 * Gives back what was claimed for transactions that were never signed: by this process before it failed, and by holders whose lease ran out.
 * Call it while this process has nothing under way. What dead holders sent and nobody mined is queued again, too: the ledger takes an item
 * once, whichever transaction comes first.
 */
export async function releaseDead({ store, sender, lease }: EngineContext): Promise<void> {
  await changing(store, async (sql) => {
    const formed = await sql.query<{ id: unknown }>(
      `DELETE FROM outgoing WHERE state = 'formed' AND ((sender = $1 AND $2) OR sender NOT IN
         (SELECT address FROM sender_lease WHERE expires_at > now())) RETURNING id`,
      [sender, lease.isHeld],
    );
    await sql.query(
      "UPDATE submission SET outgoing = NULL WHERE outgoing = ANY ($1::bigint[]) AND state = 'queued'",
      [formed.map(({ id }) => String(id))],
    );
    const dead = await sql.query<{ id: unknown; purpose: string }>(
      `SELECT outgoing.id, purpose FROM outgoing JOIN sender_lease ON sender_lease.address = outgoing.sender
       WHERE outgoing.state = 'open' AND sender <> $1 AND expires_at < now() - $2::float8 * interval '1 millisecond'`,
      [sender, ABANDONED_MS],
    );
    await sql.query(
      "UPDATE outgoing SET node_index = NULL, changed_at = now() WHERE node_index IS NOT NULL AND id = ANY ($1::bigint[])",
      [dead.map(({ id }) => String(id))],
    );
    const requeued = await sql.query<{ id: string }>(
      "UPDATE submission SET state = 'queued', outgoing = NULL WHERE state = 'sent' AND outgoing = ANY ($1::bigint[]) AND (relayer IS NULL OR relayer = $2) RETURNING id",
      [dead.map(({ id }) => String(id)), sender],
    );
    await recordChanges(
      sql,
      requeued.map(({ id }) => id),
    );
  });
}

/** Ends items that wait and whose deadline has passed or whose snapshot is too old: at no cost to their owners. */
export async function expireWaiting(context: EngineContext, head: Block): Promise<void> {
  const { store, rules } = context;
  const rows = await store.query<
    Omit<ClaimedRow, "item"> & { state: string; deadline: unknown; snapshot_root: string | null }
  >(
    // Not the items: they are long, and many may wait.
    `SELECT id, partner, failures, absent_at, state, deadline, snapshot_root FROM submission
     WHERE state = 'waiting' OR (state = 'queued' AND outgoing IS NULL AND deadline < $1)`,
    [head.timestamp],
  );
  const stale = await staleSnapshots(context, head, [
    ...new Set(
      rows.flatMap(({ state, snapshot_root }) => (state === "waiting" ? [snapshot_root ?? "0"] : [])),
    ),
  ]);
  const judged: Judged[] = [];
  for (const row of rows) {
    const refusal: Refusal | undefined =
      BigInt(row.deadline as string) < BigInt(head.timestamp)
        ? { rule: "ledger.DeadlinePassed", message: `deadline is ${row.deadline}` }
        : stale.get(row.snapshot_root ?? "0");
    if (refusal === undefined) continue;
    const [{ item }] = (await store.query("SELECT item FROM submission WHERE id = $1", [row.id])) as [
      { item: string },
    ];
    const claimed = claimedFrom({ ...row, item });
    judged.push((await appliedElsewhere(context, claimed)) ?? { claimed, refusal, outcome: "expired" });
  }
  if (judged.length === 0) return;
  await changing(store, async (sql) => {
    const still = await sql.query<{ id: string }>(
      "SELECT id FROM submission WHERE id = ANY ($1::text[]) AND outgoing IS NULL AND state IN ('waiting', 'queued') FOR UPDATE",
      [judged.map(({ claimed }) => claimed.id)],
    );
    const ids = new Set(still.map(({ id }) => id));
    const ending = judged.filter(({ claimed }) => ids.has(claimed.id));
    await recordChanges(sql, await recordJudged(sql, ending, rules.patienceMs));
  });
}

/** An item that expires here may have been put on the chain by its owner. */
async function appliedElsewhere(
  context: EngineContext,
  claimed: Judged["claimed"],
): Promise<Judged | undefined> {
  const { deployed, within } = context;
  const { item } = claimed;
  const isTaken =
    item.kind === "opening"
      ? await within(() => deployed.ledger.isTagUsed(item.opening.signals.accountTag))
      : await within(() =>
          deployed.ledger.isSpent(
            item.kind === "transition"
              ? item.transition.signals.nullifier
              : item.takeOver.signals.keeperNullifier,
          ),
        );
  if (!isTaken) return undefined;
  const found = await judge(
    context,
    { ...claimed, failures: 1 },
    {
      rule: item.kind === "opening" ? "ledger.AccountTagUsed" : "ledger.NullifierSpent",
      message: "the note is spent",
    },
  );
  return found.outcome === "applied" ? found : undefined;
}

/** By snapshot root, why a side of a trade that was proven on it can never be admitted again. */
async function staleSnapshots(
  { deployed, within }: EngineContext,
  head: Block,
  roots: readonly string[],
): Promise<Map<string, Refusal>> {
  const stale = new Map<string, Refusal>();
  if (roots.length === 0) return stale;
  const { ledger, oracle } = deployed;
  const [staleAfter, grace] = await within(() =>
    Promise.all([ledger.STALE_AFTER(), ledger.PREVIOUS_GRACE()]),
  );
  const now = BigInt(head.timestamp);
  for (const root of roots) {
    const [found, newest] = await within(() => oracle.locate(BigInt(root)));
    const [epoch, latest]: bigint[] = [found.epoch, newest.epoch];
    const epochs = `epoch is ${epoch}, latestEpoch is ${latest}`;
    if (epoch === 0n) continue;
    if (now > found.time + staleAfter) {
      stale.set(root, { rule: "ledger.SnapshotStale", message: `staleSince is ${found.time + staleAfter}` });
    } else if ((epoch as bigint) + 1n < (latest as bigint)) {
      stale.set(root, { rule: "ledger.SnapshotNotLatest", message: epochs });
    } else if (epoch !== latest && (!newest.steady || now > newest.postedAt + grace)) {
      stale.set(root, { rule: "ledger.PreviousSnapshotRefused", message: epochs });
    }
  }
  return stale;
}

/** Days for which what is done with is kept. */
const KEPT_DAYS = 30;
/** Rows that are forgotten in one statement: others work meanwhile. */
const FORGOTTEN_AT_ONCE = 500;

const OLD = `now() - ${KEPT_DAYS} * interval '1 day'`;

const FORGETTING = [
  `WITH gone AS (DELETE FROM submission WHERE id IN
     (SELECT id FROM submission WHERE state IN ('final', 'refused', 'expired') AND changed_at < ${OLD} LIMIT $1) RETURNING id),
   changes AS (DELETE FROM submission_change USING gone WHERE submission_change.submission = gone.id)
   SELECT id FROM gone`,
  // A key's latest transaction tells the next nonce.
  `DELETE FROM outgoing WHERE id IN (SELECT id FROM outgoing WHERE state IN ('final', 'lost') AND changed_at < ${OLD}
     AND id NOT IN (SELECT max(id) FROM outgoing GROUP BY sender) LIMIT $1) RETURNING id`,
  `DELETE FROM insertion WHERE digest IN (SELECT digest FROM insertion WHERE created_at < ${OLD} LIMIT $1) RETURNING digest`,
];

/** Forgets what has long been done with: submissions with all their changes, transactions, proofs. */
export async function forgetOld({ store }: Pick<EngineContext, "store">): Promise<void> {
  for (const statement of FORGETTING) {
    let gone: unknown[];
    do gone = await store.query(statement, [FORGOTTEN_AT_ONCE]);
    while (gone.length === FORGOTTEN_AT_ONCE);
  }
}

/** Lets the embedded database use the space of rows that are gone again; a server does that by itself. */
export async function reclaimSpace({ store }: Pick<EngineContext, "store">): Promise<void> {
  if (store.isExclusive) await store.query("VACUUM (ANALYZE)");
}
