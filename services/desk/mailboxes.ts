import { createHash } from "node:crypto";
import { ensure } from "../../protocol/errors.ts";
import type { Sql, Store } from "../store/store.ts";

/*
 * The relayer's side of the desk: envelopes in mailboxes. A row is a mailbox's address, an envelope and a time; there is nothing else
 * to keep, and nothing else is known.
 */

export interface MailboxLimits {
  /** Envelopes in one mailbox. */
  perMailbox: number;
  /** Envelopes in all mailboxes together. */
  altogether: number;
  /** Seconds of the clock for which an envelope is kept. */
  keptSeconds: number;
  /** Envelopes in one answer. */
  perAnswer: number;
}

export const MAILBOX_LIMITS: MailboxLimits = {
  perMailbox: 256,
  altogether: 50_000,
  keptSeconds: 3600,
  perAnswer: 32,
};

export interface StoredEnvelope {
  id: string;
  envelope: Uint8Array;
}

export interface Mailboxes {
  /**
   * Stores an envelope for a mailbox; it is durable once this resolves. The same envelope twice is stored once. Throws `desk.full` when
   * the mailbox or all of them have no room.
   */
  put(mailbox: string, envelope: Uint8Array): Promise<{ id: string; isNew: boolean }>;
  /** The oldest envelopes of a mailbox. */
  read(mailbox: string): Promise<StoredEnvelope[]>;
  /** Removes envelopes of a mailbox; ids that are not in it are ignored. */
  remove(mailbox: string, ids: readonly string[]): Promise<void>;
  /** Envelopes stored at present. */
  count(): Promise<number>;
}

const TABLE = `
  CREATE TABLE IF NOT EXISTS desk_envelope (
    place bigserial PRIMARY KEY,
    id text NOT NULL UNIQUE,
    mailbox text NOT NULL,
    envelope text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
  )`;
/** Serialises those who make the table. */
const TABLE_LOCK = 7_301_002;

/** The mailboxes of a store, whose table is made if need be. Any number of relayers may share them. */
export async function openMailboxes(
  store: Store,
  limits: MailboxLimits = MAILBOX_LIMITS,
): Promise<Mailboxes> {
  await store.transaction(async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock($1)", [TABLE_LOCK]);
    await sql.query(TABLE);
    await sql.query("CREATE INDEX IF NOT EXISTS desk_envelope_mailbox ON desk_envelope (mailbox, place)");
    await sql.query("CREATE INDEX IF NOT EXISTS desk_envelope_stored ON desk_envelope (stored_at)");
  });

  const removeOld = (sql: Sql): Promise<unknown> =>
    sql.query("DELETE FROM desk_envelope WHERE stored_at < now() - make_interval(secs => $1)", [
      limits.keptSeconds,
    ]);

  return {
    async put(mailbox, envelope) {
      const id = createHash("sha256").update(`${mailbox}\n`).update(envelope).digest("hex");
      return store.transaction(async (sql) => {
        await removeOld(sql);
        const known = await sql.query("SELECT 1 FROM desk_envelope WHERE id = $1", [id]);
        if (known.length > 0) return { id, isNew: false };
        const [row] = await sql.query<{ here: number; all: number }>(
          `SELECT (SELECT count(*) FROM desk_envelope WHERE mailbox = $1)::integer AS here,
             (SELECT count(*) FROM desk_envelope)::integer AS all`,
          [mailbox],
        );
        ensure(
          row !== undefined && row.here < limits.perMailbox && row.all < limits.altogether,
          "desk.full",
          `mailbox: ${row?.here} envelopes of ${limits.perMailbox}, ${row?.all} of ${limits.altogether} in all; expected room`,
        );
        await sql.query(
          "INSERT INTO desk_envelope (id, mailbox, envelope) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
          [id, mailbox, Buffer.from(envelope).toString("base64")],
        );
        return { id, isNew: true };
      });
    },
    async read(mailbox) {
      const rows = await store.query<{ id: string; envelope: string }>(
        `SELECT id, envelope FROM desk_envelope
         WHERE mailbox = $1 AND stored_at >= now() - make_interval(secs => $2) ORDER BY place LIMIT $3`,
        [mailbox, limits.keptSeconds, limits.perAnswer],
      );
      return rows.map(({ id, envelope }) => ({ id, envelope: Buffer.from(envelope, "base64") }));
    },
    async remove(mailbox, ids) {
      await store.query("DELETE FROM desk_envelope WHERE mailbox = $1 AND id = ANY($2::text[])", [
        mailbox,
        [...ids],
      ]);
    },
    async count() {
      const [row] = await store.query<{ all: number }>("SELECT count(*)::integer AS all FROM desk_envelope");
      return row?.all ?? 0;
    },
  };
}
