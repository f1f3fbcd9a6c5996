import type { Log, TransactionReceipt } from "ethers";
import {
  AUCTION_READER,
  decodeAuctionEvent,
  decodeFundEvent,
  decodeLedgerEvent,
  FUND_READER,
  LEDGER_READER,
} from "../../contracts/readers.ts";
import type { AuctionEvent } from "../../protocol/auctionEvents.ts";
import { type FundAccounts, type FundEvent, fundAccounts } from "../../protocol/fundHistory.ts";
import { decodeInputs } from "../../protocol/inputsCodec.ts";
import type { LedgerEvent } from "../../protocol/ledgerHistory.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import type { GasSummary } from "./summary.ts";

/*
 * What happened on a ledger, from its chain alone: events with the time of their block, and the gas of each kind of transaction.
 */

/** An event and the time of its block, Unix seconds. */
export interface Timed<Event> {
  time: number;
  event: Event;
}

/** A take-over by its public data. Rates are Q16, amounts micro-USDC. */
export interface TakeOverRecord {
  time: number;
  /** Places of the target's note before and after. */
  place: bigint;
  newPlace: bigint;
  rate: bigint;
  /** What the auction permitted at the end of the block before. */
  permitted: bigint;
  deficit: bigint;
  reward: bigint;
  uncovered: bigint;
  cured: boolean;
}

/** Prices of an epoch, dollars, by underlying. */
export interface EpochRecord {
  epoch: number;
  time: number;
  prices: Record<string, number>;
}

export interface ChainRecord {
  epochs: EpochRecord[];
  ledger: Timed<LedgerEvent>[];
  auction: Timed<AuctionEvent>[];
  takeOvers: TakeOverRecord[];
  /** The fund after each of its events. */
  fund: { time: number; accounts: FundAccounts }[];
  gas: GasSummary[];
}

/** What a transaction is counted as, by the method it calls. */
const KINDS: Record<string, string> = {
  post: "oracle: epochs",
  submitBatch: "ledger: items in batches",
  open: "ledger: items singly",
  submit: "ledger: items singly",
  submitTrade: "ledger: items singly",
  takeOver: "ledger: items singly",
  insert: "ledger: insertions, 16 leaves each",
  seal: "ledger: seals",
  flag: "auction: flags",
  clear: "auction: clearings",
  reveal: "auction: reveals",
};

const ITEMS = ["opened", "transitioned", "takenOver"];

interface Reader {
  address: string;
  onLog(log: Log, time: number): void;
}

/** Reads everything that happened from a block on. */
export async function readChainRecord(deployed: Deployed, fromBlock: number): Promise<ChainRecord> {
  const { provider, chain, deployment, ledger, auction, fund, oracle } = deployed;
  const to = await provider.getBlockNumber();
  const record: Pick<ChainRecord, "ledger" | "auction" | "fund"> = { ledger: [], auction: [], fund: [] };
  const takeOvers: TakeOverRecord[] = [];
  const fundEvents: FundEvent[] = [];
  const readers: Reader[] = [
    {
      address: deployment.ledger,
      onLog(log, time) {
        if (LEDGER_READER.parseLog(log) === null) return;
        const event = decodeLedgerEvent(log);
        if (event !== undefined) record.ledger.push({ time, event });
      },
    },
    {
      address: String(auction.target),
      onLog(log, time) {
        if (AUCTION_READER.parseLog(log) === null) return;
        const event = decodeAuctionEvent(log);
        if (event !== undefined) record.auction.push({ time, event });
      },
    },
    {
      address: String(fund.target),
      onLog(log, time) {
        if (FUND_READER.parseLog(log) === null) return;
        const event = decodeFundEvent(log);
        if (event === undefined) return;
        fundEvents.push(event);
        record.fund.push({ time, accounts: fundAccounts(fundEvents) });
      },
    },
  ];
  const byAddress = new Map(readers.map((reader) => [reader.address.toLowerCase(), reader]));
  const interfaces = new Map(
    [ledger, auction, fund, oracle].map((contract) => [
      String(contract.target).toLowerCase(),
      contract.interface,
    ]),
  );
  const gas = new Map<string, GasSummary>();
  for (let number = fromBlock; number <= to; number++) {
    const block = await provider.getBlock(number, true);
    if (block === null) continue;
    for (const transaction of block.prefetchedTransactions) {
      const receipt = (await provider.getTransactionReceipt(transaction.hash)) as TransactionReceipt;
      const known = interfaces.get((transaction.to ?? "").toLowerCase());
      const method = known?.getFunction(transaction.data.slice(0, 10))?.name ?? "";
      const what = KINDS[method] ?? "others: deployment, tokens, fund";
      const before = record.ledger.length;
      for (const log of receipt.logs) byAddress.get(log.address.toLowerCase())?.onLog(log, block.timestamp);
      const happened = record.ledger.slice(before).filter(({ event }) => ITEMS.includes(event.kind));
      for (const { time, event } of happened) {
        if (event.kind !== "takenOver") continue;
        const {
          targetLeafIndex: place,
          leafIndex: newPlace,
          rate,
          deficit,
          reward,
          uncovered,
          cured,
        } = event;
        const permitted: bigint = await auction.permittedRate(place, { blockTag: number - 1 });
        takeOvers.push({ time, place, newPlace, rate, permitted, deficit, reward, uncovered, cured });
      }
      const entry = gas.get(what) ?? { what, transactions: 0, items: 0, gas: 0 };
      entry.transactions++;
      entry.items += what.startsWith("ledger: items") ? happened.length : 1;
      entry.gas += Number(receipt.gasUsed);
      gas.set(what, entry);
    }
  }
  const epochs = (await chain.snapshots(fromBlock, to)).map((posted): EpochRecord => {
    const prices = decodeInputs(posted.inputs).underlyings.map(({ name, index }): [string, number] => [
      name,
      index / 1e6,
    ]);
    return { epoch: Number(posted.epoch), time: Number(posted.time), prices: Object.fromEntries(prices) };
  });
  return {
    epochs,
    ...record,
    takeOvers,
    gas: [...gas.values()].sort((first, second) => second.gas - first.gas),
  };
}
