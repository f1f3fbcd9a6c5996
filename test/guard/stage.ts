import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { parseTicket } from "../../protocol/tradeTicket.ts";
import { openRow } from "../../protocol/transition.ts";
import type { Account } from "../../prover/account.ts";
import { createKeystore, openKeystore } from "../../prover/keystore.ts";
import type { Prover } from "../../prover/prover.ts";
import { type AccountSecrets, accountSecrets } from "../../prover/secrets.ts";
import { openAccount } from "../../services/account/open.ts";
import { approve, NOTHING, proveTransition, submit, submitTrade } from "../../services/account/transact.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { accountOf, type Reading, readingOf, scopeOf } from "../../services/chain/reading.ts";
import { type GuardConfig, openGuard } from "../../services/guard/guard.ts";
import type { GuardPolicy } from "../../services/guard/policy.ts";
import type { GuardReport } from "../../services/guard/report.ts";
import type { GuardEvent } from "../../services/guard/webhook.ts";
import { makeLog } from "../../services/log.ts";
import { idealProver } from "../support/idealProver.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { WEAK } from "../support/weakKeystore.ts";

/*
 * A chain on which Alder is long ten bitcoin from Birch with sixteen thousand dollars, and the guard of Alder's account. The ledger verifies by
 * declaration.
 */

export const PASSWORD = "correct horse battery staple";
export const USD = 1_000_000n;
export const ALDER = 0;
export const BIRCH = 1;
const START = new Date("2020-05-21T23:22:36Z");

export const POLICY: GuardPolicy = {
  horizonHours: 4,
  warn: { ratio: 1.3 },
  act: { ratio: 1.15 },
  targetRatio: 1.25,
  topUp: { perDay: 2_000n * USD, total: 3_000n * USD, maxFee: 0n },
  clears: true,
};

export interface GuardStage {
  local: ServedChain;
  stage: Stage;
  market: Market;
  prover: Prover;
  reading: Reading;
  owners: readonly [AccountSecrets, AccountSecrets];
  /** What guards logged, and told. */
  lines: string[];
  events: GuardEvent[];
  /** A file of the test's directory. */
  at(name: string): string;
  config(change?: Partial<GuardConfig>): GuardConfig;
  /** Rounds of one guard, which is opened for them. */
  rounds(count: number, change?: Partial<GuardConfig>): Promise<GuardReport[]>;
  round(change?: Partial<GuardConfig>): Promise<GuardReport>;
  /** Writes what is queued. */
  writeQueue(): Promise<void>;
  /** Lets bitcoin move to a multiple of its price, a minute later. */
  move(factor: number): Promise<void>;
  /** Micro-USDC in Alder's wallet. */
  wallet(): Promise<bigint>;
  account(owner: 0 | 1): Promise<Account>;
  /** Alder's equity over margin. */
  ratio(): Promise<number>;
  deposit(owner: 0 | 1, amount: bigint): Promise<void>;
  /** Lots of the perpetual that Alder is long of at first. */
  perpetualLots: bigint;
  /** A ticket as Alder receives it. */
  ticket(legs: { id: bigint; size: bigint }[], cash: bigint): Promise<string>;
  /** Both halves of a ticket, Alder on side 0. */
  trade(ticket: string): Promise<void>;
  close(): Promise<void>;
}

