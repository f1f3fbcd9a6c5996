import { getAddress, getBytes, Interface, type Log, type Provider } from "ethers";
import type { Chain } from "../protocol/chain.ts";
import { SolvusError } from "../protocol/errors.ts";
import type { LedgerEvent } from "../protocol/ledgerHistory.ts";
import type { PostedSnapshot } from "../protocol/postedSnapshot.ts";
import { CIRCUITS, type CircuitName } from "./statements.ts";

/** The part of the ledger's interface that readers need. */
export const LEDGER_READER = new Interface([
  "event Sealed(uint256 indexed nodeIndex)",
  "event Inserted(uint256 indexed nodeIndex, uint256 root)",
  "event Opened(uint256 indexed commitment, uint256 indexed accountTag, uint256 leafIndex, uint256[5] escrow)",
  "event Transitioned(uint256 indexed nullifier, uint256 indexed commitment, uint256 leafIndex, uint256 snapshotRoot, uint256 mode, uint256 asset, uint256 deposit, uint256 withdrawal, uint256 fee, uint256 tradeTag, uint256[2] escrow)",
  "event TakenOver(uint256 indexed targetNullifier, uint256 indexed keeperNullifier, uint256 targetLeafIndex, uint256 targetCommitment, uint256 keeperCommitment, uint256 leafIndex, uint256 snapshotRoot, uint256 rate, uint256 deficit, uint256 reward, uint256 uncovered, bool cured, uint256 fee, uint256[4] targetEscrow, uint256[6] keeperEscrow)",
  "function oracle() view returns (address)",
  "function keyHash(uint8 circuit) view returns (bytes32)",
  "function committeeKey() view returns (uint256 x, uint256 y)",
]);

/** The part of the oracle's interface that readers need. */
export const ORACLE_READER = new Interface([
  "event SnapshotPosted(uint64 indexed epoch, uint64 time, uint256 snapshotRoot, bool steady, bytes32 inputsHash, bytes inputs, uint64[] priceKeys, uint64[] prices)",
  "function epochOf(uint256 snapshotRoot) view returns (uint64)",
]);

export interface ChainOptions {
  /** Block of the ledger's deployment: nothing before it is asked for. 0 by default. */
  fromBlock?: number;
  /** Most blocks in one query; public nodes refuse longer ones. */
  blocksPerQuery?: number;
}

