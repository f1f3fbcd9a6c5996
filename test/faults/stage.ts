import { setTimeout as pause } from "node:timers/promises";
import { Wallet } from "ethers";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { signDeposit } from "../../contracts/signing.ts";
import { TIER, type TransitionSignals } from "../../contracts/statements.ts";
import { readLedger } from "../../protocol/chain.ts";
import { closedNodes } from "../../protocol/ledgerHistory.ts";
import type { Prover } from "../../prover/prover.ts";
import { attach, type Deployed, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { type Log, makeLog } from "../../services/log.ts";
import type { Item } from "../../services/relayer/items.ts";
import { type FaultyRpc, serveFaulty } from "../support/faultyRpc.ts";
import { anyProof, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";
import { fund } from "../support/ledgerItems.ts";

/*
 * A ledger behind a node that can fail, items that cost nothing to make, and what must be true of the ledger when all of them are done,
 * whatever happened on the way.
 */

/** Code that answers every call with 1: as the ledger's verifier it believes every proof, before a re-org and after it. */
const BELIEVER = "0x600160005260206000f3";

/** Development accounts: the fixture has the first four, relayers these. */
const FIRST_RELAYER = 6;
const RELAYERS = 4;

/** Micro-USDC: what the fixture's ledger holds before the first item, and what each item pays its relayer. */
const HOLDINGS = 10_000_000_000n;
export const FEE = 1_000_000n;

export interface FaultStage {
  fixture: LedgerFixture;
  /** The node that services under test talk to. */
  rpc: FaultyRpc;
  /** A connection to it without faults. */
  calm: FaultyRpc;
  deployment: Deployment;
  /** The deployment, read without faults. */
  deployed: Deployed;
  /** Keys of the relayers. */
  relayerKeys: readonly string[];
  /** Gives what puts chain and clock back to where they were when this was called. */
  mark(): Promise<() => Promise<void>>;
  /** Adds an empty block every so many milliseconds, as time does on a real chain; returns what ends it. */
  keepMining(milliseconds?: number): () => Promise<void>;
  /** What the ledger says after all that happened so far. */
  outcome(): Promise<Outcome>;
  close(): Promise<void>;
}

/** State of a ledger without what may differ from run to run: the order of leaves, block numbers, who relayed. Lists are sorted. */
export interface Outcome {
  nullifiers: bigint[];
  accountTags: bigint[];
  /** Commitments and tags, by value. */
  leaves: bigint[];
  /** Tokens of ledger, fund, Alice, Carol, and of all relayers together, in micro-USDC. */
  tokens: { ledger: bigint; fund: bigint; alice: bigint; carol: bigint; relayers: bigint };
  /** Closed nodes that are not in the tree. */
  notInserted: number;
  /** Items that a batch on the chain left out. */
  skipped: number;
}

const byValue = (values: Iterable<bigint>): bigint[] => [...values].sort((a, b) => (a < b ? -1 : 1));

/** Starts a chain with a ledger that believes every proof; with `judging`, one that believes those declared to its ideal verifier. */
export async function faultStage({ judging = false } = {}): Promise<FaultStage> {
  const fixture = await ledgerFixture({}, undefined, { sameTimes: true });
  const { ethers, addresses, chainId, ledger, usdc, alice, carol } = fixture;
  const node = ethers.provider;
  await fund(fixture, HOLDINGS);
  if (!judging) await node.send("hardhat_setCode", [addresses.verifier, BELIEVER]);
  const rpc = await serveFaulty(ethers);
  const calm = await serveFaulty(ethers);
  const deployment: Deployment = {
    format: "solvus-deployment",
    version: 1,
    chainId: Number(chainId),
    fromBlock: 0,
    ledger: addresses.ledger,
    oracle: addresses.oracle,
    registry: addresses.registry,
    usdc: addresses.usdc,
  };
  const provider = await connectRpc(calm.url);
  const deployed = await attach(provider, deployment);
  const relayerKeys = Array.from({ length: RELAYERS }, (_, index) => developmentKey(FIRST_RELAYER + index));
  const relayers = relayerKeys.map((key) => new Wallet(key).address);
  const tokensOf = (account: string): Promise<bigint> => usdc.balanceOf(account);
  return {
    fixture,
    rpc,
    calm,
    deployment,
    deployed,
    relayerKeys,
    async mark() {
      const snapshot = await node.send("evm_snapshot", []);
      const { timestamp } = (await node.getBlock("latest"))!;
      return async () => {
        await node.send("evm_revert", [snapshot]);
        await node.send("evm_setNextBlockTimestamp", [timestamp + 1]);
      };
    },
    keepMining(milliseconds = 100) {
      let running = true;
      const mining = (async () => {
        while (running) {
          await node.send("evm_mine", []);
          await pause(milliseconds);
        }
      })();
      return async () => {
        running = false;
        await mining;
      };
    },
    async outcome() {
      const { history } = await readLedger(deployed.chain);
      const held = await Promise.all(relayers.map(tokensOf));
      return {
        nullifiers: byValue(history.spendings.keys()),
        accountTags: byValue(history.openings.keys()),
        leaves: byValue(history.leaves.values()),
        tokens: {
          ledger: await tokensOf(addresses.ledger),
          fund: await tokensOf(addresses.fund),
          alice: await tokensOf(alice.address),
          carol: await tokensOf(carol.address),
          relayers: held.reduce((sum, tokens) => sum + tokens, 0n),
        },
        notInserted: closedNodes(history).length,
        skipped: (await ledger.queryFilter(ledger.getEvent("Skipped"))).length,
      };
    },
    async close() {
      provider.destroy();
      await rpc.close();
      await calm.close();
    },
  };
}

/** Replaces the latest blocks by as many empty ones (one more, as chains do not shrink), later than those they replace. */
export async function reorganize({ fixture }: FaultStage, back: () => Promise<void>): Promise<void> {
  const { provider } = fixture.ethers;
  const { number, timestamp } = (await provider.getBlock("latest"))!;
  await back();
  for (let block = (await provider.getBlockNumber()) + 1, time = timestamp; block <= number + 1; block++) {
    await provider.send("evm_setNextBlockTimestamp", [++time]);
    await provider.send("evm_mine", []);
  }
}

/** Proves anything for a ledger that believes everything. */
export function believedProver(): Prover {
  return {
    async prove({ circuit, publicSignals }) {
      return { circuit, proof: anyProof(), publicSignals: [...publicSignals] };
    },
    async witness() {
      throw new Error("a believed prover makes no witness");
    },
    async warm() {},
    async close() {},
  };
}

/**
 * At least `count` items on the latest snapshot, in a mixture: of nine one opening, one deposit that Alice signed, one withdrawal to Carol,
 * the two sides of a trade, four that move nothing. Each but the openings pays {@link FEE}. Nothing is sent to the chain.
 */
export async function mixedItems(fixture: LedgerFixture, count: number): Promise<Item[]> {
  const { oracle, ledger, chainId, addresses, alice, carol } = fixture;
  const nobody = "0x0000000000000000000000000000000000000000";
  const [snapshotRoot, { epoch }] = await oracle.latest();
  const stateRoot: bigint = await ledger.stateRoot();
  const deadline = (await fixture.now()) + 24n * 3600n;
  const terms = { payer: nobody, recipient: nobody, relayer: nobody, deadline };

  const signalsWith = (overrides: Partial<TransitionSignals>): TransitionSignals => ({
    stateRoot,
    snapshotRoot,
    registryRoot: 0n,
    nullifier: randomElement(),
    commitment: randomElement(),
    mode: 0n,
    asset: 0n,
    deposit: 0n,
    withdrawal: 0n,
    fee: FEE,
    tradeTag: 0n,
    side: 0n,
    escrow: [randomElement(), randomElement()],
    ...overrides,
  });
  const transition = (overrides: Partial<TransitionSignals>, others: Partial<typeof terms> = {}) => ({
    tier: TIER.small,
    proof: anyProof(),
    signals: signalsWith(overrides),
    terms: { ...terms, ...others },
    payerSignature: "0x",
  });

  const items: Item[] = [];
  for (let index = 0; items.length < count; index++) {
    switch (index % 8) {
      case 0:
        items.push({
          kind: "opening",
          opening: {
            proof: anyProof(),
            signals: {
              stateRoot,
              registryRoot: 0n,
              epoch,
              commitment: randomElement(),
              accountTag: randomElement(),
              escrow: Array.from({ length: 5 }, randomElement),
            },
            terms,
          },
        });
        break;
      case 1: {
        const deposited = transition({ deposit: 1000n + BigInt(index) }, { payer: alice.address });
        const { nullifier, commitment, asset, deposit: amount } = deposited.signals;
        const authorization = { nullifier, commitment, asset, amount, deadline };
        const payerSignature = await signDeposit(alice, chainId, addresses.ledger, authorization);
        items.push({ kind: "transition", transition: { ...deposited, payerSignature } });
        break;
      }
      case 2:
        items.push({
          kind: "transition",
          transition: transition({ withdrawal: 10n + BigInt(index) }, { recipient: carol.address }),
        });
        break;
      case 3: {
        const tradeTag = randomElement();
        for (const side of [0n, 1n])
          items.push({ kind: "transition", transition: transition({ tradeTag, side }) });
        break;
      }
      default:
        items.push({ kind: "transition", transition: transition({}) });
    }
  }
  return items;
}

/** A log that keeps its lines, down to `info`, in the order of writing. */
export function keptLog(lines: string[]): Log {
  return makeLog("test", { write: (line) => lines.push(line) });
}

/** A log for what nobody reads. */
export function silentLog(): Log {
  return keptLog([]);
}
