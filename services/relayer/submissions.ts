import { AbiCoder, getAddress, keccak256 } from "ethers";
import type { Opening, TakeOver, Transition } from "../../contracts/statements.ts";
import type { Sql, Store } from "../store/store.ts";
import { changing, recordChanges } from "./changes.ts";
import { itemOf, itemText } from "./itemText.ts";
import { pairOrWait } from "./pairing.ts";
import { MOST_SKIPS } from "./refusals.ts";

/*
 * What was handed in to be put on the chain, and what became of it. A submission is known by what it states, so that handing it in again
 * is the same submission.
 */

export type SubmissionKind = "opening" | "transition" | "takeOver";

export type Item =
  | { kind: "opening"; opening: Opening }
  | { kind: "transition"; transition: Transition }
  | { kind: "takeOver"; takeOver: TakeOver };

/**
 * `waiting` for the other side of its trade; `queued` to be sent; `sent`, that is in a transaction that may be mined; `mined`, in a block
 * that may still be replaced, which brings it back; `final`; `refused` by a rule; `expired` because its deadline passed or its snapshot is
 * too old. The last three are terminal, but what was refused or has expired may be handed in again.
 */
export type SubmissionState = "waiting" | "queued" | "sent" | "mined" | "final" | "refused" | "expired";

export const SUBMISSION_STATES: readonly SubmissionState[] = [
  "waiting",
  "queued",
  "sent",
  "mined",
  "final",
  "refused",
  "expired",
];

/** Where a submission stands. */
export interface Standing {
  state: SubmissionState;
  /** Why it was refused or has expired; while it is queued or waiting, why it could not be sent yet. */
  refusal?: { rule: string; message: string };
  /** Hash of the transaction that it is in, once it is mined. */
  transaction?: string;
  block?: number;
  /** Place of the new note in the state tree: of the target's for a take-over, the keeper's being the next. */
  leafIndex?: bigint;
}

export interface Submission extends Standing {
  /** What it states, as {@link submissionId} tells. */
  id: string;
  kind: SubmissionKind;
  item: Item;
  /** Of one side of a trade. */
  tradeTag?: bigint;
  side?: number;
  /** Unix seconds of the chain's time. */
  deadline: bigint;
  receivedAt: Date;
  changedAt: Date;
  /** Number of its latest change. */
  sequence: bigint;
}

/** A change of a submission's state. Numbers ascend over all submissions, in the order in which changes can be seen. */
export interface SubmissionChange extends Standing {
  sequence: bigint;
  id: string;
  at: Date;
}

/** What an item binds and spends, for deciding what may stand beside it. */
export interface ItemFacts {
  kind: SubmissionKind;
  deadline: bigint;
  /** Who alone may send it, checksummed; undefined for anybody. */
  relayer?: string;
  /** Nullifiers or account tag, which the ledger takes once. */
  spends: bigint[];
  snapshotRoot?: bigint;
  tradeTag?: bigint;
  side?: number;
}

/** Reads off an item what it binds and spends. */
export function factsOf(item: Item): ItemFacts {
  switch (item.kind) {
    case "opening": {
      const { signals, terms } = item.opening;
      return { kind: item.kind, ...termsFacts(terms), spends: [signals.accountTag] };
    }
    case "transition": {
      const { signals, terms } = item.transition;
      const { nullifier, snapshotRoot, tradeTag, side } = signals;
      const trade = tradeTag === 0n ? {} : { tradeTag, side: Number(side) };
      return { kind: item.kind, ...termsFacts(terms), spends: [nullifier], snapshotRoot, ...trade };
    }
    case "takeOver": {
      const { signals, terms } = item.takeOver;
      const { targetNullifier, keeperNullifier, snapshotRoot } = signals;
      return {
        kind: item.kind,
        ...termsFacts(terms),
        spends: [targetNullifier, keeperNullifier],
        snapshotRoot,
      };
    }
  }
}

function termsFacts({ relayer, deadline }: Opening["terms"]): { relayer?: string; deadline: bigint } {
  return BigInt(relayer) === 0n ? { deadline } : { relayer: getAddress(relayer), deadline };
}

/**
 * Identifies what an item states: keccak-256 over its kind and all its public signals and terms, 0x…. Proof and payer's signature are not
 * in it: both can be altered and stay valid.
 */
export function submissionId(item: Item): string {
  const { signals, terms, tier } =
    item.kind === "opening"
      ? { ...item.opening, tier: 0n }
      : item.kind === "transition"
        ? item.transition
        : item.takeOver;
  const words = Object.entries(signals)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, value]) => value as bigint | readonly bigint[]);
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["string", "uint256[]", "address", "address", "address", "uint64"],
      [item.kind, [tier, ...words], terms.payer, terms.recipient, terms.relayer, terms.deadline],
    ),
  );
}

/**
 * Stores an item; it is durable when this resolves. One that is known is left as it is, unless it was refused or has expired: then it starts
 * again, with the proof given now, unless blocks have skipped it too often. A side of a trade waits until the other is there. Whoever calls has checked the item; `absentAt` is a height
 * of the chain at which the item was not on it.
 */