/** Reads a ledger and its oracle. Throws `chain.noLedger` when there is no ledger at the address. */
export async function connectChain(
  provider: Provider,
  ledgerAddress: string,
  options: ChainOptions = {},
): Promise<Chain> {
  const { fromBlock = 0, blocksPerQuery = 10_000 } = options;
  const ledger = getAddress(ledgerAddress);
  const call = async (to: string, face: Interface, name: string, values: readonly unknown[] = []) =>
    face.decodeFunctionResult(name, await provider.call({ to, data: face.encodeFunctionData(name, values) }));
  const { chainId } = await provider.getNetwork();
  let oracle: string;
  try {
    [oracle] = await call(ledger, LEDGER_READER, "oracle");
  } catch {
    throw new SolvusError(
      "chain.noLedger",
      `ledger: none at ${ledger} on chain ${chainId}, expected its address`,
    );
  }

  const logs = async (
    address: string,
    from: number,
    to: number,
    topics: (string | string[] | null)[],
  ): Promise<Log[]> => {
    const found: Log[] = [];
    for (let first = Math.max(from, fromBlock); first <= to; first += blocksPerQuery) {
      const last = Math.min(to, first + blocksPerQuery - 1);
      found.push(...(await provider.getLogs({ address, fromBlock: first, toBlock: last, topics })));
    }
    return found.sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
  };
  const posted = ORACLE_READER.getEvent("SnapshotPosted")?.topicHash as string;

  return {
    chainId,
    ledger,
    blockNumber: () => provider.getBlockNumber(),
    async blockTime(block) {
      const found = await provider.getBlock(block);
      if (found === null) throw new SolvusError("chain.block", `block ${block}: not on chain ${chainId}`);
      return BigInt(found.timestamp);
    },
    async ledgerEvents(from, to) {
      return (await logs(ledger, from, to, [])).flatMap((log) => decodeLedgerEvent(log) ?? []);
    },
    async latestSnapshot(block) {
      // From the block backwards: the latest one is near.
      for (let last = block; last >= fromBlock; last -= blocksPerQuery) {
        const first = Math.max(fromBlock, last - blocksPerQuery + 1);
        const latest = (await logs(oracle, first, last, [posted])).at(-1);
        if (latest !== undefined) return decodeSnapshot(latest);
      }
      return undefined;
    },
    async snapshotOf(root, block) {
      const [epoch] = await call(oracle, ORACLE_READER, "epochOf", [root]);
      if (epoch === 0n) return undefined;
      const topics = ORACLE_READER.encodeFilterTopics("SnapshotPosted", [epoch]) as string[];
      const [log] = await logs(oracle, fromBlock, block, topics);
      const snapshot = log && decodeSnapshot(log);
      return snapshot?.root === root ? snapshot : undefined;
    },
    async keyHash(circuit) {
      const index = CIRCUITS.indexOf(circuit as CircuitName);
      if (index === -1) {
        throw new SolvusError(
          "chain.circuit",
          `circuit: got ${circuit.slice(0, 40)}, expected one of ${CIRCUITS.join(", ")}`,
        );
      }
      const [hash] = await call(ledger, LEDGER_READER, "keyHash", [index]);
      return hash;
    },
    async committeeKey() {
      const [x, y] = await call(ledger, LEDGER_READER, "committeeKey");
      return [x, y];
    },
  };
}

/** An event of the ledger; undefined for one that does not concern accounts. */
function decodeLedgerEvent(log: Log): LedgerEvent | undefined {
  const parsed = LEDGER_READER.parseLog(log);
  if (parsed === null) return undefined;
  const { args } = parsed;
  switch (parsed.name) {
    case "Sealed":
      return { kind: "sealed", nodeIndex: args.nodeIndex };
    case "Inserted":
      return { kind: "inserted", nodeIndex: args.nodeIndex, root: args.root };
    case "Opened": {
      const { commitment, accountTag, leafIndex } = args;
      return { kind: "opened", commitment, accountTag, leafIndex, escrow: [...args.escrow] };
    }
    case "TakenOver":
      return {
        kind: "takenOver",
        targetNullifier: args.targetNullifier,
        keeperNullifier: args.keeperNullifier,
        targetLeafIndex: args.targetLeafIndex,
        targetCommitment: args.targetCommitment,
        keeperCommitment: args.keeperCommitment,
        leafIndex: args.leafIndex,
        snapshotRoot: args.snapshotRoot,
        rate: args.rate,
        deficit: args.deficit,
        reward: args.reward,
        uncovered: args.uncovered,
        cured: args.cured,
        fee: args.fee,
        targetEscrow: [...args.targetEscrow],
        keeperEscrow: [...args.keeperEscrow],
      };
    default:
      return {
        kind: "transitioned",
        nullifier: args.nullifier,
        commitment: args.commitment,
        leafIndex: args.leafIndex,
        snapshotRoot: args.snapshotRoot,
        mode: args.mode,
        asset: args.asset,
        deposit: args.deposit,
        withdrawal: args.withdrawal,
        fee: args.fee,
        tradeTag: args.tradeTag,
        escrow: [args.escrow[0], args.escrow[1]],
      };
  }
}

function decodeSnapshot(log: Log): PostedSnapshot {
  const { args } = ORACLE_READER.parseLog(log) as NonNullable<ReturnType<Interface["parseLog"]>>;
  return {
    epoch: args.epoch,
    time: args.time,
    root: args.snapshotRoot,
    steady: args.steady,
    inputsHash: args.inputsHash,
    inputs: getBytes(args.inputs),
    keys: [...args.priceKeys],
    prices: [...args.prices],
    block: log.blockNumber,
  };
}
