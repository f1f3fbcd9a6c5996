import { keccak256 } from "ethers";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Sql } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import { refusalIn } from "./context.ts";
import { type Fees, raised, startingFees } from "./gasFees.ts";

/*
 * Transactions of a relayer's key. One has a row from the moment at which something is claimed for it. It gets a nonce when it is signed;
 * what was signed is stored before any node sees it, so that whoever goes on after a failure sends the same again and never another with
 * that nonce. More attempts differ in their fees alone.
 */

export type Purpose = "batch" | "seal" | "insertion";

/** `formed` claims something and is not signed; `open` may be mined; `mined` is in a block; `final`; `lost` can no longer be mined. */
export type OutgoingState = "formed" | "open" | "mined" | "final" | "lost";

export interface Outgoing {
  id: string;
  sender: string;
  purpose: Purpose;
  nonce: number;
}

/** Gas on top of what the node's estimate says, in percent: the state moves between estimate and inclusion. */
const GAS_MARGIN = 25n;

/** A new transaction that is to do something about a node of the state tree; undefined when one is under way. */
export async function formForNode(
  { lease, sender }: EngineContext,
  purpose: Purpose,
  nodeIndex: bigint,
): Promise<string | undefined> {
  const [row] = await lease.fenced((sql) =>
    sql.query<{ id: unknown }>(
      // One that is in a block counts until that block is final or replaced.
      `INSERT INTO outgoing (sender, purpose, node_index, state)
       SELECT $1::text, $2::text, $3::bigint, 'formed' WHERE NOT EXISTS
         (SELECT 1 FROM outgoing WHERE purpose = $2 AND node_index = $3::bigint AND state = 'mined')
       ON CONFLICT (purpose, node_index) WHERE state IN ('formed', 'open') AND node_index IS NOT NULL DO NOTHING RETURNING id`,
      [sender, purpose, String(nodeIndex)],
    ),
  );
  return row === undefined ? undefined : String(row.id);
}

/** Gives up a transaction that was not signed, and what it claimed. */
export async function abandon({ store }: EngineContext, id: string): Promise<void> {
  await store.transaction(async (sql) => {
    const [row] = await sql.query("DELETE FROM outgoing WHERE id = $1 AND state = 'formed' RETURNING id", [
      id,
    ]);
    if (row !== undefined)
      await sql.query("UPDATE submission SET outgoing = NULL WHERE outgoing = $1 AND state = 'queued'", [id]);
  });
}

/** Gas limit for a call of the ledger, or why it is refused. Throws when the node fails. */
export async function gasOf(
  { deployed, sender, within }: EngineContext,
  data: string,
): Promise<{ gasLimit: bigint } | { refusal: { rule: string; message: string } }> {
  try {
    const to = deployed.deployment.ledger;
    const gas = await within(() => deployed.provider.estimateGas({ from: sender, to, data }));
    return { gasLimit: (gas * (100n + GAS_MARGIN)) / 100n };
  } catch (error) {
    return { refusal: refusalIn(error) };
  }
}

/** Numbers of in-flight transactions of this key. */
export async function inFlight({ store, sender }: EngineContext): Promise<number> {
  const [row] = await store.query<{ count: unknown }>(
    "SELECT count(*) AS count FROM outgoing WHERE sender = $1 AND state = 'open'",
    [sender],
  );
  return Number(row?.count);
}

/**
 * Signs a formed transaction with the key's next nonce, stores it, and shows it to the node. `keep` stores in the same transaction what goes
 * with it, and throws to give it up. Only the last step may fail and still leave the transaction to be mined: it is repeated.
 */