export async function addSubmission(
  store: Store,
  item: Item,
  absentAt?: number,
): Promise<{ submission: Submission; isNew: boolean }> {
  const id = submissionId(item);
  return changing(store, async (sql) => {
    const { kind, deadline, relayer, spends, snapshotRoot, tradeTag, side } = factsOf(item);
    const values = [
      id,
      kind,
      itemText(item),
      String(deadline),
      relayer ?? null,
      spends.map(String),
      snapshotRoot === undefined ? null : String(snapshotRoot),
      tradeTag === undefined ? null : String(tradeTag),
      side ?? null,
      tradeTag === undefined ? "queued" : "waiting",
      absentAt ?? null,
    ];
    const [added] = await sql.query<{ id: string }>(
      `INSERT INTO submission (id, kind, item, deadline, relayer, spends, snapshot_root, trade_tag, side, state, absent_at, sequence)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)
       ON CONFLICT (id) DO UPDATE SET item = excluded.item, state = excluded.state, rule = NULL, message = NULL, partner = NULL,
         outgoing = NULL, transaction = NULL, block = NULL, block_hash = NULL, leaf_index = NULL, not_before = NULL,
         doubted_at = NULL, failures = 0, received_at = now(), absent_at = excluded.absent_at
       WHERE submission.state IN ('refused', 'expired') AND submission.skips <= ${MOST_SKIPS}
       RETURNING id`,
      values,
    );
    const isNew = added !== undefined;
    if (isNew) {
      const partner = tradeTag === undefined ? undefined : await pairOrWait(sql, id);
      await recordChanges(sql, partner === undefined ? [id] : [id, partner]);
    }
    return { submission: (await submissionOf(sql, id)) as Submission, isNew };
  });
}

/** How many items that are under way spend this note, or use this account number. */
export async function spendersOf(sql: Sql, spent: bigint): Promise<number> {
  const [row] = await sql.query<{ count: unknown }>(
    "SELECT count(*) AS count FROM submission WHERE spends && $1::text[] AND state IN ('waiting', 'queued', 'sent')",
    [[String(spent)]],
  );
  return Number(row?.count);
}

/** How many openings that were not refused were handed in within so many seconds. */
export async function openingsSince(sql: Sql, seconds: number): Promise<number> {
  const [row] = await sql.query<{ count: unknown }>(
    `SELECT count(*) AS count FROM submission WHERE kind = 'opening' AND state NOT IN ('refused', 'expired')
       AND received_at > now() - make_interval(secs => $1)`,
    [seconds],
  );
  return Number(row?.count);
}

/** The submission of an id; undefined when there is none. */
export async function submissionOf(sql: Sql, id: string): Promise<Submission | undefined> {
  const [row] = await sql.query<SubmissionRow>("SELECT * FROM submission WHERE id = $1", [id]);
  return row && submissionFrom(row);
}

/** Changes with a number above `sequence`, in order, of one submission or of all. */
export async function changesAfter(
  sql: Sql,
  sequence: bigint,
  limit: number,
  id?: string,
): Promise<SubmissionChange[]> {
  const rows = await sql.query<StandingRow & { sequence: unknown; submission: string; at: Date }>(
    `SELECT * FROM submission_change WHERE sequence > $1 AND ($3::text IS NULL OR submission = $3)
     ORDER BY sequence LIMIT $2`,
    [String(sequence), limit, id ?? null],
  );
  return rows.map((row) => ({
    ...standingFrom(row),
    sequence: BigInt(row.sequence as string),
    id: row.submission,
    at: row.at,
  }));
}

/** Number of the latest change; 0 before the first. */
export async function latestSequence(sql: Sql): Promise<bigint> {
  const [row] = await sql.query<{ latest: unknown }>(
    "SELECT coalesce(max(sequence), 0) AS latest FROM submission_change",
  );
  return BigInt(row?.latest as string);
}

/** How many submissions are in each state. */
export async function countsByState(sql: Sql): Promise<Record<SubmissionState, number>> {
  const rows = await sql.query<{ state: SubmissionState; count: unknown }>(
    "SELECT state, count(*) AS count FROM submission GROUP BY state",
  );
  const counts = Object.fromEntries(SUBMISSION_STATES.map((state) => [state, 0])) as Record<
    SubmissionState,
    number
  >;
  for (const { state, count } of rows) counts[state] = Number(count);
  return counts;
}

/** Age in milliseconds of the oldest submission that waits to be sent; 0 when none does. */
export async function queueAgeMs(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ age: unknown }>(
    `SELECT coalesce(extract(epoch FROM now() - min(received_at)) * 1000, 0) AS age
     FROM submission WHERE state = 'queued'`,
  );
  return Number(row?.age);
}

export interface StandingRow {
  state: SubmissionState;
  rule: string | null;
  message: string | null;
  transaction: string | null;
  block: unknown;
  leaf_index: unknown;
}

export interface SubmissionRow extends StandingRow {
  id: string;
  kind: SubmissionKind;
  item: string;
  trade_tag: string | null;
  side: number | null;
  partner: string | null;
  relayer: string | null;
  snapshot_root: string | null;
  spends: string[];
  deadline: unknown;
  outgoing: unknown;
  block_hash: string | null;
  received_at: Date;
  changed_at: Date;
  sequence: unknown;
  not_before: Date | null;
  doubted_at: Date | null;
  failures: number;
}

export function submissionFrom(row: SubmissionRow): Submission {
  return {
    ...standingFrom(row),
    id: row.id,
    kind: row.kind,
    item: itemOf(row.item),
    ...(row.trade_tag === null ? {} : { tradeTag: BigInt(row.trade_tag), side: row.side as number }),
    deadline: BigInt(row.deadline as string),
    receivedAt: row.received_at,
    changedAt: row.changed_at,
    sequence: BigInt(row.sequence as string),
  };
}

function standingFrom({ state, rule, message, transaction, block, leaf_index }: StandingRow): Standing {
  return {
    state,
    ...(rule === null ? {} : { refusal: { rule, message: message ?? "" } }),
    ...(transaction === null ? {} : { transaction }),
    ...(block === null ? {} : { block: Number(block) }),
    ...(leaf_index === null ? {} : { leafIndex: BigInt(leaf_index as string) }),
  };
}
