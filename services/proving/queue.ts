import type { ProofWords } from "../../contracts/statements.ts";
import type { InsertionInput } from "../../protocol/stateTree.ts";
import { jobsIn, type Sql, type Store } from "../store/store.ts";

/*
 * The queue of insertion proofs. A proof is known by the digest of its statement: whoever proves it first, or again, or late, proves the
 * same. A job holds a digest only; what is to be proven and the proof are in the database beside it.
 */

export const PROOF_QUEUE = "insertion-proof";

/** What a job holds. */
export interface ProofJob {
  digest: string;
}

/** Seconds without a sign of life after which another worker takes a job; pg-boss admits no fewer. */
const HEARTBEAT_SECONDS = 10;

/** Makes the queue if it is not there; once per store and process. */
export function prepareQueue(store: Store): Promise<void> {
  let ready = prepared.get(store);
  if (ready === undefined) {
    ready = (async () => {
      await store.boss.createQueue(PROOF_QUEUE, {
        policy: "exclusive",
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: 900,
        retryLimit: 1_000,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 15,
        deleteAfterSeconds: 3_600,
        notify: true,
      });
      // Whoever worked for a database that no other process has is dead. What is still wanted is asked for again.
      if (store.isExclusive) await store.boss.deleteAllJobs(PROOF_QUEUE);
    })();
    prepared.set(store, ready);
    ready.catch(() => prepared.delete(store));
  }
  return ready;
}

const prepared = new WeakMap<Store, Promise<void>>();

/** Asks for the proof of a node's insertion, unless it is there or asked for. */
export async function requestProof(
  store: Store,
  { digest, input }: { digest: string; input: InsertionInput },
): Promise<void> {
  await prepareQueue(store);
  await store.transaction(async (sql) => {
    await sql.query(
      "INSERT INTO insertion (digest, node_index, input) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
      [digest, String(input.nodeIndex), inputText(input)],
    );
    const [row] = await sql.query<{ proven: boolean }>(
      "SELECT proof IS NOT NULL AS proven FROM insertion WHERE digest = $1",
      [digest],
    );
    if (row?.proven === false)
      await store.boss.send(PROOF_QUEUE, { digest } satisfies ProofJob, {
        ...jobsIn(sql),
        singletonKey: digest,
      });
  });
}

/** The proof of a digest, once there is one. */
export async function proofOf(sql: Sql, digest: string): Promise<ProofWords | undefined> {
  const [row] = await sql.query<{ proof: string | null }>("SELECT proof FROM insertion WHERE digest = $1", [
    digest,
  ]);
  return row?.proof?.split(",").map(BigInt);
}

/** What is to be proven for a digest; undefined when it is proven or no longer wanted. */
export async function wantedInput(sql: Sql, digest: string): Promise<InsertionInput | undefined> {
  const [row] = await sql.query<{ input: string }>(
    "SELECT input FROM insertion WHERE digest = $1 AND proof IS NULL",
    [digest],
  );
  return row && inputOf(row.input);
}

/** Keeps a proof, the first one for its digest. */
export async function keepProof(sql: Sql, digest: string, proof: ProofWords): Promise<void> {
  await sql.query("UPDATE insertion SET proof = $2, proven_at = now() WHERE digest = $1 AND proof IS NULL", [
    digest,
    proof.join(","),
  ]);
}

function inputText(input: InsertionInput): string {
  return JSON.stringify(input, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** Every value of an insertion's input is an integer, in arrays or alone. */
function inputOf(text: string): InsertionInput {
  return JSON.parse(text, (_, value) => (typeof value === "string" ? BigInt(value) : value));
}
