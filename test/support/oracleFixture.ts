import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { type Contract, type ContractTransactionReceipt, keccak256, toUtf8Bytes } from "ethers";
import hre from "hardhat";
import type { Posting } from "../../contracts/posting.ts";
import {
  type ObservedPrices,
  type Reporter,
  reporterOf,
  type SnapshotHeader,
  signHeader,
  signObservations,
} from "../../contracts/signing.ts";
import {
  type AggregatedPrice,
  aggregatePrice,
  freshQuorum,
  REASONS,
  type SourcePrice,
} from "../../protocol/priceAggregation.ts";
import { pricesHash } from "../../protocol/pricedInputs.ts";
import { randomElement } from "./ledgerFixture.ts";

export const INPUTS: Uint8Array = toUtf8Bytes("volatilities and listings");

/** What is signed and posted besides the defaults. */
export interface PostingOptions {
  header?: Partial<SnapshotHeader>;
  keys?: readonly bigint[];
  /** Who observes, and in the same order what they see; by default the first quorum of reporters, one price of 50,000. */
  observers?: readonly HardhatEthersSigner[];
  seen?: readonly Partial<ObservedPrices>[];
  /** Who signs the header; by default the observers. */
  signers?: readonly HardhatEthersSigner[];
}

/** What an accepted posting left. */
export interface Posted {
  receipt: ContractTransactionReceipt;
  prices: bigint[];
  /** Sources left out, `[reporter, key, reason]`. */
  leftOut: [reporter: string, key: bigint, reason: string][];
}

/** An oracle alone on a fresh in-process chain. */
export interface OracleFixture {
  ethers: HardhatEthers;
  oracle: Contract;
  address: string;
  chainId: bigint;
  admin: HardhatEthersSigner;
  reporters: HardhatEthersSigner[];
  /** Not reporters. */
  others: HardhatEthersSigner[];
  now(): Promise<bigint>;
  nextBlockAt(time: bigint): Promise<void>;
  /** Reporters of a set with the currency that they have in the fixture, dollars for others. */
  named(signers: readonly HardhatEthersSigner[]): Reporter[];
  currencyOf(signer: HardhatEthersSigner): string;
  /** What the model makes of a posting's observations on the oracle's present prices. */
  model(options: PostingOptions): Promise<AggregatedPrice[]>;
  /** A signed posting of the next epoch at the next second, with the prices that the model gives. */
  posting(options?: PostingOptions): Promise<Posting>;
  send(posting: Posting): Promise<Posted>;
  /** Signs and posts. */
  post(options?: PostingOptions): Promise<Posted>;
}

/** Deploys an oracle whose reporters' sources quote in these currencies. */
export async function oracleFixture(
  currencies: readonly string[] = ["USD", "USD", "USD", "USDT", "USDT", "USDC", "USDC"],
): Promise<OracleFixture> {
  const { ethers } = await hre.network.connect();
  const [admin, ...signers] = await ethers.getSigners();
  const reporters = signers.slice(0, currencies.length);
  const currencyOf = (signer: HardhatEthersSigner): string => currencies[reporters.indexOf(signer)] ?? "USD";
  const named = (some: readonly HardhatEthersSigner[]): Reporter[] =>
    some.map((signer) => reporterOf(signer.address, currencyOf(signer)));
  const oracle = await ethers.deployContract("RiskOracle", [admin.address, named(reporters)]);
  const address = await oracle.getAddress();
  const { chainId } = await ethers.provider.getNetwork();

  const complete = async (options: PostingOptions) => {
    const [, latest] = await oracle.latest();
    const time: bigint = options.header?.time ?? (await fixture.now()) + 1n;
    const epoch: bigint = options.header?.epoch ?? latest.epoch + 1n;
    const keys = options.keys ?? [0n];
    const observers = options.observers ?? reporters.slice(0, freshQuorum(reporters.length));
    const seen = observers.map((_, place) => ({
      prices: keys.map(() => 50_000_000_000n),
      tradedAt: keys.map(() => time),
      restHash: keccak256(INPUTS),
      ...options.seen?.[place],
    }));
    return { time, epoch, keys, observers, seen, lastTime: latest.time as bigint };
  };

  const fixture: OracleFixture = {
    ethers,
    oracle,
    address,
    chainId,
    admin,
    reporters,
    others: signers.slice(currencies.length),
    now: async () => BigInt((await ethers.provider.getBlock("latest"))!.timestamp),
    async nextBlockAt(time) {
      await ethers.provider.send("evm_setNextBlockTimestamp", [Number(time)]);
    },
    named,
    currencyOf,
    async model(options) {
      const { time, keys, observers, seen, lastTime } = await complete(options);
      const [lastKeys, lastPrices] = await oracle.latestPrices();
      const set: Reporter[] = await oracle.reporters();
      // By signer, as the observations are posted: of two that are equally far off the first is left out first.
      const order = observers
        .map((_, place) => place)
        .sort((a, b) => (BigInt(observers[a].address) < BigInt(observers[b].address) ? -1 : 1));
      return keys.map((key, place) => {
        const found = [...lastKeys].indexOf(key);
        const sources = order.map(
          (observer): SourcePrice => ({
            currency: currencyOf(observers[observer]),
            price: seen[observer].prices[place] ?? 0n,
            tradedAt: seen[observer].tradedAt[place] ?? 0n,
          }),
        );
        const round = {
          time,
          lastTime,
          quorum: freshQuorum(set.length),
          severalCurrencies: new Set(set.map(({ currency }) => currency)).size > 1,
        };
        return aggregatePrice(round, sources, found < 0 ? 0n : lastPrices[found]);
      });
    },
    async posting(options = {}) {
      const { time, epoch, keys, observers, seen } = await complete(options);
      const observed = { epoch, time, keys };
      const observations = await signObservations(observers, chainId, address, observed, seen);
      const prices = (await fixture.model({ ...options, header: { ...options.header, time } })).map(
        ({ price }) => price,
      );
      const header: SnapshotHeader = {
        epoch,
        time,
        snapshotRoot: randomElement(),
        pricesHash: pricesHash({ keys: [...keys], prices }),
        inputsHash: keccak256(INPUTS),
        steady: true,
        ...options.header,
      };
      const signatures = await signHeader(options.signers ?? observers, chainId, address, header);
      return [header, INPUTS, keys, observations, signatures];
    },
    async send(posting) {
      const receipt: ContractTransactionReceipt = await (await oracle.post(...posting)).wait();
      const events = receipt.logs.flatMap((log) => oracle.interface.parseLog(log) ?? []);
      return {
        receipt,
        prices: [...events.find(({ name }) => name === "SnapshotPosted")!.args.prices],
        leftOut: events
          .filter(({ name }) => name === "SourceLeftOut")
          .map(({ args }) => [args.reporter, args.key, REASONS[Number(args.reason)]]),
      };
    },
    async post(options) {
      return fixture.send(await fixture.posting(options));
    },
  };
  return fixture;
}
