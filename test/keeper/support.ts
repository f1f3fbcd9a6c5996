import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import { type LocalChain, startLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { KIND } from "../../protocol/constants.ts";
import type { Side, TradePackage } from "../../protocol/trade.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";
import type { Prover } from "../../prover/prover.ts";
import { type AccountSecrets, accountSecrets } from "../../prover/secrets.ts";
import { openAccount } from "../../services/account/open.ts";
import { approve, NOTHING, proveTransition, submit, submitTrade } from "../../services/account/transact.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { accountOf, readingOf, scopeOf } from "../../services/chain/reading.ts";
import { type KeeperConfig, type RunningKeeper, startKeeper } from "../../services/keeper/keeper.ts";
import { makeLog } from "../../services/log.ts";
import { idealProver } from "../support/idealProver.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { GENEROUS, USD } from "./limits.ts";

/** A chain in the process with accounts on it, for tests of a running keeper. Proofs are declared to the ideal verifier. */
export interface KeeperChain {
  local: LocalChain;
  stage: Stage;
  market: Market;
  prover: Prover;
  /** Secrets of a new institution's account. */
  institution(number?: bigint): AccountSecrets;
  open(secrets: AccountSecrets): Promise<void>;
  deposit(secrets: AccountSecrets, usd: bigint): Promise<void>;
  /** The first buys lots of the bitcoin perpetual from the second at the mark. */
  trade(buyer: AccountSecrets, seller: AccountSecrets, lots: bigint): Promise<void>;
  writeQueue(): Promise<void>;
  /** An epoch a minute later, with bitcoin at a multiple of its price. */
  move(factor: number, seconds?: number): Promise<void>;
  /** Remembers the chain; the function that it gives returns to it, as often as it is called. */
  remember(): Promise<() => Promise<void>>;
  /** Starts a keeper; it is stopped by {@link KeeperChain.close}, unless before. */
  keeper(options: Partial<KeeperConfig> & Pick<KeeperConfig, "accounts">): Promise<RunningKeeper>;
  /** Waits until a keeper has nothing to do at the present block. */
  settle(keeper: RunningKeeper): Promise<void>;
  stopKeepers(): Promise<void>;
  directory(): string;
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

export async function keeperChain(): Promise<KeeperChain> {
  const local = await startLocalChain(new Date("2020-05-21T23:22:36Z"));
  const stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, admin, traders, relayer, committeeKey } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  const prover = idealProver(verifier as unknown as Contract);
  let market = makeMarket(stage, shortSnapshot());
  await market.open();
  const [trader] = traders as [HardhatEthersSigner];
  await (await (deployed.usdc.connect(admin) as Contract).mint(trader.address, 10n ** 15n)).wait();
  await approve(deployed.ledger, trader, deployed.usdc, 10n ** 15n);
  const reading = readingOf(deployed);
  const running = new Set<RunningKeeper>();
  const directories: string[] = [];

  const transition = async (secrets: AccountSecrets, request: Partial<TransitionRequest>) => {
    const account = await accountOf(reading, secrets);
    const setting = { snapshot: market.snapshot, payer: trader.address };
    return (await proveTransition(deployed, prover, account, { ...NOTHING, ...request }, setting)).proven;
  };

  const chain: KeeperChain = {
    local,
    stage,
    get market() {
      return market;
    },
    prover,
    institution: (number = 1n) => accountSecrets(randomBytes(32), number, scopeOf(deployed)),
    async open(secrets) {
      await openAccount(deployed, prover, relayer, secrets);
    },
    async deposit(secrets, usd) {
      await submit(deployed, trader, await transition(secrets, { deposit: usd * USD }));
    },
    async trade(buyer, seller, lots) {
      const perpetual = market.snapshot.instruments.find(({ kind }) => kind === KIND.perpetual)!;
      const { underlying, place } = market.snapshot.tree.locate(perpetual.id)!;
      const { mark } = market.snapshot.tree.row(underlying, place);
      const traded: TradePackage = {
        legs: [{ id: perpetual.id, size: lots }],
        cash: -lots * mark,
        salt: BigInt(`0x${randomBytes(16).toString("hex")}`),
      };
      const half = (secrets: AccountSecrets, side: Side) =>
        transition(secrets, { trade: { package: traded, side } });
      await submitTrade(deployed, trader, await half(buyer, 0), await half(seller, 1));
    },
    async writeQueue() {
      await local.advance(30);
      await sealIfDue(deployed, relayer);
      await insertClosedNodes(deployed, prover, relayer);
      await market.keepFresh(60);
    },
    async move(factor, seconds = 60) {
      await local.advance(seconds);
      await market.next(factor === 1 ? {} : { prices: { BTC: factor } });
    },
    async remember() {
      const { provider } = local.ethers;
      const snapshot = market.snapshot;
      let mark: string = await provider.send("evm_snapshot", []);
      return async () => {
        await provider.send("evm_revert", [mark]);
        mark = await provider.send("evm_snapshot", []);
        market = makeMarket(stage, snapshot);
      };
    },
    async keeper(options) {
      const keeper = await startKeeper({
        deployed,
        sight: { committeeKey },
        registry: async () => undefined,
        signer: stage.keeper,
        limits: GENEROUS,
        coin: 200n * USD,
        prover,
        listen: { host: "127.0.0.1", port: 0 },
        dataDirectory: chain.directory(),
        log: makeLog("keeper", { write() {} }),
        pollMs: 10,
        lagMs: 0,
        ...options,
      });
      const stop = keeper.stop.bind(keeper);
      keeper.stop = async () => {
        running.delete(keeper);
        await stop();
      };
      running.add(keeper);
      return keeper;
    },
    async settle(keeper) {
      const until = Date.now() + PATIENCE_MS;
      for (;;) {
        const { idle, block } = keeper.status();
        if (idle && block === (await local.ethers.provider.getBlockNumber())) return;
        if (Date.now() > until) throw new Error(`keeper is not idle: ${JSON.stringify(keeper.status())}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async stopKeepers() {
      await Promise.all([...running].map((keeper) => keeper.stop()));
    },
    directory() {
      const made = mkdtempSync(join(tmpdir(), "solvus-keeper-"));
      directories.push(made);
      return made;
    },
    async close() {
      await chain.stopKeepers();
      await prover.close();
      await stage.prover.close();
      await local.close();
      for (const made of directories) rmSync(made, { recursive: true, force: true });
    },
  };
  return chain;
}
