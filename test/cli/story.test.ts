import type { Contract } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalChain, startLocalChain } from "../../cli/chain/localChain.ts";
import { auditChain, flagAfterFall, takeOverSlice } from "../../cli/demo/liquidationScenes.ts";
import { listAssets, openMarket } from "../../cli/demo/marketScenes.ts";
import { makeNarrator, type Narrator } from "../../cli/demo/narrator.ts";
import type { Play } from "../../cli/demo/play.ts";
import { FUND_BALANCE, type Stage, setStage } from "../../cli/demo/stage.ts";
import {
  type Cast,
  depositCollateral,
  openAccounts,
  register,
  tradeCallSpread,
  tradePerpetual,
  withdraw,
} from "../../cli/demo/tradeScenes.ts";
import { publicView } from "../../cli/demo/views.ts";
import type { Prover } from "../../prover/prover.ts";
import { idealProver } from "../support/idealProver.ts";

/*
 * The scenes of the demo from the opening of accounts to the take-over, on a ledger that verifies by declaration. Scenes build on one another.
 */

let local: LocalChain;
let stage: Stage;
let prover: Prover;
let narrator: Narrator;
let play: Play;
let cast: Cast;
const lines: string[] = [];

/** The facts of the last step. */
// biome-ignore lint/suspicious/noExplicitAny: each step has facts of its own.
const facts = (): any => narrator.steps.at(-1)?.facts;

beforeAll(async () => {
  local = await startLocalChain(new Date("2020-05-21T23:22:36Z"));
  stage = await setStage(local, { openRegistry: false, verifier: "ideal" });
  const { deployed, admin } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  prover = idealProver(verifier as unknown as Contract);
  narrator = makeNarrator((line) => lines.push(line));
  const first = await openMarket(narrator, stage);
  const assets = await listAssets(narrator, local, stage, first);
  ({ play, ...cast } = await register(narrator, local, { ...stage, prover }, first));
  await openAccounts(narrator, play, cast);
  await depositCollateral(narrator, play, cast.alder, cast.birch, assets);
  await tradePerpetual(narrator, play, cast.alder, cast.birch);
});
afterAll(async () => {
  await prover?.close();
  await stage?.prover.close();
  await local?.close();
});

test("a relayer's batch takes both sides of a trade and a deposit once, and costs less than each alone", async () => {
  const { usdc, chain } = play.deployed;
  const held: bigint = await usdc.balanceOf(chain.ledger);
  await tradeCallSpread(narrator, play, cast);
  expect(facts().batchGas).toBeLessThan(facts().aloneGas);
  // What was measured alone was undone.
  expect(await usdc.balanceOf(chain.ledger)).toBe(held + 105_000_000_000n);
  // The last trade is shown by its two sides, whatever else came with it.
  const shown = (await publicView(play)).join("\n");
  expect(shown).toMatch(/side A {2}spends/);
  expect(shown).toMatch(/side B {2}spends/);
  expect(shown).not.toContain("trade tag         0x0000000000");
});

test("after the fall one account is below its margin, is flagged, and taken over in part a minute later", async () => {
  await withdraw(narrator, play, cast.alder);
  await local.advance(60);
  await play.market.next({ prices: { BTC: 0.88 }, volatilities: { BTC: 1.3 } });
  const target = await flagAfterFall(narrator, play, cast.cedar);
  expect(facts().accounts.filter(({ belowMargin }: { belowMargin: boolean }) => belowMargin)).toHaveLength(1);
  const plan = await takeOverSlice(narrator, play, cast.cedar, target);
  expect(facts()).toMatchObject({ cured: true, rewardUsd: "0.00", deficitUsd: "0.00" });
  expect(facts().slice).toBeGreaterThan(0.25);
  expect(facts().slice).toBeLessThan(1);
  expect(plan.equityAfter + plan.keeperEquity).toBe(plan.equity + plan.keeper.before.cash);
  expect(await play.deployed.fund.balance()).toBe(FUND_BALANCE);
});

test("an audit of the chain accepts it, and what it tells holds no figure of an account", async () => {
  const { target, keeper } = facts();
  const figures: string[] = [target, keeper].flatMap(({ equityUsd }) => equityUsd);
  const start = lines.length;
  await auditChain(narrator, play);
  expect(facts()).toMatchObject({ accepted: true, cured: true });
  const told = lines.slice(start).join("\n").replaceAll(",", "");
  const whole = figures.map((figure) => figure.slice(0, figure.indexOf(".") + 1));
  for (const secret of [...whole, String(cast.alder.secrets.spendSecret), "BTC-PERPETUAL"])
    expect(told).not.toContain(secret);
});
