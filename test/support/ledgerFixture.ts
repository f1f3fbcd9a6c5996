import { deepEqual, equal } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { BaseContract, ContractTransactionReceipt, ContractTransactionResponse } from "ethers";
import { keccak256, toUtf8Bytes } from "ethers";
import hre from "hardhat";
import { deploySolvus, type SolvusContracts, type SolvusOptions } from "../../contracts/deploy.ts";
import { makePosting } from "../../contracts/posting.ts";
import { NOBODY, proofContext, type SnapshotHeader, type Terms } from "../../contracts/signing.ts";
import {
  type CircuitName,
  circuitIndex,
  insertionInputs,
  insolvencyInputs,
  liquidationInputs,
  type OpenSignals,
  openInputs,
  type ProofWords,
  type TakeOver,
  type TakeOverSignals,
  TIER,
  type Transition,
  type TransitionSignals,
  transitionInputs,
} from "../../contracts/statements.ts";
import { type PriceList, pricesHash } from "../../protocol/pricedInputs.ts";
import type { Forger } from "./forgedProofs.ts";

/** The one price that the fixture's reporter observes. */
const FIXTURE_PRICES: PriceList = { keys: [0n], prices: [50_000_000_000n] };

/** A key in the prime subgroup of Baby Jubjub: circomlib's Base8. */
export const COMMITTEE_KEY: readonly [bigint, bigint] = [
  5299619240641551281634865583518297030282874472190772894086521144482721001553n,
  16950150798460657717958625567821834550301663161624707787222815936182638968203n,
];

/** The auction's rate when its clock starts, Q16: 5%. */
export const FIRST_RATE = 3276n;

/** A random field element other than 0, below 2^248. */
export function randomElement(): bigint {
  return BigInt(`0x${randomBytes(31).toString("hex")}`) || 1n;
}

/** An arbitrary proof; the ideal verifier binds it to its statement. */
export function anyProof(): bigint[] {
  return Array.from({ length: 8 }, randomElement);
}

/** A proven opening, as `Ledger.submitBatch` takes it. */
export interface Opening {
  proof: ProofWords;
  signals: OpenSignals;
  terms: Terms;
}

/** The items of a batch. */
export interface Batch {
  openings: Opening[];
  transitions: Transition[];
  takeOvers: TakeOver[];
}

/** A batch of these items. */
export function batchOf(items: Partial<Batch>): Batch {
  return { openings: [], transitions: [], takeOvers: [], ...items };
}

/** Arguments of `Ledger.submitBatch`. */
export function batchArguments(items: Partial<Batch>): [Opening[], Transition[], TakeOver[]] {
  const { openings, transitions, takeOvers } = batchOf(items);
  return [openings, transitions, takeOvers];
}

/** An item that a batch left out: kind 0 opening, 1 transition, 2 take-over. */
export interface Skip {
  kind: bigint;
  index: bigint;
  /** Name of the error that it would have reverted with alone. */
  reason: string;
  parameters: unknown[];
}

/** The terms' deadline, in hours from the chain's time when a fixture builds a statement. */
const DEADLINE_HOURS = 24n * 365n;

