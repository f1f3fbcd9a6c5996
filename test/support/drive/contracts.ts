import type { Contract } from "ethers";
import { expect } from "vitest";
import { startLocalChain } from "../../../cli/chain/localChain.ts";
import { clearContext, disclosurePoint } from "../../../contracts/auction.ts";
import { connectChain } from "../../../contracts/chain.ts";
import { deploySolvus } from "../../../contracts/deploy.ts";
import { makePosting } from "../../../contracts/posting.ts";
import { NOBODY, proofContext, type Terms } from "../../../contracts/signing.ts";
import {
  type CircuitName,
  circuitIndex,
  insertionInputs,
  insolvencyInputs,
  liquidationInputs,
  type OpenSignals,
  openInputs,
  type SolvencySignals,
  solvencyInputs,
  type TakeOverSignals,
  TIER,
  type TransitionSignals,
  transitionInputs,
} from "../../../contracts/statements.ts";
import type { AuditedChain } from "../../../protocol/chain.ts";
import { encodeInputs } from "../../../protocol/inputsCodec.ts";
import type { InsolvencySignals } from "../../../protocol/insolvency.ts";
import { tokenUnitsPerLot } from "../../../protocol/instrument.ts";
import { RESTORATION, type TakeOver, takeOverShape } from "../../../protocol/liquidation.ts";
import type { MarketInputs } from "../../../protocol/marketInputs.ts";
import { pricesOf } from "../../../protocol/pricedInputs.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import type { InsertionInput } from "../../../protocol/stateTree.ts";
import { tierFor } from "../../../protocol/tier.ts";
import type { PreparedStatement } from "../../../protocol/transitionInput.ts";
import { anyProof, revertData } from "../ledgerFixture.ts";
import type { Flag } from "./auctionModel.ts";
import type { World } from "./world.ts";

type PreparedInsolvency = PreparedStatement & { signals: InsolvencySignals };

/**
 * The contracts, driven beside the model on an in-process chain whose verifier accepts what is declared proven. A verdict is the name of the
 * error that a call reverts with, undefined when it is accepted. `now` is the time of the call's block.
 */
export interface ContractSide {
  /** Reads the ledger as anybody does. */
  chain: AuditedChain;
  post(now: bigint, snapshot: MarketSnapshot): Promise<void>;
  open(now: bigint, signals: OpenSignals): Promise<string | undefined>;
  /** One transition, or the two sides of a trade. */
  submit(
    now: bigint,
    items: readonly { tier: "small" | "large"; signals: TransitionSignals }[],
  ): Promise<string | undefined>;
  takeOver(now: bigint, takeOver: TakeOver, signals: TakeOverSignals): Promise<string | undefined>;
  flag(now: bigint, prepared: PreparedInsolvency): Promise<string | undefined>;
  reveal(
    now: bigint,
    words: readonly bigint[],
    note: Pick<InsolvencySignals, "stateRoot" | "nullifier" | "leafIndex">,
    prepare: (point: bigint) => PreparedInsolvency,
  ): Promise<string | undefined>;
  clear(now: bigint, signals: Omit<SolvencySignals, "context">): Promise<string | undefined>;
  seal(now: bigint): Promise<void>;
  insert(now: bigint, insertion: InsertionInput): Promise<void>;
  fundDeposit(now: bigint, amount: bigint): Promise<void>;
  /** The contracts hold what the model says. */
  checkHoldings(world: World): Promise<void>;
  /** The auction's flag at a place is the model's. */
  checkFlag(leafIndex: bigint, flag: Flag | undefined): Promise<void>;
  close(): Promise<void>;
}

const GAS = "0xf00000";
const ENOUGH = 2n ** 100n;
const YEAR_SECONDS = 31_536_000n;

