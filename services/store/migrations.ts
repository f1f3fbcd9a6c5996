import { ensure } from "../../protocol/errors.ts";
import type { Sql } from "./store.ts";

/*
 * The schema, step by step. A step that was released never changes: what is to be different is a further step.
 */

const STEPS: readonly string[] = [
  `
  CREATE SEQUENCE submission_sequence;
  CREATE TABLE submission (
    id text PRIMARY KEY,
    kind text NOT NULL,
    item text NOT NULL,
    state text NOT NULL,
    rule text,
    message text,
    trade_tag text,
    side smallint,
    partner text,
    relayer text,
    snapshot_root text,
    spends text[] NOT NULL,
    deadline numeric NOT NULL,
    outgoing bigint,
    transaction text,
    block bigint,
    block_hash text,
    leaf_index numeric,
    received_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    sequence bigint NOT NULL,
    not_before timestamptz,
    doubted_at timestamptz,
    failures integer NOT NULL DEFAULT 0
  );
  CREATE INDEX submission_open ON submission (state, received_at) WHERE state IN ('waiting', 'queued', 'sent', 'mined');
  CREATE INDEX submission_trade ON submission (trade_tag) WHERE trade_tag IS NOT NULL;
  CREATE INDEX submission_spends ON submission USING gin (spends);
  CREATE INDEX submission_outgoing ON submission (outgoing) WHERE outgoing IS NOT NULL;
  CREATE TABLE submission_change (
    sequence bigint PRIMARY KEY,
    submission text NOT NULL,
    state text NOT NULL,
    rule text,
    message text,
    transaction text,
    block bigint,
    leaf_index numeric,
    at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX submission_change_of ON submission_change (submission, sequence);

  CREATE TABLE sender_lease (
    address text PRIMARY KEY,
    holder text NOT NULL,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
  );
  CREATE TABLE outgoing (
    id bigserial PRIMARY KEY,
    sender text NOT NULL,
    purpose text NOT NULL,
    node_index bigint,
    state text NOT NULL,
    nonce bigint,
    destination text,
    data text,
    gas_limit bigint,
    gas_used bigint,
    items integer NOT NULL DEFAULT 0,
    transaction text,
    block bigint,
    block_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE UNIQUE INDEX outgoing_nonce ON outgoing (sender, nonce) WHERE state <> 'lost';
  CREATE INDEX outgoing_open ON outgoing (state) WHERE state IN ('formed', 'open', 'mined');
  CREATE UNIQUE INDEX outgoing_node ON outgoing (purpose, node_index) WHERE state IN ('formed', 'open') AND node_index IS NOT NULL;
  CREATE TABLE attempt (
    hash text PRIMARY KEY,
    outgoing bigint NOT NULL REFERENCES outgoing (id) ON DELETE CASCADE,
    raw text NOT NULL,
    max_fee numeric NOT NULL,
    priority_fee numeric NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX attempt_outgoing ON attempt (outgoing);
  CREATE TABLE outgoing_item (
    outgoing bigint NOT NULL REFERENCES outgoing (id) ON DELETE CASCADE,
    submission text NOT NULL REFERENCES submission (id) ON DELETE CASCADE,
    kind smallint NOT NULL,
    place smallint NOT NULL,
    PRIMARY KEY (outgoing, submission)
  );
  CREATE TABLE insertion (
    digest text PRIMARY KEY,
    node_index bigint NOT NULL,
    input text NOT NULL,
    proof text,
    created_at timestamptz NOT NULL DEFAULT now(),
    proven_at timestamptz
  );
  CREATE TABLE setting (
    name text PRIMARY KEY,
    value text NOT NULL
  );
  `,
  `
  ALTER TABLE submission ADD COLUMN absent_at bigint;
  ALTER TABLE submission ADD COLUMN skips integer NOT NULL DEFAULT 0;
  CREATE INDEX submission_ended ON submission (changed_at) WHERE state IN ('final', 'refused', 'expired');
  CREATE INDEX outgoing_item_submission ON outgoing_item (submission);
  `,
  `
  CREATE INDEX submission_opening ON submission (received_at) WHERE kind = 'opening';
  `,
];

/** Serialises migrations of any number of processes. */
const MIGRATION_LOCK = 7_301_001;

/**
 * Brings the schema up to date, in the caller's transaction. Several processes may do so at once. Throws `store.newer` for a schema of a
 * later program: what it means by its rows this one does not know.
 */
export async function migrate(sql: Sql): Promise<void> {
  await sql.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await sql.query("CREATE TABLE IF NOT EXISTS solvus_schema (version integer PRIMARY KEY)");
  const [{ version }] = (await sql.query<{ version: number }>(
    "SELECT coalesce(max(version), 0)::integer AS version FROM solvus_schema",
  )) as [{ version: number }];
  ensure(
    version <= STEPS.length,
    "store.newer",
    `database: its schema is of version ${version}, expected at most ${STEPS.length}; run a program as new as the one that made it`,
  );
  for (const [step, text] of STEPS.entries()) {
    if (step < version) continue;
    for (const statement of text.split(";")) if (statement.trim() !== "") await sql.query(statement);
    await sql.query("INSERT INTO solvus_schema (version) VALUES ($1)", [step + 1]);
  }
}