export interface LedgerFixture extends SolvusContracts {
  ethers: HardhatEthers;
  chainId: bigint;
  /** Deploys, administers and is the only reporter. */
  admin: HardhatEthersSigner;
  /** Has approved the ledger and holds cash. */
  alice: HardhatEthersSigner;
  bob: HardhatEthersSigner;
  carol: HardhatEthersSigner;
  /** Time of the latest block, Unix seconds. */
  now(): Promise<bigint>;
  /** Sets the time of the next block. */
  nextBlockAt(time: bigint): Promise<void>;
  /** Mines a block this many seconds after the latest. */
  advance(seconds: number | bigint): Promise<void>;
  /** A header of the next epoch with the present time. */
  nextHeader(overrides?: Partial<SnapshotHeader>): Promise<SnapshotHeader>;
  /** Posts the next epoch's snapshot and returns its root. */
  postSnapshot(overrides?: Partial<SnapshotHeader>): Promise<bigint>;
  /** A proof of a statement: forged, or any eight words declared to be its proof to the ideal verifier. */
  prove(circuit: CircuitName, inputs: readonly bigint[], proof?: ProofWords): Promise<bigint[]>;
  /** A proven transition on the latest snapshot; nothing moves unless overridden. */
  transition(
    signals?: Partial<TransitionSignals>,
    terms?: Partial<Terms>,
    tier?: keyof typeof TIER,
  ): Promise<Transition>;
  /** Arguments of a proven opening at the latest epoch. */
  opening(signals?: Partial<OpenSignals>, terms?: Partial<Terms>): Promise<[bigint[], OpenSignals, Terms]>;
  /** The two proven sides of one trade. */
  trade(
    first?: Partial<TransitionSignals>,
    second?: Partial<TransitionSignals>,
  ): Promise<[Transition, Transition]>;
  /** Flags the note at a leaf index, or renews its flag, on the latest snapshot. */
  flag(leafIndex: bigint, nullifier: bigint): Promise<void>;
  /** A proven take-over on the latest snapshot, of a note that must be flagged; the fund pays nothing unless overridden. */
  takeOver(
    signals?: Partial<TakeOverSignals>,
    terms?: Partial<Terms>,
    tier?: keyof typeof TIER,
  ): Promise<TakeOver>;
  /** A proven take-over of a note that was flagged for it, on a snapshot posted after the flag. */
  flaggedTakeOver(signals?: Partial<TakeOverSignals>, terms?: Partial<Terms>): Promise<TakeOver>;
  /** Submits a batch, as the administrator unless somebody else sends. */
  submitBatch(items: Partial<Batch>, sender?: HardhatEthersSigner): Promise<ContractTransactionReceipt>;
  /** What a batch left out, and why. */
  skips(receipt: ContractTransactionReceipt): Skip[];
  /** Arguments of a proven insertion of a node into the present tree. */
  insertion(
    nodeIndex: bigint,
    leaves: readonly bigint[],
    newRoot?: bigint,
  ): Promise<[bigint, bigint[], bigint, bigint[]]>;
  /** Another ledger on the same chain that relies on the same contracts. */
  twinLedger(configuration?: Record<string, unknown>): Promise<SolvusContracts["ledger"]>;
  /** The ledger, or another contract of the fixture, with another sender. */
  as(signer: HardhatEthersSigner, contract?: BaseContract): SolvusContracts["ledger"];
}

/**
 * Deploys Solvus on a fresh in-process chain and posts the first snapshot. Proofs are declared to the ideal verifier, or, given a
 * forger, are real ones for its keys. With `sameTimes` blocks may have equal times; `cashToken` names a contract to serve
 * as cash; `chain` is the chain's id, 31337 by default.
 */
