import type { TransactionReceipt } from "ethers";
import { contractRefusal } from "../chain/revert.ts";
import type { Sql } from "../store/store.ts";
import { appliedIn } from "./applied.ts";
import { changing, recordChanges } from "./changes.ts";
import type { EngineContext } from "./context.ts";
import {
  among,
  CLAIMED_COLUMNS,
  type Claimed,
  type ClaimedRow,
  claimedFrom,
  type Judged,
  judge,
  recordApplied,
  recordJudged,
} from "./outcomes.ts";
import { REVERTED } from "./refusals.ts";

/*
 * Following what was sent: which transactions are in a block, what the block did with their items, whether the block is still part of the
 * chain, and when it is old enough to count as final. What the chain says is what counts, however an item got there.
 */

/** What is remembered between looks. */
export interface FollowMemory {
  /** Transactions whose nonce is used up although no attempt is in a block: when that was first seen, wall clock. */
  missing: Map<string, number>;
  /** Hashes of blocks at whose height the chain has none: when that was first seen, wall clock. */
  absent: Map<string, number>;
}

/** How long a chain must be too short for a block before the block counts as replaced. */
const SHORTER_AFTER_MS = 2_000;

/** A key's open transactions are the business of whoever holds its lease, and of everybody when nobody does. */
const OURS = `(outgoing.sender = $1 OR outgoing.sender NOT IN (SELECT address FROM sender_lease WHERE expires_at > now()))`;

/** Looks at all that is sent and not final. Returns whether something changed. */
export async function follow(context: EngineContext, head: number, memory: FollowMemory): Promise<boolean> {
  const changes = [await confirm(context, head, memory), await find(context, head, memory)];
  return changes.includes(true);
}

/** Looks for the blocks of open transactions. */
async function find(context: EngineContext, head: number, { missing }: FollowMemory): Promise<boolean> {
  const { store, sender, deployed, rules, within, log } = context;
  const rows = await store.query<{ id: unknown; sender: string; nonce: unknown; hashes: string[] }>(
    `SELECT outgoing.id, outgoing.sender, outgoing.nonce, array_agg(attempt.hash ORDER BY attempt.created_at DESC) AS hashes
     FROM outgoing JOIN attempt ON attempt.outgoing = outgoing.id
     WHERE outgoing.state = 'open' AND ${OURS} GROUP BY outgoing.id ORDER BY outgoing.nonce`,
    [sender],
  );
  let changed = false;
  const used = new Map<string, number>();
  for (const row of rows) {
    const id = String(row.id);
    const nonce = Number(row.nonce);
    if (!used.has(row.sender))
      used.set(row.sender, await within(() => deployed.provider.getTransactionCount(row.sender, "latest")));
    if ((used.get(row.sender) as number) <= nonce) {
      missing.delete(id);
      continue;
    }
    let receipt: TransactionReceipt | null = null;
    for (const hash of row.hashes) {
      receipt ??= await within(() => deployed.provider.getTransactionReceipt(hash));
    }
    if (receipt !== null) {
      missing.delete(id);
      await context.stage("mined", { outgoing: id, transaction: receipt.hash, block: receipt.blockNumber });
      changed = (await recordReceipt(context, id, receipt)) || changed;
      continue;
    }
    const since = missing.get(id) ?? Date.now();
    missing.set(id, since);
    const settled = head - rules.confirmations;
    if (Date.now() - since < rules.lostAfterMs || settled < 0) continue;
    if ((await within(() => deployed.provider.getTransactionCount(row.sender, settled))) <= nonce) continue;
    log.warn({ outgoing: id, nonce }, "another transaction of this key took the nonce");
    missing.delete(id);
    await lose(context, id);
    changed = true;
  }
  return changed;
}

/** A transaction can no longer be mined: its items are queued again. */
async function lose({ store }: EngineContext, id: string): Promise<void> {
  await changing(store, async (sql) => {
    await sql.query(
      "UPDATE outgoing SET state = 'lost', changed_at = now() WHERE id = $1 AND state = 'open'",
      [id],
    );
    const rows = await sql.query<{ id: string }>(
      "UPDATE submission SET state = 'queued', outgoing = NULL WHERE outgoing = $1 AND state = 'sent' RETURNING id",
      [id],
    );
    await recordChanges(
      sql,
      rows.map((row) => row.id),
    );
  });
}

