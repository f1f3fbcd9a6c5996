import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Signer } from "ethers";
import { buildSnapshot, type MarketSnapshot } from "../protocol/snapshot.ts";
import { createProver } from "../prover/prover.ts";
import { type AccountSecrets, accountSecrets } from "../prover/secrets.ts";
import { openAccount } from "../services/account/open.ts";
import { withPayerSignature } from "../services/account/relayed.ts";
import { NOTHING, proveTransition } from "../services/account/transact.ts";
import { accountOf, type Reading, scopeOf, withReading } from "../services/chain/reading.ts";
import { publishSnapshot } from "../services/chain/snapshots.ts";
import { relayerClient } from "../services/relayer/client.ts";
import type { Item } from "../services/relayer/items.ts";
import { type RelayerLoad, relayerLoad } from "../test/support/relayerLoad.ts";
import { shortSnapshot } from "../test/support/shortMarket.ts";
import type { Benchmark } from "./benchmark.ts";

/*
 * Transitions through a relayer, checked, stored, batched and mined by `solvus relayer serve` with a data directory, on a chain that is served
 * over JSON-RPC by this process. All of them share the machine's cores.
 */

/** Transitions of a measurement: a multiple of 16, so that every node of the state tree is full. */
const PREMADE = 256;
/** Accounts that prove one each. An opening has two leaves, so that they fill a node. */
const PROVEN = 8;
/** Customers that hand items in at the same time. */
const CUSTOMERS = 32;
const PATIENCE_MS = 600_000;
/** Micro-USDC. */
const DEPOSIT = 1_000_000n;

async function withLoad(work: (load: RelayerLoad) => Promise<number>): Promise<number> {
  const load = await relayerLoad();
  try {
    return await work(load);
  } finally {
    await load.close();
  }
}

/** Waits until so many notes are in the state tree. Throws when the relayer gave up on one. */
async function inserted(load: RelayerLoad, notes: bigint): Promise<void> {
  while ((await load.queue()).inserted * 16n < notes) {
    const text = await (await fetch(`${load.url}/metrics`)).text();
    const lost = /submissions\{state="(?:refused|expired)"\} [1-9].*/.exec(text)?.[0];
    if (lost !== undefined) throw new Error(`the relayer gave up: ${lost}`);
    await sleep(200);
  }
}

/** Hands items in, several at a time. */
async function submitAll({ url }: RelayerLoad, items: Iterable<Item>): Promise<void> {
  const client = relayerClient(url);
  const left = items[Symbol.iterator]();
  const shared = { [Symbol.iterator]: () => ({ next: () => left.next() }) };
  await Promise.all(
    Array.from({ length: CUSTOMERS }, async () => {
      for (const item of shared) await client.submit(item);
    }),
  );
}

const perMinute = (count: number, since: number): number => count / ((performance.now() - since) / 60_000);

/** With proofs that were made before, from the first one handed in to the last one in the state tree. */
function premade(): Promise<number> {
  return withLoad(async (load) => {
    const measure = async (count: number): Promise<number> => {
      const items = await load.transitions(count);
      const goal = (await load.queue()).tail + BigInt(count);
      const start = performance.now();
      await submitAll(load, items);
      await inserted(load, goal);
      return perMinute(count, start);
    };
    // Keys are loaded and code is compiled on the way.
    await measure(32);
    return measure(PREMADE);
  });
}

/** With each proof made on the way, one after another, from the first one begun to the last one mined: deposits of accounts that were opened before. */
function proving(): Promise<number> {
  return withLoad(async (load) => {
    const { alice, admin } = load.fixture;
    return withReading({ rpc: load.rpc, deployment: load.deployment }, async (reading) => {
      const { deployed } = reading;
      const payer = alice.connect(deployed.provider) as unknown as Signer;
      const prover = createProver({ chain: deployed.chain });
      try {
        const secrets = Array.from({ length: PROVEN }, () =>
          accountSecrets(randomBytes(32), 1n, scopeOf(deployed)),
        );
        for (const one of secrets) await openAccount(deployed, prover, admin, one);
        await inserted(load, BigInt(2 * PROVEN));
        await prover.warm(["transition.small"]);
        const snapshot = await freshSnapshot(load, reading);
        const client = relayerClient(load.url);
        const start = performance.now();
        const mined: Promise<unknown>[] = [];
        for (const one of secrets) {
          const { id } = await client.submit(await deposit(one));
          mined.push(client.wait(id, undefined, PATIENCE_MS));
        }
        await Promise.all(mined);
        return perMinute(PROVEN, start);

        async function deposit(one: AccountSecrets): Promise<Item> {
          const account = await accountOf(reading, one);
          const request = { ...NOTHING, deposit: DEPOSIT };
          const { proven } = await proveTransition(deployed, prover, account, request, {
            snapshot,
            payer: alice.address,
          });
          return { kind: "transition", transition: await withPayerSignature(deployed, payer, proven) };
        }
      } finally {
        await prover.close();
      }
    });
  });
}

/** A snapshot of underlyings and perpetuals at the chain's present time, published. */
async function freshSnapshot({ fixture }: RelayerLoad, { deployed }: Reading): Promise<MarketSnapshot> {
  const { inputs } = shortSnapshot();
  const [, { epoch }] = await fixture.oracle.latest();
  const snapshot = buildSnapshot({
    ...inputs,
    epoch: Number(epoch) + 1,
    time: 1000 * (Number(await fixture.now()) + 1),
    underlyings: inputs.underlyings.map((underlying) => ({ ...underlying, expiries: [] })),
  });
  await publishSnapshot(deployed, snapshot, [fixture.admin], fixture.admin, false);
  return snapshot;
}

const unit = "transitions/minute";
export const benchmarks: Benchmark[] = [
  { name: "relayer.transitions_per_minute", unit, run: premade },
  { name: "relayer.transitions_per_minute.proving", unit, run: proving },
];