export async function ledgerFixture(
  options: Partial<SolvusOptions> = {},
  forger?: Forger,
  {
    sameTimes = false,
    cashToken,
    chain = 31337,
  }: { sameTimes?: boolean; cashToken?: string; chain?: number } = {},
): Promise<LedgerFixture> {
  const override = { allowBlocksWithSameTimestamp: sameTimes, chainId: chain };
  const { ethers } = await hre.network.connect({ network: "default", override });
  const [admin, alice, bob, carol] = await ethers.getSigners();
  const contracts = await deploySolvus(ethers, {
    committeeKey: COMMITTEE_KEY,
    verifier: forger?.keys ?? "ideal",
    ...(cashToken && { cash: await (await ethers.deployContract(cashToken)).getAddress() }),
    ...options,
  });
  const { ledger, oracle, verifier, auction, fund, usdc, addresses } = contracts;
  const { chainId } = await ethers.provider.getNetwork();

  for (const trader of [alice, bob]) {
    await usdc.mint(trader.address, 1_000_000_000_000n);
    await usdc.connect(trader).getFunction("approve")(addresses.ledger, 2n ** 255n);
  }

  const now = async (): Promise<bigint> => BigInt((await ethers.provider.getBlock("latest"))!.timestamp);
  const latestSnapshot = async (): Promise<{ root: bigint; epoch: bigint }> => {
    const [root, info] = await oracle.latest();
    return { root, epoch: info.epoch };
  };
  const termsOf = async (terms: Partial<Terms>): Promise<Terms> => ({
    payer: NOBODY,
    recipient: NOBODY,
    relayer: NOBODY,
    deadline: (await now()) + DEADLINE_HOURS * 3600n,
    ...terms,
  });

  const fixture: LedgerFixture = {
    ...contracts,
    ethers,
    chainId,
    admin,
    alice,
    bob,
    carol,
    now,
    async nextBlockAt(time) {
      await ethers.provider.send("evm_setNextBlockTimestamp", [Number(time)]);
    },
    async advance(seconds) {
      await fixture.nextBlockAt((await now()) + BigInt(seconds));
      await ethers.provider.send("evm_mine", []);
    },
    async nextHeader(overrides = {}) {
      const { epoch } = await latestSnapshot();
      return {
        epoch: epoch + 1n,
        time: (await now()) + 1n,
        snapshotRoot: randomElement(),
        pricesHash: pricesHash(FIXTURE_PRICES),
        inputsHash: keccak256(toUtf8Bytes("inputs")),
        steady: true,
        ...overrides,
      };
    },
    async postSnapshot(overrides = {}) {
      const header = await fixture.nextHeader(overrides);
      const snapshot = { ...header, inputs: toUtf8Bytes("inputs") };
      await oracle.post(...(await makePosting([admin], chainId, addresses.oracle, snapshot, FIXTURE_PRICES)));
      return header.snapshotRoot;
    },
    async prove(circuit, inputs, proof = anyProof()) {
      if (forger) return forger.forge(circuit, inputs);
      await verifier.prove(circuitIndex(circuit), [...proof], [...inputs]);
      return [...proof];
    },
    async transition(overrides = {}, terms = {}, tier = "small") {
      const signals: TransitionSignals = {
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: (await latestSnapshot()).root,
        registryRoot: 0n,
        nullifier: randomElement(),
        commitment: randomElement(),
        mode: 0n,
        asset: 0n,
        deposit: 0n,
        withdrawal: 0n,
        fee: 0n,
        tradeTag: 0n,
        side: 0n,
        escrow: [randomElement(), randomElement()],
        ...overrides,
      };
      const allTerms = await termsOf(terms);
      const context = proofContext(chainId, addresses.ledger, allTerms);
      const proof = await fixture.prove(`transition.${tier}`, transitionInputs(signals, context));
      return { tier: TIER[tier], proof, signals, terms: allTerms, payerSignature: "0x" };
    },
    async opening(overrides = {}, terms = {}) {
      const signals: OpenSignals = {
        stateRoot: await ledger.stateRoot(),
        registryRoot: 0n,
        epoch: (await latestSnapshot()).epoch,
        commitment: randomElement(),
        accountTag: randomElement(),
        escrow: Array.from({ length: 5 }, randomElement),
        ...overrides,
      };
      const allTerms = await termsOf(terms);
      const context = proofContext(chainId, addresses.ledger, allTerms);
      const proof = await fixture.prove("open", openInputs(signals, COMMITTEE_KEY, context));
      return [proof, signals, allTerms];
    },
    async trade(first = {}, second = {}) {
      const common = { tradeTag: randomElement() };
      return [
        await fixture.transition({ ...common, side: 0n, ...first }),
        await fixture.transition({ ...common, side: 1n, ...second }),
      ];
    },
    async flag(leafIndex, nullifier) {
      const signals = {
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: (await latestSnapshot()).root,
        nullifier,
        leafIndex,
      };
      const inputs = insolvencyInputs({ ...signals, disclosurePoint: 0n, disclosureValue: 0n });
      await auction.flag(TIER.small, await fixture.prove("insolvency.small", inputs), signals);
    },
    async takeOver(overrides = {}, terms = {}, tier = "small") {
      const signals: TakeOverSignals = {
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: (await latestSnapshot()).root,
        registryRoot: 0n,
        targetNullifier: randomElement(),
        targetLeafIndex: randomElement() % 2n ** 28n,
        targetCommitment: randomElement(),
        keeperNullifier: randomElement(),
        keeperCommitment: randomElement(),
        rate: FIRST_RATE,
        deficit: 0n,
        reward: 0n,
        cured: 0n,
        fee: 0n,
        targetEscrow: Array.from({ length: 4 }, randomElement),
        keeperEscrow: Array.from({ length: 6 }, randomElement),
        ...overrides,
      };
      const allTerms = await termsOf(terms);
      const context = proofContext(chainId, addresses.ledger, allTerms);
      const inputs = liquidationInputs(signals, await auction.restoration(), context);
      const proof = await fixture.prove(`liquidation.${tier}`, inputs);
      return { tier: TIER[tier], proof, signals, terms: allTerms };
    },
    async flaggedTakeOver(overrides = {}, terms = {}) {
      const targetNullifier = overrides.targetNullifier ?? randomElement();
      const targetLeafIndex = overrides.targetLeafIndex ?? randomElement() % 2n ** 28n;
      await fixture.flag(targetLeafIndex, targetNullifier);
      await fixture.postSnapshot();
      return fixture.takeOver({ ...overrides, targetNullifier, targetLeafIndex }, terms);
    },
    async submitBatch(items, sender = admin) {
      const response = await fixture.as(sender).submitBatch(...batchArguments(items));
      return response.wait();
    },
    skips(receipt) {
      return receipt.logs.flatMap((log) => {
        const event = ledger.interface.parseLog(log);
        if (event?.name !== "Skipped") return [];
        const { kind, index, reason } = event.args;
        const error = [ledger, auction, fund, usdc]
          .map((contract) => contract.interface.parseError(reason))
          .find((found) => found !== null);
        return { kind, index, reason: error?.name ?? reason, parameters: [...(error?.args ?? [])] };
      });
    },
    async insertion(nodeIndex, leaves, newRoot = randomElement()) {
      const oldRoot = await ledger.stateRoot();
      const all = [...leaves, ...Array<bigint>(16 - leaves.length).fill(0n)];
      const proof = await fixture.prove("insertion", insertionInputs(oldRoot, newRoot, nodeIndex, all));
      return [nodeIndex, all, newRoot, proof];
    },
    async twinLedger(configuration = {}) {
      const { ledger: _, usdc: cash, ...others } = addresses;
      const relied = { cash, ...others };
      const committeeKey = [...COMMITTEE_KEY];
      return ethers.deployContract("Ledger", [
        { admin: admin.address, committeeKey, ...relied, ...configuration },
      ]);
    },
    as(signer, contract = ledger) {
      return contract.connect(signer) as SolvusContracts["ledger"];
    },
  };
  await fixture.postSnapshot();
  return fixture;
}

/** The revert data somewhere inside an error of ethers or Hardhat. */
export function revertData(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > 4) return undefined;
  const { data, ...rest } = error as Record<string, unknown>;
  if (typeof data === "string" && data.startsWith("0x")) return data;
  for (const inner of [data, rest.info, rest.error, rest.cause]) {
    const found = revertData(inner, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** Expects a call or transaction to revert with exactly this custom error of the contract, and with these arguments if they are given. */
export async function expectRefusal(
  action: Promise<unknown>,
  contract: BaseContract,
  name: string,
  parameters?: readonly unknown[],
): Promise<void> {
  let failure: unknown;
  try {
    const result = await action;
    await (result as ContractTransactionResponse | undefined)?.wait?.();
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) throw new Error(`expected ${name}, but the call was accepted`);
  const data = revertData(failure);
  if (data === undefined) throw failure;
  const parsed = contract.interface.parseError(data);
  equal(parsed?.name ?? `unknown error ${data}`, name);
  if (parameters) deepEqual([...parsed!.args], [...parameters]);
}