/** Writes what a block did with a transaction and its items. */
async function recordReceipt(
  context: EngineContext,
  id: string,
  receipt: TransactionReceipt,
): Promise<boolean> {
  const { store, deployed, log, rules } = context;
  const face = deployed.ledger.interface;
  const rows = await store.query<
    ClaimedRow & { kind: number; place: number; current: unknown; state: string }
  >(
    `SELECT ${CLAIMED_COLUMNS}, submission.outgoing AS current, submission.state, outgoing_item.kind, outgoing_item.place
     FROM outgoing_item JOIN submission ON submission.id = outgoing_item.submission WHERE outgoing_item.outgoing = $1`,
    [id],
  );
  const logs = receipt.logs.filter(
    ({ address }) => address.toLowerCase() === deployed.deployment.ledger.toLowerCase(),
  );
  const skips = new Map<string, string>();
  for (const entry of logs) {
    const event = face.parseLog(entry);
    if (event?.name === "Skipped") skips.set(`${event.args.kind}.${event.args.index}`, event.args.reason);
  }
  const { hash: transaction, blockNumber: block, blockHash } = receipt;
  const applied: { claimed: Claimed; leafIndex: bigint }[] = [];
  const judged: Judged[] = [];
  for (const row of rows) {
    const claimed = claimedFrom(row);
    const leafIndex = logs
      .map((entry) => appliedIn(face, entry, claimed.item))
      .find((place) => place !== undefined);
    if (leafIndex !== undefined) {
      applied.push({ claimed, leafIndex });
      continue;
    }
    // Another transaction has it now, or it was settled otherwise.
    if (String(row.current) !== id || row.state === "mined" || row.state === "final") continue;
    const reason = skips.get(`${row.kind}.${row.place}`);
    const refusal = (reason === undefined ? undefined : contractRefusal({ data: reason })) ?? {
      rule: REVERTED,
      message: "the batch was reverted",
    };
    // The sides of a trade are skipped for the fault of one; the next look at them tells whose.
    judged.push(
      claimed.partner === undefined
        ? await judge(context, claimed, refusal)
        : { claimed, refusal, outcome: "later" },
    );
  }
  const isRecorded = await changing(store, async (sql) => {
    const [mined] = await sql.query(
      // One that reverted did nothing about its node of the tree.
      `UPDATE outgoing SET state = 'mined', transaction = $2, block = $3, block_hash = $4, gas_used = $5, changed_at = now(),
         node_index = CASE WHEN $6 THEN node_index ELSE NULL END
       WHERE id = $1 AND state = 'open' RETURNING id`,
      [id, transaction, block, blockHash, String(receipt.gasUsed), receipt.status === 1],
    );
    if (mined === undefined) return false;
    for (const { claimed, leafIndex } of applied) {
      await recordApplied(sql, claimed.id, { transaction, block, blockHash, leafIndex }, id);
    }
    const ours = await sql.query<{ id: string }>(
      // A batch that reverted is no item's fault in particular; who is skipped passed its simulation and cost gas all the same.
      "UPDATE submission SET skips = skips + CASE WHEN $3 THEN 1 ELSE 0 END WHERE outgoing = $1 AND id = ANY ($2::text[]) RETURNING id",
      [id, judged.map(({ claimed }) => claimed.id), receipt.status === 1],
    );
    const changed = await recordJudged(sql, among(judged, ours), rules.patienceMs);
    await recordChanges(sql, [...applied.map(({ claimed }) => claimed.id), ...changed]);
    return true;
  });
  if (!isRecorded) return false;
  log.info(
    {
      outgoing: id,
      transaction,
      block,
      gas: Number(receipt.gasUsed),
      applied: applied.length,
      skipped: judged.length,
    },
    receipt.status === 1 ? "mined" : "mined and reverted",
  );
  await context.stage("recorded", { outgoing: id, transaction, block });
  return true;
}

