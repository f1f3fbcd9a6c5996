import { proofOf, requestProof } from "../proving/queue.ts";
import type { EngineContext } from "./context.ts";
import type { ClosedNode, LedgerMirror } from "./ledgerMirror.ts";
import { abandon, formForNode, gasOf, inFlight, send } from "./sender.ts";

/*
 * Nodes of the state tree: sealed when they are due, proven by whoever works on the queue of proofs, written in order. All relayers of a
 * database together do each once; others that do the same are met by asking the chain before anything is sent.
 */

/** Most nodes whose proofs are asked for at a time. */
const AHEAD = 16;
/** How often a proof that does not come is asked for again. */
const ASK_AGAIN_MS = 5_000;

export interface InsertionMemory {
  /** When each proof was last asked for, wall clock. */
  asked: Map<string, number>;
  /** When the ledger was last asked about its queue, wall clock. */
  looked: number;
}

const LOOK_MS = 1_000;

/** Does what is to be done about closed and open nodes now. Returns whether something was sent. */
export async function keepTree(
  context: EngineContext,
  mirror: LedgerMirror,
  head: { number: number; hash: string },
  memory: InsertionMemory,
): Promise<boolean> {
  await mirror.update(head);
  const nodes = mirror.closed().slice(0, AHEAD);
  const now = Date.now();
  for (const digest of memory.asked.keys()) {
    if (!nodes.some((node) => node.digest === digest)) memory.asked.delete(digest);
  }
  for (const node of nodes) {
    if (now - (memory.asked.get(node.digest) ?? 0) < ASK_AGAIN_MS) continue;
    await requestProof(context.store, node);
    memory.asked.set(node.digest, now);
  }
  let tail: bigint | undefined;
  if (now - memory.looked >= LOOK_MS) {
    const queue = await context.within(() => context.deployed.ledger.queue());
    mirror.compare(queue);
    tail = queue.tail;
    memory.looked = now;
  }
  if (!context.lease.isHeld || (await inFlight(context)) > context.rules.mostInFlight) return false;
  const [first] = nodes;
  const inserted = first !== undefined && (await insert(context, first, memory));
  return (tail !== undefined && (await sealOpen(context, tail))) || inserted;
}

/** Sends the insertion of the next node if it is proven and not under way. */
async function insert(
  context: EngineContext,
  node: ClosedNode,
  { asked }: InsertionMemory,
): Promise<boolean> {
  const { deployed, store, log, stage } = context;
  const proof = await proofOf(store, node.digest);
  if (proof === undefined) return false;
  const nodeIndex = BigInt(node.nodeIndex);
  const id = await formForNode(context, "insertion", nodeIndex);
  if (id === undefined) return false;
  try {
    const { newRoot, leaves } = node.input;
    const data = deployed.ledger.interface.encodeFunctionData("insert", [nodeIndex, leaves, newRoot, proof]);
    const gas = await gasOf(context, data);
    if ("refusal" in gas) {
      await abandon(context, id);
      log.debug({ node: node.nodeIndex, ...gas.refusal }, "node not inserted");
      if (gas.refusal.rule === "ledger.ProofRejected") {
        log.error({ node: node.nodeIndex }, "the ledger refuses the insertion's proof; it is made again");
        await store.query("UPDATE insertion SET proof = NULL WHERE digest = $1", [node.digest]);
        asked.delete(node.digest);
      }
      return false;
    }
    await send(context, id, { data, gasLimit: gas.gasLimit }, async () => {});
    await stage("insertion.sent", { outgoing: id, node: node.nodeIndex });
    return true;
  } catch (error) {
    await abandon(context, id);
    throw error;
  }
}

/** Seals the open node once it is due. Only the chain knows the time of its next block, so it is asked. */
async function sealOpen(context: EngineContext, tail: bigint): Promise<boolean> {
  const { deployed, log } = context;
  if (tail % 16n === 0n) return false;
  const data = deployed.ledger.interface.encodeFunctionData("seal");
  const gas = await gasOf(context, data);
  if ("refusal" in gas) return false;
  const id = await formForNode(context, "seal", tail / 16n);
  if (id === undefined) return false;
  try {
    await send(context, id, { data, gasLimit: gas.gasLimit }, async () => {});
  } catch (error) {
    await abandon(context, id);
    throw error;
  }
  log.info({ node: Number(tail / 16n) }, "sealed");
  return true;
}
