import { getAddress, Interface, type Log, type Provider } from "ethers";
import type { AuditedChain } from "../protocol/chain.ts";
import { SolvusError } from "../protocol/errors.ts";
import {
  decodeAuctionEvent,
  decodeCustodyEvent,
  decodeFundEvent,
  decodeLedgerEvent,
  decodeSnapshot,
  LEDGER_READER,
  ORACLE_READER,
} from "./readers.ts";
import { CIRCUITS, type CircuitName } from "./statements.ts";

export interface ChainOptions {
  /** Block of the ledger's deployment: nothing before it is asked for. 0 by default. */
  fromBlock?: number;
  /** Most blocks in one query; public nodes refuse longer ones. */
  blocksPerQuery?: number;
}

const TOKEN = new Interface(["function balanceOf(address account) view returns (uint256)"]);

/** Reads a ledger with its oracle, auction and insurance fund. Throws `chain.noLedger` when there is no ledger at the address. */
export async function connectChain(
  provider: Provider,
  ledgerAddress: string,
  options: ChainOptions = {},
): Promise<AuditedChain> {
  const { fromBlock = 0, blocksPerQuery = 10_000 } = options;
  const ledger = getAddress(ledgerAddress);
  const call = async (
    to: string,
    face: Interface,
    name: string,
    values: readonly unknown[] = [],
    blockTag: number | "latest" = "latest",
  ) => {
    const data = face.encodeFunctionData(name, values);
    return face.decodeFunctionResult(name, await provider.call({ to, data, blockTag }));
  };
  const { chainId } = await provider.getNetwork();
  let oracle: string;
  let auction: string;
  let fund: string;
  try {
    [[oracle], [auction], [fund]] = (await Promise.all(
      ["oracle", "auction", "fund"].map((name) => call(ledger, LEDGER_READER, name)),
    )) as unknown as [[string], [string], [string]];
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
    async custodyEvents(from, to) {
      return (await logs(ledger, from, to, [])).flatMap((log) => decodeCustodyEvent(log) ?? []);
    },
    async auctionEvents(from, to) {
      return (await logs(auction, from, to, [])).flatMap((log) => decodeAuctionEvent(log) ?? []);
    },
    async fundEvents(from, to) {
      return (await logs(fund, from, to, [])).flatMap((log) => decodeFundEvent(log) ?? []);
    },
    async snapshots(from, to) {
      return (await logs(oracle, from, to, [posted])).map(decodeSnapshot);
    },
    async balanceOf(token, holder, block) {
      const [balance] = await call(token, TOKEN, "balanceOf", [holder === "ledger" ? ledger : fund], block);
      return balance;
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
