import { decodeInputs } from "../../protocol/inputsCodec.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import type { Deployed } from "../chain/deployment.ts";
import { historyFromInputs, type PriceHistory } from "./history.ts";

/** Hourly prices that the oracle has published. */
export interface ChainHistory {
  /** The prices of the `hours` full hours before the latest snapshot; an hour without an epoch near its end is left out. */
  history(hours: number): Promise<PriceHistory>;
}

/** What an epoch published, as far as a history needs it. */
type Epoch = Parameters<typeof historyFromInputs>[0][number];

/**
 * Reads one epoch for each hour, and each only once: epochs are found by their times, so that days of them need not be fetched. Indexes are
 * those in the posted inputs, which everybody who rebuilds a snapshot has compared with the oracle's.
 */
export function chainHistory({ chain, oracle }: Pick<Deployed, "chain" | "oracle">): ChainHistory {
  const times = new Map<bigint, number>();
  const read = new Map<bigint, Epoch>();

  /** Milliseconds since 1970. */
  const timeOf = async (epoch: bigint): Promise<number> => {
    const known = times.get(epoch);
    if (known !== undefined) return known;
    const [, info] = await oracle.snapshotAt(epoch);
    const time = Number(info.time) * 1000;
    times.set(epoch, time);
    return time;
  };
  const inputsOf = async (epoch: bigint): Promise<Epoch | undefined> => {
    const known = read.get(epoch);
    if (known !== undefined) return known;
    const [root] = await oracle.snapshotAt(epoch);
    const posted = await chain.snapshotOf(root, await chain.blockNumber());
    if (posted === undefined) return undefined;
    const { time, underlyings } = decodeInputs(posted.inputs);
    read.set(epoch, { time, underlyings });
    return read.get(epoch);
  };
  /** The last epoch at or before a time, which is before that of `later`; 0 when there is none. */
  const epochAt = async (time: number, later: bigint): Promise<bigint> => {
    let [low, high] = [0n, later];
    for (let stride = 1n; high > 1n; stride *= 2n) {
      const tried = high > stride ? high - stride : 1n;
      if ((await timeOf(tried)) <= time) {
        low = tried;
        break;
      }
      high = tried;
    }
    while (low + 1n < high) {
      const middle = (low + high) / 2n;
      if ((await timeOf(middle)) <= time) low = middle;
      else high = middle;
    }
    return low;
  };

  return {
    async history(hours) {
      const [, latest] = await oracle.latest();
      const now = Number(latest.time) * 1000;
      const wanted: bigint[] = [];
      let later: bigint = latest.epoch + 1n;
      for (let hour = 0; hour < hours; hour++) {
        const end = Math.floor(now / HOUR_MS) * HOUR_MS - hour * HOUR_MS;
        // The latest epoch itself may be the one.
        const epoch = await epochAt(end + 999, later);
        if (epoch === 0n) break;
        wanted.push(epoch);
        later = epoch + 1n < later ? epoch + 1n : later;
      }
      const epochs: Epoch[] = [];
      for (const epoch of [...new Set(wanted)].reverse()) {
        const inputs = await inputsOf(epoch);
        if (inputs !== undefined) epochs.push(inputs);
      }
      for (const epoch of read.keys()) if (!wanted.includes(epoch)) read.delete(epoch);
      return historyFromInputs(epochs, { now });
    },
  };
}