export async function send(
  context: EngineContext,
  id: string,
  call: { data: string; gasLimit: bigint },
  keep: (sql: Sql) => Promise<void>,
): Promise<void> {
  const { deployed, lease, sender, stage, store, within } = context;
  const [row] = await store.query<{ next: unknown }>(
    "SELECT coalesce(max(nonce) + 1, 0) AS next FROM outgoing WHERE sender = $1 AND state <> 'lost'",
    [sender],
  );
  // What else is pending with this key nobody here knows: it is outbid or waited for, and leaves no gap when it vanishes.
  const used = await within(() => deployed.provider.getTransactionCount(sender, "latest"));
  const nonce = Math.max(Number(row?.next), used);
  const fees = await startingFees(context);
  const signed = await sign(context, nonce, call, fees);
  await stage("signed", { outgoing: id, nonce });
  await lease.fenced(async (sql) => {
    const [taken] = await sql.query(
      "SELECT 1 FROM outgoing WHERE sender = $1 AND nonce >= $2 AND state <> 'lost'",
      [sender, nonce],
    );
    ensure(taken === undefined, "sender.nonce", `nonce ${nonce}: used meanwhile, expected a free one`);
    const [stored] = await sql.query(
      `UPDATE outgoing SET state = 'open', nonce = $2, destination = $3, data = $4, gas_limit = $5, changed_at = now()
       WHERE id = $1 AND state = 'formed' RETURNING id`,
      [id, nonce, deployed.deployment.ledger, call.data, String(call.gasLimit)],
    );
    ensure(stored !== undefined, "sender.released", "transaction: what it claimed was released meanwhile");
    await keepAttempt(sql, id, signed, fees);
    await keep(sql);
  });
  await stage("stored", { outgoing: id, nonce, transaction: signed.hash });
  await broadcast(context, id, signed);
}

interface Signed {
  raw: string;
  hash: string;
}

async function sign(
  { deployed, signer }: EngineContext,
  nonce: number,
  { data, gasLimit }: { data: string; gasLimit: bigint },
  { maxFee, priorityFee }: Fees,
): Promise<Signed> {
  const { chainId, ledger } = deployed.deployment;
  const raw = await signer.signTransaction({
    type: 2,
    chainId,
    nonce,
    to: ledger,
    data,
    gasLimit,
    maxFeePerGas: maxFee,
    maxPriorityFeePerGas: priorityFee,
    value: 0n,
  });
  return { raw, hash: keccak256(raw) };
}

async function keepAttempt(sql: Sql, id: string, { raw, hash }: Signed, fees: Fees): Promise<void> {
  await sql.query(
    "INSERT INTO attempt (hash, outgoing, raw, max_fee, priority_fee) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING",
    [hash, id, raw, String(fees.maxFee), String(fees.priorityFee)],
  );
}

/**
 * Shows a stored transaction to the node. A node that fails or refuses is shown it again later: whether it was mined is seen elsewhere.
 * Returns why the node did not take it, if it did not.
 */
async function broadcast(
  context: EngineContext,
  id: string,
  { raw, hash }: Signed,
): Promise<{ reason: unknown } | undefined> {
  const { deployed, log, stage, within } = context;
  try {
    await within(() => deployed.provider.broadcastTransaction(raw), 1);
  } catch (error) {
    log.debug({ outgoing: id, transaction: hash, err: error }, "not taken");
    return { reason: error };
  }
  log.debug({ outgoing: id, transaction: hash }, "broadcast");
  await stage("broadcast", { outgoing: id, transaction: hash });
  return undefined;
}

/** What a node says of a transaction that it has, or that is mined. */
const HARMLESS = /already known|known transaction|already imported|nonce/i;

function isHarmless(error: unknown): boolean {
  const { message, info } = error as { message?: string; info?: { error?: { message?: string } } };
  return HARMLESS.test(info?.error?.message ?? message ?? "");
}

/** What is remembered of transactions between looks; losing it costs a broadcast. */
export interface PushMemory {
  /** When each transaction was last shown to the node, wall clock. */
  shown: Map<string, number>;
  /** Height of the chain when each attempt was first seen here. */
  height: Map<string, number>;
  /** Transactions of which it was said that no node takes them. */
  refused: Map<string, true>;
}

const SHOW_AGAIN_MS = 5_000;
/** How soon a node that did not take one is shown it again. */
const NOT_TAKEN_MS = 500;

/**
 * Shows open transactions to the node again, those of keys that nobody holds too, and raises the fees of this key's first one when it has
 * waited while blocks came.
 */