/** Looks whether the blocks of mined transactions and items are still in the chain, and deep enough to be final. */
async function confirm(context: EngineContext, head: number, { absent }: FollowMemory): Promise<boolean> {
  const { store, sender } = context;
  const blocks = await store.query<{ block: unknown; block_hash: string }>(
    `SELECT DISTINCT block, block_hash FROM outgoing WHERE state = 'mined' AND ${OURS}
     UNION SELECT DISTINCT block, block_hash FROM submission WHERE state = 'mined'`,
    [sender],
  );
  let changed = false;
  const failures: unknown[] = [];
  for (const { block_hash: hash, ...row } of blocks) {
    try {
      changed = (await confirmBlock(context, head, Number(row.block), hash, absent)) || changed;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return changed;
}

async function confirmBlock(
  { store, deployed, rules, within, log }: EngineContext,
  head: number,
  number: number,
  hash: string,
  absent: FollowMemory["absent"],
): Promise<boolean> {
  const block = await within(() => deployed.provider.getBlock(number));
  if (block === null) {
    // The node is behind, or the chain is shorter than it was: the first passes.
    const since = absent.get(hash) ?? Date.now();
    absent.set(hash, since);
    if (Date.now() - since < SHORTER_AFTER_MS) return false;
  }
  absent.delete(hash);
  if (block?.hash === hash) {
    if (head - number + 1 < rules.confirmations) return false;
    await changing(store, (sql) => finish(sql, hash));
  } else {
    log.warn({ block: number }, "a block was replaced; its transactions are sent again");
    await changing(store, (sql) => reopen(sql, hash));
  }
  return true;
}

/** A block is deep enough: what it did is final. */
async function finish(sql: Sql, blockHash: string): Promise<void> {
  await sql.query(
    "UPDATE outgoing SET state = 'final', changed_at = now() WHERE state = 'mined' AND block_hash = $1",
    [blockHash],
  );
  const rows = await sql.query<{ id: string }>(
    "UPDATE submission SET state = 'final' WHERE state = 'mined' AND block_hash = $1 RETURNING id",
    [blockHash],
  );
  await recordChanges(
    sql,
    rows.map(({ id }) => id),
  );
}

/**
 * A block is no longer in the chain. Its transactions may be mined again, by being shown to the node again, and what they then do with
 * their items may be something else; items that others had put there are queued. Where another transaction about the same node of the tree
 * is under way by now, the one of the block is no longer about it: it is sent again because later ones wait for its nonce.
 */
async function reopen(sql: Sql, blockHash: string): Promise<void> {
  const reopened = await sql.query<{ id: unknown }>(
    `UPDATE outgoing SET state = 'open', transaction = NULL, block = NULL, block_hash = NULL, gas_used = NULL, changed_at = now(),
       node_index = CASE WHEN EXISTS (
         SELECT 1 FROM outgoing other WHERE other.purpose = outgoing.purpose AND other.node_index = outgoing.node_index
           AND other.id <> outgoing.id AND other.state IN ('formed', 'open')) THEN NULL ELSE node_index END
     WHERE state = 'mined' AND block_hash = $1 RETURNING id`,
    [blockHash],
  );
  const ids = reopened.map(({ id }) => String(id));
  // Whom the block skipped it did not skip.
  await sql.query(
    `UPDATE submission SET skips = skips - 1 WHERE skips > 0 AND NOT (state = 'mined' AND outgoing = ANY ($1::bigint[]))
       AND id IN (SELECT submission FROM outgoing_item WHERE outgoing = ANY ($1::bigint[]))`,
    [ids],
  );
  const sent = await sql.query<{ id: string }>(
    `UPDATE submission SET state = 'sent', transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL, rule = NULL, message = NULL
     WHERE outgoing = ANY ($1::bigint[]) AND state IN ('mined', 'refused', 'expired') RETURNING id`,
    [ids],
  );
  const queued = await sql.query<{ id: string }>(
    `UPDATE submission SET state = 'queued', transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL
     WHERE state = 'mined' AND block_hash = $1 RETURNING id`,
    [blockHash],
  );
  await recordChanges(
    sql,
    [...sent, ...queued].map(({ id }) => id),
  );
}

/**
 * Puts back in line what has a nonce that the chain has not used, below or beyond what is open: transactions that were final and whose
 * blocks were replaced all the same, and such as were given up. Without them nothing after them could be mined. Whether one is missing
 * must hold for a while: nodes behind one address differ.
 */
export async function refill(context: EngineContext, { missing }: FollowMemory): Promise<void> {
  const { store, sender, deployed, rules, within, log } = context;
  const used = await within(() => deployed.provider.getTransactionCount(sender, "latest"));
  const gaps = await store.query<{ id: unknown; state: string }>(
    `SELECT DISTINCT ON (nonce) id, state FROM outgoing WHERE sender = $1 AND nonce >= $2 AND state IN ('final', 'lost')
       AND NOT EXISTS (SELECT 1 FROM outgoing other WHERE other.sender = $1 AND other.nonce = outgoing.nonce
         AND other.state IN ('open', 'mined'))
     ORDER BY nonce, state, id DESC`,
    [sender, used],
  );
  const key = `gap ${used}`;
  if (gaps.length === 0) {
    missing.delete(key);
    return;
  }
  const since = missing.get(key) ?? Date.now();
  missing.set(key, since);
  if (Date.now() - since < rules.lostAfterMs) return;
  missing.delete(key);
  log.error(
    { transactions: gaps.length, nonce: used },
    "final transactions are no longer on the chain; sent again",
  );
  await changing(store, async (sql) => {
    const ids = gaps.map(({ id }) => String(id));
    await sql.query(
      `UPDATE outgoing SET state = 'open', node_index = NULL, transaction = NULL, block = NULL, block_hash = NULL, gas_used = NULL,
         changed_at = now() WHERE id = ANY ($1::bigint[]) AND state IN ('final', 'lost')`,
      [ids],
    );
    const rows = await sql.query<{ id: string }>(
      `UPDATE submission SET state = 'sent', transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL, rule = NULL, message = NULL
       WHERE outgoing = ANY ($1::bigint[]) AND state = 'final' RETURNING id`,
      [ids],
    );
    await recordChanges(
      sql,
      rows.map(({ id }) => id),
    );
  });
}
