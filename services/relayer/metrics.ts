import { setTimeout as sleep } from "node:timers/promises";
import type { Provider } from "ethers";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Store } from "../store/store.ts";
import type { Gate } from "./gate.ts";
import type { ChangeStreams } from "./stream.ts";
import { countsByState, queueAgeMs, submissionOf } from "./submissions.ts";

export interface MetricParts {
  registry: Registry;
  store: Store;
  provider: Provider;
  /** Address that pays for gas. */
  relayer: string;
  gate: Gate;
  streams: ChangeStreams;
}

/** What happened, for the counters. */
export interface Metrics {
  refused(rule: string): void;
  /** A batch of so many items was sent. */
  batch(items: number): void;
  /** A transaction of the store was mined. Its gas is asked for by the way; nobody waits for it. */
  mined(outgoing: string, transaction: string): void;
}

const prefix = "solvus_relayer";

/** Registers the relayer's figures. Those that cannot be read now are left out of the answer. */
export function makeMetrics({ registry, store, provider, relayer, gate, streams }: MetricParts): Metrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => Promise<number> | number): void => {
    new Gauge({
      ...{ name: `${prefix}_${name}`, help, registers },
      async collect() {
        this.reset();
        await attempt(async () => this.set(await read()));
      },
    });
  };
  new Gauge({
    ...{ name: `${prefix}_submissions`, help: "Submissions by state", labelNames: ["state"], registers },
    async collect() {
      this.reset();
      await attempt(async () => {
        for (const [state, count] of Object.entries(await countsByState(store))) this.set({ state }, count);
      });
    },
  });
  gauge("queue_age_seconds", "Age of the oldest submission that waits to be sent", async () => {
    return (await queueAgeMs(store)) / 1000;
  });
  gauge("key_balance_coins", "Coins of the key that pays for gas", async () => {
    return Number((await provider.getBalance(relayer)) / 10n ** 9n) / 1e9;
  });
  gauge("admission_waiting", "Items that wait to be checked", () => gate.size().waiting);
  gauge("admission_at_work", "Items that are being checked", () => gate.size().atWork);
  gauge("streams", "Event streams that are open", () => streams.count());

  const refusals = new Counter({
    ...{ name: `${prefix}_refusals_total`, help: "Items that were refused, by rule", registers },
    labelNames: ["rule"],
  });
  const batches = new Histogram({
    ...{ name: `${prefix}_batch_items`, help: "Items of a batch", registers },
    buckets: [1, 2, 4, 8, 12, 16],
  });
  const gas = new Counter({
    ...{ name: `${prefix}_gas_total`, help: "Gas of mined transactions, by purpose", registers },
    labelNames: ["purpose"],
  });
  const latency = new Histogram({
    ...{ name: `${prefix}_mined_seconds`, help: "Time from a submission to its block", registers },
    buckets: [1, 2, 5, 10, 20, 40, 80, 160, 320],
  });
  streams.onChange(({ state, id, at }) => {
    if (state !== "mined") return;
    void attempt(async () => {
      const submission = await submissionOf(store, id);
      if (submission !== undefined) latency.observe((at.getTime() - submission.receivedAt.getTime()) / 1000);
    });
  });
  return {
    refused: (rule) => refusals.inc({ rule }),
    batch: (items) => batches.observe(items),
    mined(outgoing, transaction) {
      void attempt(async () => {
        const [row] = await store.query<{ purpose: string }>("SELECT purpose FROM outgoing WHERE id = $1", [
          outgoing,
        ]);
        const receipt = await provider.getTransactionReceipt(transaction);
        if (row !== undefined && receipt !== null) gas.inc({ purpose: row.purpose }, Number(receipt.gasUsed));
      });
    },
  };
}

/** How long a figure is waited for: the others are of most use when something hangs. */
const FIGURE_MS = 2_000;

/** Reads a figure; database or node may be away. */
async function attempt(read: () => Promise<void>): Promise<void> {
  const late = new AbortController();
  const reading = read().catch(() => undefined);
  await Promise.race([reading, sleep(FIGURE_MS, undefined, { signal: late.signal, ref: false })]).catch(
    () => undefined,
  );
  late.abort();
}