export async function push(context: EngineContext, head: number, memory: PushMemory): Promise<void> {
  const { store, sender, rules, lease, log } = context;
  const rows = await store.query<AttemptRow>(
    `SELECT DISTINCT ON (outgoing.id) outgoing.id, outgoing.sender, outgoing.nonce, outgoing.data, outgoing.gas_limit,
       attempt.hash, attempt.raw, attempt.max_fee, attempt.priority_fee,
       extract(epoch FROM now() - attempt.created_at) * 1000 AS age
     FROM outgoing JOIN attempt ON attempt.outgoing = outgoing.id
     WHERE outgoing.state = 'open' AND (outgoing.sender = $1 OR outgoing.sender NOT IN
       (SELECT address FROM sender_lease WHERE expires_at > now()))
     ORDER BY outgoing.id, attempt.max_fee DESC`,
    [sender],
  );
  const open = new Set(rows.map(({ hash }) => hash));
  for (const map of [memory.shown, memory.height, memory.refused]) {
    for (const hash of map.keys()) if (!open.has(hash)) map.delete(hash);
  }
  const first = rows
    .filter((row) => row.sender === sender)
    .toSorted((one, other) => Number(one.nonce) - Number(other.nonce))[0];
  for (const row of rows.toSorted((one, other) => Number(one.nonce) - Number(other.nonce))) {
    const { hash } = row;
    if (!memory.height.has(hash)) memory.height.set(hash, head);
    const mayBeStuck =
      row === first &&
      lease.isHeld &&
      Number(row.age) >= rules.bumpAfterMs &&
      head > (memory.height.get(hash) as number);
    if (mayBeStuck && (await isNext(context, row)) && (await bump(context, row))) continue;
    if (Date.now() - (memory.shown.get(hash) ?? 0) < SHOW_AGAIN_MS) continue;
    const refusal = await broadcast(context, String(row.id), row);
    memory.shown.set(hash, refusal === undefined ? Date.now() : Date.now() - SHOW_AGAIN_MS + NOT_TAKEN_MS);
    if (refusal === undefined || isHarmless(refusal.reason) || memory.refused.has(hash)) continue;
    memory.refused.set(hash, true);
    log.warn({ transaction: hash, nonce: Number(row.nonce), err: refusal.reason }, "not taken; shown again");
  }
}

/** Higher fees are of use to the transaction that is next in line alone. */
async function isNext({ deployed, within }: EngineContext, { sender, nonce }: AttemptRow): Promise<boolean> {
  return (await within(() => deployed.provider.getTransactionCount(sender, "latest"))) === Number(nonce);
}

interface AttemptRow extends Signed {
  id: unknown;
  sender: string;
  nonce: unknown;
  data: string;
  gas_limit: unknown;
  max_fee: string;
  priority_fee: string;
  age: unknown;
}

/** Signs a transaction again with higher fees. Returns false when the limit on fees does not admit it. */
async function bump(context: EngineContext, row: AttemptRow): Promise<boolean> {
  const { lease, log, rules } = context;
  const before = { maxFee: BigInt(row.max_fee), priorityFee: BigInt(row.priority_fee) };
  const fees = raised(before, await startingFees(context), rules.bumpPercent);
  if (fees.maxFee > rules.maxFeePerGas) return false;
  const call = { data: row.data, gasLimit: BigInt(row.gas_limit as string) };
  const id = String(row.id);
  const signed = await sign(context, Number(row.nonce), call, fees);
  try {
    await lease.fenced(async (sql) => {
      const [open] = await sql.query("SELECT 1 FROM outgoing WHERE id = $1 AND state = 'open' FOR UPDATE", [
        id,
      ]);
      ensure(open !== undefined, "sender.mined", "transaction: mined meanwhile");
      await keepAttempt(sql, id, signed, fees);
    });
  } catch (error) {
    if (error instanceof SolvusError && error.rule === "sender.mined") return true;
    throw error;
  }
  log.info({ outgoing: id, nonce: Number(row.nonce), maxFee: String(fees.maxFee) }, "raised the fees");
  await broadcast(context, id, signed);
  return true;
}
