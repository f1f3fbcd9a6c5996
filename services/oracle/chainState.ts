import { decodeBytes32String } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { PostedSnapshot } from "../../protocol/postedSnapshot.ts";
import { rebuildSnapshot } from "../../protocol/postedSnapshot.ts";
import { freshQuorum } from "../../protocol/priceAggregation.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Deployed } from "../chain/deployment.ts";

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

/** Reads the oracle's state, keeping the latest snapshot in memory between calls. */
export type StateReader = () => Promise<OracleState>;

export function stateReader({ provider, chain, oracle, deployment }: Deployed): StateReader {
  let latest: OracleState["latest"];
  return async () => {
    const block = await provider.getBlock("latest");
    if (block === null) throw new SolvusError("chain.block", "the chain has no latest block, expected one");
    const blockTag = block.number;
    const [[root], registered, [announced, effectiveAt]] = (await Promise.all([
      oracle.latest({ blockTag }),
      oracle.reporters({ blockTag }),
      oracle.announcedReporters({ blockTag }),
    ])) as [[bigint], RawReporter[], [RawReporter[], bigint]];
    if (root === 0n) latest = undefined;
    else if (latest?.posted.root !== root) {
      const posted = await chain.latestSnapshot(blockTag);
      if (posted?.root !== root)
        throw new SolvusError(
          "chain.snapshot",
          `latest snapshot event has root ${posted?.root}, expected ${root} as the oracle says; ask again`,
        );
      latest = { posted, snapshot: rebuildSnapshot(posted) };
    }
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
}

interface RawReporter {
  account: string;
  currency: string;
}
