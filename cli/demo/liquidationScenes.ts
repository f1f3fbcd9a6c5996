import { readLedger } from "../../protocol/chain.ts";
import type { TakenOverEvent } from "../../protocol/ledgerHistory.ts";
import type { PlacedNote, TakeOver } from "../../protocol/liquidation.ts";
import { flag } from "../../services/keeper/insolvency.ts";
import { planTakeOver } from "../../services/keeper/plan.ts";
import { escrowedAccounts } from "../../services/keeper/sight.ts";
import { fundLimits, requireAdmitted, takeOver } from "../../services/keeper/takeOver.ts";
import {
  activeFlag,
  chooseAccount,
  type WatchedAccount,
  watchAccounts,
} from "../../services/keeper/watch.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { percent, takeOverFigures, takeOverText, watchedFigures, watchedTable } from "../keeper/text.ts";
import { dollars } from "../table.ts";
import type { Narrator } from "./narrator.ts";
import type { Institution } from "./people.ts";
import { accountOf, type Play } from "./play.ts";
import { shortHex } from "./views.ts";

/** How far the market falls after the attestations. */
const FALL = { prices: { BTC: 0.84 } };

const gasText = (gas: bigint): string => gas.toLocaleString("en-US");

/** Every account at the market's snapshot, with the risk committee's key. */
async function watch(play: Play): Promise<WatchedAccount[]> {
  const { deployed, committeeKey, market } = play;
  const accounts = await escrowedAccounts(play, await readLedger(deployed.chain), committeeKey);
  return watchAccounts(deployed, accounts, market.snapshot);
}

/** The market falls, and a keeper flags the account that is below its margin. */
export function flagAfterFall(narrator: Narrator, play: Play, keeper: Institution): Promise<PlacedNote> {
  return narrator.step(
    "Bitcoin falls by a further 16%: a keeper finds who is below margin, and flags it",
    async (note) => {
      const { deployed, prover, market } = play;
      await play.local.advance(60);
      const snapshot = await market.next(FALL);
      const watched = await watch(play);
      narrator.say(
        `With the risk committee's viewing key ${keeper.name} follows every account from chain data, epoch ${snapshot.epoch}:`,
      );
      narrator.say(`\n${watchedTable(watched)}\n`);
      const { account } = chooseAccount(watched);
      const view = await readLedger(deployed.chain);
      const setting = { deployed, prover, sender: keeper.signer, view, snapshot };
      const { receipt, proveSeconds } = await flag(setting, account);
      const { permittedRate = 0n } = (await activeFlag(deployed, account.leafIndex)) ?? {};
      narrator.say(
        `It proves that the account at place ${account.leafIndex} has less equity than margin, in ${proveSeconds.toFixed(1)} s, ${gasText(receipt.gasUsed)} gas.`,
      );
      narrator.say(
        `The auction's clock runs: a keeper may ask up to ${percent(permittedRate)} of the margin it takes over, and more by the minute, on later epochs alone.`,
      );
      note({ epoch: snapshot.epoch, accounts: watched.map((one) => watchedFigures(one, snapshot)) });
      note({ place: account.leafIndex, proveSeconds, gas: Number(receipt.gasUsed) });
      return account;
    },
  );
}

/** An epoch after the flag the keeper takes over a slice. */
export function takeOverSlice(
  narrator: Narrator,
  play: Play,
  keeper: Institution,
  target: PlacedNote,
): Promise<TakeOver> {
  return narrator.step("An epoch later the keeper takes over a slice of every position", async (note) => {
    const { deployed, prover, market, registry } = play;
    await play.local.advance(60);
    const snapshot = await market.next();
    const account = await accountOf(play, keeper);
    const { permittedRate = 0n } = (await activeFlag(deployed, target.leafIndex)) ?? {};
    const wish = { rate: permittedRate, restoration: await deployed.auction.restoration(), fee: 0n };
    const limits = await fundLimits(deployed, snapshot.epoch);
    const plan = planTakeOver(target, account, snapshot, wish, limits);
    await requireAdmitted(deployed, plan, snapshot);
    narrator.say(`${takeOverText(plan)}\n`);
    const { receipt, proveSeconds } = await takeOver(
      {
        deployed,
        prover,
        sender: keeper.signer,
        view: await readLedger(deployed.chain),
        snapshot,
        spendSecret: keeper.secrets.spendSecret,
        registry,
      },
      plan,
    );
    const { equity, equityAfter, deficit, reward } = plan;
    const before = equity + plan.keeper.before.cash;
    narrator.say(
      `Proven in ${proveSeconds.toFixed(1)} s, ${gasText(receipt.gasUsed)} gas. Nothing was sold: positions changed hands at the marks.`,
    );
    narrator.say(
      `Equity of both, ${dollars(before)} USDC before and ${dollars(equityAfter + plan.keeperEquity)} after: equal but for the fund's ${dollars(deficit + reward)}.`,
    );
    note({ epoch: snapshot.epoch, ...takeOverFigures(plan), proveSeconds, gas: Number(receipt.gasUsed) });
    return plan;
  });
}

/** The public data of the take-over, and an audit of the whole ledger. */
export function auditChain(narrator: Narrator, play: Play): Promise<void> {
  return narrator.step("An auditor without any key audits the ledger from its chain", async (note) => {
    const { chain } = play.deployed;
    const { history } = await readLedger(chain);
    const event = [...history.spendings.values()].at(-1)?.event as TakenOverEvent;
    narrator.say("What the chain says of the take-over:");
    narrator.say(
      [
        `   spent    ${shortHex(event.targetNullifier)} and ${shortHex(event.keeperNullifier)}`,
        `   new      ${shortHex(event.targetCommitment)} and ${shortHex(event.keeperCommitment)}`,
        `   escrow   ${event.targetEscrow.length + event.keeperEscrow.length} words, for whoever can read the two accounts`,
        `   rate ${percent(event.rate)}; from the fund ${dollars(event.deficit)} for a deficit, ${dollars(event.reward)} as reward; ${event.cured ? "cured" : "not cured"}`,
        "   no instrument, size, slice or payment; no cash, equity or margin of anybody",
      ].join("\n"),
    );
    narrator.say("\nThe auditor rebuilds ledger, snapshots and fund from events and compares:");
    const { accepted, checks, block } = await auditLedger(chain);
    for (const { name, passed, found } of checks)
      narrator.say(`   ${passed ? "passed" : "FAILED"}  ${name.padEnd(21)} ${found}`);
    narrator.say(`at block ${block}: ${accepted ? "accepted" : "refused"}`);
    if (!accepted) throw new Error("the audit of the ledger found a fault");
    note({
      accepted,
      checks,
      rate: event.rate,
      deficit: event.deficit,
      reward: event.reward,
      cured: event.cured,
    });
  });
}