export async function guardStage(): Promise<GuardStage> {
  const directory = mkdtempSync(join(tmpdir(), "solvus-guard-"));
  const at = (name: string): string => join(directory, name);
  const local = await serveLocalChain(START, 0);
  const stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, admin, traders, relayer } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  const prover = idealProver(verifier as unknown as Contract);
  const reading = readingOf(deployed);
  const market = makeMarket(stage, shortSnapshot());
  await market.open();
  for (const { address } of traders)
    await (await (deployed.usdc.connect(admin) as Contract).mint(address, 10n ** 12n)).wait();
  await createKeystore(at("alder.keystore"), PASSWORD, WEAK);
  const secretsOf = (master: Uint8Array) => accountSecrets(master, 1n, scopeOf(deployed));
  const owners = [
    secretsOf(await openKeystore(at("alder.keystore"), PASSWORD)),
    secretsOf(new Uint8Array(32).fill(2)),
  ] as const;
  writeFileSync(at("alder.pass"), PASSWORD);
  writeFileSync(at("alder.key"), developmentKey(1));
  writeFileSync(at("deployment.json"), JSON.stringify(deployed.deployment));
  const trader = (owner: number) => traders[owner] as (typeof traders)[0];
  const perpetual = market.snapshot.inputs.underlyings.find(({ name }) => name === "BTC")?.perpetual;
  const perpetualLots = 10n * 10n ** BigInt(-(perpetual?.lotExponent ?? 0));

  const made: GuardStage = {
    ...{ local, stage, market, prover, reading, owners, at, perpetualLots },
    lines: [],
    events: [],
    config: (change = {}) => ({
      deployed,
      secrets: owners[ALDER],
      policy: POLICY,
      prover,
      payer: trader(ALDER),
      registry: async () => undefined,
      dataDirectory: at("guard"),
      notify: async (event) => {
        made.events.push(event);
      },
      log: makeLog("guard", { write: (line) => made.lines.push(line) }),
      pollMs: 10,
      ...change,
    }),
    async rounds(count, change = {}) {
      const guard = openGuard(made.config(change));
      try {
        const reports: GuardReport[] = [];
        for (let round = 0; round < count; round++) reports.push(await guard.round());
        return reports;
      } finally {
        await guard.close();
      }
    },
    round: async (change = {}) => (await made.rounds(1, change))[0] as GuardReport,
    async writeQueue() {
      await local.advance(30);
      await sealIfDue(deployed, relayer);
      await insertClosedNodes(deployed, prover, relayer);
      await market.keepFresh(60);
    },
    async move(factor) {
      await local.advance(60);
      await market.next({ prices: { BTC: factor } });
    },
    wallet: () => deployed.usdc.balanceOf(trader(ALDER).address),
    account: (owner) => accountOf(reading, owners[owner]),
    async ratio() {
      const { equity, margin } = standingOf((await made.account(ALDER)).note, market.snapshot);
      return Number(equity) / Number(margin.maintenance);
    },
    async deposit(owner, amount) {
      const payer = trader(owner);
      const setting = { snapshot: market.snapshot, payer: payer.address };
      const request = { ...NOTHING, deposit: amount };
      const { proven } = await proveTransition(deployed, prover, await made.account(owner), request, setting);
      await approve(deployed.ledger, payer, deployed.usdc, amount);
      await submit(deployed, payer, proven);
    },
    async ticket(legs, cash) {
      return JSON.stringify({
        format: "solvus-trade-ticket",
        version: 1,
        chainId: Number(deployed.chain.chainId),
        ledger: deployed.chain.ledger,
        legs: legs.map(({ id, size }) => ({ id: String(id), size: String(size) })),
        cash: String(cash),
        salt: "5",
        deadline: (await local.now()) + 600,
      });
    },
    async trade(text) {
      const ticket = parseTicket(text);
      const prove = async (side: 0 | 1) => {
        const request = { ...NOTHING, trade: { package: ticket.package, side } };
        const setting = { snapshot: market.snapshot, deadline: ticket.deadline };
        return (await proveTransition(deployed, prover, await made.account(side), request, setting)).proven;
      };
      await submitTrade(deployed, relayer, await prove(ALDER), await prove(BIRCH));
      await made.writeQueue();
    },
    async close() {
      await prover.close();
      await stage.prover.close();
      await local.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };

  for (const owner of [ALDER, BIRCH])
    await openAccount(deployed, prover, trader(owner), owners[owner] as AccountSecrets);
  await made.writeQueue();
  await made.deposit(ALDER, 16_000n * USD);
  await made.deposit(BIRCH, 100_000n * USD);
  await made.writeQueue();
  const id = BigInt(perpetual?.id ?? 0);
  const { mark } = openRow(market.snapshot, id).row;
  await made.trade(await made.ticket([{ id, size: perpetualLots }], -perpetualLots * mark));
  return made;
}