/** Deploys Solvus on a chain of its own, whose clock starts a day before `inputs`; spot is listed, and one sender pays for everything. */
export async function contractSide(
  inputs: MarketInputs,
  options: { committeeKey: readonly [bigint, bigint]; floor: bigint },
): Promise<ContractSide> {
  const local = await startLocalChain(new Date(inputs.time - 86_400_000));
  const { ethers } = local;
  const { provider } = ethers;
  const [admin, recipient] = await ethers.getSigners();
  const contracts = await deploySolvus(ethers, {
    committeeKey: options.committeeKey,
    verifier: "ideal",
    fundFloor: options.floor,
  });
  const { ledger, oracle, verifier, auction, fund, usdc, addresses } = contracts;
  const { chainId } = await provider.getNetwork();
  const tokens = new Map<bigint, { token: Contract; unit: bigint }>();
  for (const { name, spot } of inputs.underlyings) {
    if (spot === undefined) continue;
    const token = await ethers.deployContract("TestToken", [name, name, 8]);
    const unit = tokenUnitsPerLot(spot.lotExponent, 8);
    await ledger.listAsset(spot.id, await token.getAddress(), unit);
    tokens.set(BigInt(spot.id), { token, unit });
  }
  for (const token of [usdc, ...[...tokens.values()].map((listed) => listed.token)]) {
    await token.mint(admin.address, ENOUGH);
    for (const spender of [addresses.ledger, addresses.fund]) await token.approve(spender, ENOUGH);
  }

  const at = (time: bigint) => provider.send("evm_setNextBlockTimestamp", [Number(time)]);
  /** Sends a call in a block of its own; gives the name of the error that it reverts with. */
  const send = async (
    now: bigint,
    contract: Contract,
    method: string,
    values: readonly unknown[],
  ): Promise<string | undefined> => {
    const data = contract.interface.encodeFunctionData(method, values);
    await at(now);
    try {
      await provider.send("eth_sendTransaction", [
        { from: admin.address, to: await contract.getAddress(), data, gas: GAS },
      ]);
      return undefined;
    } catch (error) {
      const reverted = revertData(error);
      const parsed = reverted && contract.interface.parseError(reverted);
      if (parsed) return parsed.name;
      // The ledger passes on what auction and fund say.
      for (const other of [auction, fund]) {
        const passed = reverted && other.interface.parseError(reverted);
        if (passed) return passed.name;
      }
      throw error;
    }
  };
  const accepted = async (...call: Parameters<typeof send>): Promise<void> =>
    expect(await send(...call), call[2]).toBeUndefined();
  /** Declares a statement proven, in the block before the call. */
  const prove = async (
    now: bigint,
    circuit: CircuitName,
    statement: readonly bigint[],
  ): Promise<bigint[]> => {
    const proof = anyProof();
    await accepted(now - 1n, verifier, "prove", [circuitIndex(circuit), proof, [...statement]]);
    return proof;
  };
  const termsAt = (now: bigint, terms: Partial<Terms> = {}): Terms => ({
    payer: NOBODY,
    recipient: NOBODY,
    relayer: NOBODY,
    deadline: now + YEAR_SECONDS,
    ...terms,
  });
  const contextOf = (terms: Terms): bigint => proofContext(chainId, addresses.ledger, terms);

  return {
    chain: await connectChain(provider, addresses.ledger),
    async post(now, { inputs: observed, epoch, root }) {
      const snapshot = {
        epoch,
        time: BigInt(Math.floor(observed.time / 1000)),
        snapshotRoot: root,
        steady: false,
        inputs: encodeInputs(observed),
      };
      const posting = await makePosting([admin], chainId, addresses.oracle, snapshot, pricesOf(observed));
      await accepted(now, oracle, "post", posting);
    },
    async open(now, signals) {
      const terms = termsAt(now);
      const inputsOfOpen = openInputs(signals, [...options.committeeKey], contextOf(terms));
      return send(now, ledger, "open", [await prove(now, "open", inputsOfOpen), signals, terms]);
    },
    async submit(now, items) {
      const proven = [];
      for (const [index, { tier, signals }] of items.entries()) {
        const terms = termsAt(now, { payer: admin.address, recipient: recipient.address });
        const statement = transitionInputs(signals, contextOf(terms));
        // Two sides are proven in the two blocks before their call.
        const proof = await prove(now - BigInt(items.length - 1 - index), `transition.${tier}`, statement);
        proven.push({ tier: TIER[tier], proof, signals, terms, payerSignature: "0x" });
      }
      return send(now, ledger, proven.length === 1 ? "submit" : "submitTrade", proven);
    },
    async takeOver(now, takeOver, signals) {
      const terms = termsAt(now);
      const { name } = tierFor(takeOverShape(takeOver));
      const statement = liquidationInputs(signals, RESTORATION, contextOf(terms));
      const proof = await prove(now, `liquidation.${name}`, statement);
      return send(now, ledger, "takeOver", [{ tier: TIER[name], proof, signals, terms }]);
    },
    async flag(now, { tier, signals }) {
      const proof = await prove(now, `insolvency.${tier.name}`, insolvencyInputs(signals));
      return send(now, auction, "flag", [TIER[tier.name], proof, signals]);
    },
    async reveal(now, words, { stateRoot, nullifier, leafIndex }, prepare) {
      const point = disclosurePoint(chainId, addresses.auction, { stateRoot, nullifier, leafIndex }, words);
      const { tier, signals } = prepare(point);
      const proof = await prove(now, `insolvency.${tier.name}`, insolvencyInputs(signals));
      return send(now, auction, "reveal", [TIER[tier.name], proof, signals, words]);
    },
    async clear(now, signals) {
      const statement = solvencyInputs({ ...signals, context: clearContext(chainId, addresses.auction) });
      return send(now, auction, "clear", [
        TIER.small,
        await prove(now, "solvency.small", statement),
        signals,
      ]);
    },
    seal: (now) => accepted(now, ledger, "seal", []),
    async insert(now, { oldRoot, newRoot, nodeIndex, leaves }) {
      const proof = await prove(now, "insertion", insertionInputs(oldRoot, newRoot, nodeIndex, leaves));
      await accepted(now, ledger, "insert", [nodeIndex, leaves, newRoot, proof]);
    },
    fundDeposit: (now, amount) => accepted(now, fund, "deposit", [amount]),
    async checkHoldings({ fund: model, spot }) {
      const [cash, balance, uncovered, claims, impairedSince, held] = await Promise.all([
        usdc.balanceOf(addresses.ledger),
        fund.balance(),
        fund.uncovered(),
        fund.totalClaims(),
        fund.impairedSince(),
        usdc.balanceOf(addresses.fund),
      ]);
      expect({ cash, balance, uncovered, claims, impairedSince, held }).toEqual({
        cash: model.ledgerCash,
        balance: model.balance,
        uncovered: model.uncovered,
        claims: model.claims,
        impairedSince: model.impairedSince,
        held: model.balance + model.recovered,
      });
      for (const [asset, { token, unit }] of tokens)
        expect(await token.balanceOf(addresses.ledger)).toBe((spot.get(asset) ?? 0n) * unit);
    },
    async checkFlag(leafIndex, flag) {
      const { clockStart, lastProven, firstEpoch, nullifier } = await auction.flagOf(leafIndex);
      const none = { clockStart: 0n, lastProven: 0n, firstEpoch: 0n, nullifier: 0n };
      expect({ clockStart, lastProven, firstEpoch, nullifier }).toEqual(flag ?? none);
    },
    close: () => local.close(),
  };
}
