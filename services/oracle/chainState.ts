import { decodeBytes32String } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { PostedSnapshot } from "../../protocol/postedSnapshot.ts";
import { rebuildSnapshot } from "../../protocol/postedSnapshot.ts";
import { freshQuorum } from "../../protocol/priceAggregation.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Deployed } from "../chain/deployment.ts";
import { within } from "./within.ts";

/** A reporter of the set in effect. */
export interface RegisteredReporter {
  /** With checksum. */
  address: string;
  /** Currency in which its source quotes. */
  currency: string;
}

/** What the chain says of the oracle, as of a block. */
export interface OracleState {
  chainId: bigint;
  /** Address of the oracle's contract. */
  oracle: string;
  block: number;
  /** Time of the block, Unix seconds. */
  time: number;
  /** The set that the next posting will be judged by. */
  reporters: RegisteredReporter[];
  /** The latest snapshot, as it was posted and recomputed; absent before the first. */
  latest?: { posted: PostedSnapshot; snapshot: MarketSnapshot };
}

/** Signatures that a header needs of `count` reporters: more than two thirds. */
export function signatureQuorum(count: number): number {
  return Math.floor((count * 2) / 3) + 1;
}

/** Observations that a price needs. */
export const observationQuorum = freshQuorum;

/**
 * Reads the oracle's state, keeping the latest snapshot in memory between calls. Throws `chain.silent` for a node that does not answer, and
 * `chain.snapshot` for one whose logs lag behind; asking again helps.
 */
export type StateReader = () => Promise<OracleState>;

/** Milliseconds for a node's answers. */
const ANSWER_MS = 15_000;

/** A node's failure in words that hold no URL: those of endpoints carry keys. */
export function chainFailure(error: unknown): SolvusError {
  if (error instanceof SolvusError) return error;
  const { shortMessage, code, name } = error as { shortMessage?: string; code?: string; name?: string };
  const text = shortMessage ?? code ?? name ?? "failed";
  return new SolvusError("chain.failed", `the node: ${(text.split("\n")[0] as string).slice(0, 200)}`);
}

export function stateReader({ provider, chain, oracle, deployment }: Deployed): StateReader {
  let kept: { root: bigint; latest: Promise<OracleState["latest"]> } | undefined;
  const rebuild = async (root: bigint, block: number): Promise<OracleState["latest"]> => {
    const posted = await chain.latestSnapshot(block);
    if (posted?.root !== root)
      throw new SolvusError(
        "chain.snapshot",
        `latest snapshot event has root ${posted?.root}, expected ${root} as the oracle says; ask again`,
      );
    return { posted, snapshot: rebuildSnapshot(posted) };
  };
  const latestOf = async (root: bigint, block: number): Promise<OracleState["latest"]> => {
    if (root === 0n) return undefined;
    // Reporters of one process ask at once: the snapshot is computed once.
    if (kept?.root !== root) kept = { root, latest: rebuild(root, block) };
    const mine = kept;
    try {
      return await mine.latest;
    } catch (error) {
      if (kept === mine) kept = undefined;
      throw error;
    }
  };
  const read: StateReader = async () => {
    const block = await provider.getBlock("latest");
    if (block === null) throw new SolvusError("chain.block", "the chain has no latest block, expected one");
    const blockTag = block.number;
    const [[root], registered, [announced, effectiveAt]] = (await Promise.all([
      oracle.latest({ blockTag }),
      oracle.reporters({ blockTag }),
      oracle.announcedReporters({ blockTag }),
    ])) as [[bigint], RawReporter[], [RawReporter[], bigint]];
    const latest = await latestOf(root, blockTag);
    // A posting puts an announced set into effect that is due.
    const isDue = effectiveAt !== 0n && BigInt(block.timestamp) >= effectiveAt;
    return {
      chainId: chain.chainId,
      oracle: deployment.oracle,
      block: blockTag,
      time: block.timestamp,
      reporters: (isDue ? announced : registered).map(({ account, currency }) => ({
        address: account,
        currency: decodeBytes32String(currency),
      })),
      ...(latest === undefined ? {} : { latest }),
    };
  };
  return async () => {
    try {
      return await within(ANSWER_MS, "chain.silent", "the node", read());
    } catch (error) {
      throw chainFailure(error);
    }
  };
}

interface RawReporter {
  account: string;
  currency: string;
}
