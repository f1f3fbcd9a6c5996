import { randomUUID } from "node:crypto";
import { SolvusError } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { Sql, Store } from "../store/store.ts";

/*
 * Whose turn it is to send with a key. One process at a time holds a key's lease and renews it; one that stops doing so loses it to the
 * next. Each new holder gets a higher number, and writes only while that number stands: a process that was away and does not know that
 * it lost its lease finds out before it changes anything.
 */

export interface Lease {
  /** Whether this process holds the key's lease as far as it knows. */
  readonly isHeld: boolean;
  /** Takes the lease if nobody has it, or extends it. */
  renew(): Promise<boolean>;
  /** A transaction of the holder; throws `lease.lost` when the lease went to another. */
  fenced<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Gives the lease up, so that the next need not wait. */
  release(): Promise<void>;
}

/** Holders in this process: on a database that no other process has, any other holder is dead. */
const here = new Set<string>();

/** The lease of a sender's address. It is not held before `renew` says so. */
export function makeLease(store: Store, address: string, milliseconds: number, log: Log): Lease {
  const holder = randomUUID();
  here.add(holder);
  let fence: string | undefined;
  const renew = async (): Promise<boolean> => {
    const [row] = await store.query<{ fence: unknown }>(
      `INSERT INTO sender_lease (address, holder, fence, expires_at)
       VALUES ($1, $2, 1, now() + $3::integer * interval '1 millisecond')
       ON CONFLICT (address) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
         fence = sender_lease.fence + CASE WHEN sender_lease.holder = excluded.holder THEN 0 ELSE 1 END
       WHERE sender_lease.holder = excluded.holder OR sender_lease.expires_at < now()
         OR ($4 AND NOT sender_lease.holder = ANY ($5::text[]))
       RETURNING fence`,
      [address, holder, milliseconds, store.isExclusive, [...here]],
    );
    const held = row === undefined ? undefined : String(row.fence);
    if (held !== fence && fence !== undefined) log.warn({ sender: address }, "lost the key's lease");
    if (held !== fence && held !== undefined)
      log.info({ sender: address, fence: held }, "holds the key's lease");
    fence = held;
    return fence !== undefined;
  };
  return {
    get isHeld() {
      return fence !== undefined;
    },
    renew,
    async fenced(work) {
      return store.transaction(async (sql) => {
        const [row] = await sql.query(
          "SELECT 1 FROM sender_lease WHERE address = $1 AND holder = $2 AND fence = $3 FOR SHARE",
          [address, holder, fence ?? "0"],
        );
        if (row === undefined) {
          fence = undefined;
          throw new SolvusError("lease.lost", `key ${address}: another process sends with it now`);
        }
        return work(sql);
      });
    },
    async release() {
      here.delete(holder);
      fence = undefined;
      await store.query(
        "UPDATE sender_lease SET expires_at = now() - interval '1 millisecond' WHERE address = $1 AND holder = $2",
        [address, holder],
      );
    },
  };
}
