import type { Log } from "ethers";
import type { EngineContext } from "./context.ts";
import type { Item } from "./submissions.ts";

/*
 * Where an item is on the chain, whoever put it there.
 */

/** Places where an item was applied. */
export interface Applied {
  transaction: string;
  block: number;
  blockHash: string;
  /** Place of the new note; of the target's for a take-over. */
  leafIndex: bigint;
}

const BLOCKS_PER_QUERY = 10_000;
/** A re-organized chain may have put an item into a block below the one at which it was not there yet. */
const REPLACED_BLOCKS = 1_000;

/**
 * Finds the event by which the ledger applied exactly this item, the same new notes included; undefined when it did not. `absentAt` is a height
 * of the chain at which the item was not on it; without one all blocks since the deployment are looked through.
 */
export async function findApplied(
  { deployed, within }: Pick<EngineContext, "deployed" | "within">,
  item: Item,
  absentAt?: number,
): Promise<Applied | undefined> {
  const { ledger, provider, deployment } = deployed;
  const topics = ledger.interface.encodeFilterTopics(...eventOf(item)) as string[];
  const first = Math.max(deployment.fromBlock, (absentAt ?? 0) - REPLACED_BLOCKS);
  for (let last = await within(() => provider.getBlockNumber()); last >= first; last -= BLOCKS_PER_QUERY) {
    const fromBlock = Math.max(first, last - BLOCKS_PER_QUERY + 1);
    const address = deployment.ledger;
    const logs = await within(() => provider.getLogs({ address, topics, fromBlock, toBlock: last }));
    for (const log of logs) {
      const leafIndex = appliedIn(deployed.ledger.interface, log, item);
      if (leafIndex === undefined) continue;
      const { transactionHash: transaction, blockNumber: block, blockHash } = log;
      return { transaction, block, blockHash, leafIndex };
    }
  }
  return undefined;
}

function eventOf(item: Item): [string, bigint[]] {
  if (item.kind === "opening") {
    const { commitment, accountTag } = item.opening.signals;
    return ["Opened", [commitment, accountTag]];
  }
  if (item.kind === "transition") {
    const { nullifier, commitment } = item.transition.signals;
    return ["Transitioned", [nullifier, commitment]];
  }
  const { targetNullifier, keeperNullifier } = item.takeOver.signals;
  return ["TakenOver", [targetNullifier, keeperNullifier]];
}

/** The place of the new note if a log of the ledger says that it applied this item. */
export function appliedIn(
  face: EngineContext["deployed"]["ledger"]["interface"],
  log: Pick<Log, "topics" | "data">,
  item: Item,
): bigint | undefined {
  const event = face.parseLog(log);
  if (event === null) return undefined;
  const { args } = event;
  if (event.name === "Opened" && item.kind === "opening") {
    const { commitment, accountTag } = item.opening.signals;
    return args.commitment === commitment && args.accountTag === accountTag ? args.leafIndex : undefined;
  }
  if (event.name === "Transitioned" && item.kind === "transition") {
    const { nullifier, commitment } = item.transition.signals;
    return args.nullifier === nullifier && args.commitment === commitment ? args.leafIndex : undefined;
  }
  if (event.name === "TakenOver" && item.kind === "takeOver") {
    const { targetNullifier, targetCommitment, keeperNullifier, keeperCommitment } = item.takeOver.signals;
    const isThis =
      args.targetNullifier === targetNullifier &&
      args.keeperNullifier === keeperNullifier &&
      args.targetCommitment === targetCommitment &&
      args.keeperCommitment === keeperCommitment;
    return isThis ? args.leafIndex : undefined;
  }
  return undefined;
}
