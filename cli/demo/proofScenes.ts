import { parseUsdc, ratioFromQ16 } from "../../protocol/fixedPoint.ts";
import { standingOf } from "../../protocol/solvency.ts";
import type { AttestationReport } from "../../verifier/attestation.ts";
import { randomFieldElement } from "../account/secrets.ts";
import { standingFigures } from "../accountText.ts";
import { dollars, table } from "../table.ts";
import { type Attested, attest, audit, demandOf } from "./audit.ts";
import type { Narrator } from "./narrator.ts";
import type { Institution } from "./people.ts";
import { accountOf, type Play } from "./play.ts";
import { refusalOf, refuse, tooLargeWithdrawal } from "./refusal.ts";
import { ownerView, publicView, sideBySide } from "./views.ts";

export function compareViews(
  narrator: Narrator,
  play: Play,
  alder: Institution,
  birch: Institution,
): Promise<void> {
  return narrator.step("What the public sees beside what the owners see", async (note) => {
    const open = await publicView(play);
    const own = [...(await ownerView(play, alder)), "", ...(await ownerView(play, birch))];
    narrator.say(sideBySide(["The public, of the last trade", "The owners, of themselves"], open, own));
    note({ public: open, owners: own });
  });
}

export function refuseBreach(narrator: Narrator, play: Play, owner: Institution): Promise<void> {
  return narrator.step("Refuse what would breach initial margin", async (note) => {
    const withdrawal = await tooLargeWithdrawal(play, owner);
    const { rules, circuit } = await refuse(play, owner, { withdrawal });
    narrator.say(
      `${owner.name} tries to withdraw ${dollars(withdrawal)} USDC: it would stay above maintenance margin, below initial.`,
    );
    narrator.say(`\nits wallet refuses, rule ${rules.rule}:\n   ${rules.message}`);
    narrator.say(
      `a wallet that skips the rules cannot make a proof, ${circuit.rule}:\n   ${circuit.message}`,
    );
    note({ withdrawalMicroUsdc: withdrawal, rule: rules.rule, message: rules.message });
    note({ circuitRule: circuit.rule, circuitMessage: circuit.message });
  });
}

function sayReport(narrator: Narrator, { checks, accepted, block }: AttestationReport): void {
  for (const { name, passed, found } of checks)
    narrator.say(
      `   ${passed ? "passed" : "FAILED"}  ${name.padEnd(15)} ${found.length > 50 ? `${found.slice(0, 47)}…` : found}`,
    );
  narrator.say(`at block ${block}: ${accepted ? "accepted" : "refused"}`);
}

const ratioText = (ratio: number): string => (Number.isInteger(ratio) ? ratio.toFixed(1) : String(ratio));

const claimText = ({ claim }: Attested): string =>
  `equity is at least ${ratioText(ratioFromQ16(claim.ratio))} x maintenance margin and at least ${dollars(claim.excess)} USDC above it`;

async function attestAndAudit(
  narrator: Narrator,
  play: Play,
  owner: Institution,
): Promise<{ attested: Attested; report: AttestationReport; challenge: bigint }> {
  const challenge = randomFieldElement();
  const attested = await attest(play, owner, challenge);
  narrator.say(`The auditor sends a challenge; ${owner.name} proves: ${claimText(attested)}.`);
  narrator.say(
    `Proven in ${attested.proveSeconds.toFixed(1)} s. The auditor checks, from chain data and pinned keys alone:`,
  );
  const report = await audit(play, attested.text, demandOf(owner, challenge));
  sayReport(narrator, report);
  if (!report.accepted) throw new Error("the auditor refused an attestation that was expected to hold");
  return { attested, report, challenge };
}

const noteOf = ({ attested, report }: { attested: Attested; report: AttestationReport }) => ({
  ratio: ratioFromQ16(attested.claim.ratio),
  excessMicroUsdc: attested.claim.excess,
  proveSeconds: attested.proveSeconds,
  accepted: report.accepted,
  checks: report.checks.map(({ name, passed }) => ({ name, passed })),
});

export function attestToAuditor(narrator: Narrator, play: Play, owner: Institution): Promise<Attested> {
  return narrator.step("Attest solvency to an auditor", async (note) => {
    await play.market.keepFresh();
    const outcome = await attestAndAudit(narrator, play, owner);
    note(noteOf(outcome));
    const replay = await audit(play, outcome.attested.text, demandOf(owner, randomFieldElement()));
    const failed = replay.checks.filter(({ passed }) => !passed).map(({ name }) => name);
    narrator.say(`Shown to another auditor, with another challenge, it is refused: ${failed.join(", ")}.`);
    note({ replayRefusedBy: failed });
    return outcome.attested;
  });
}

/** How far the market moves between the two attestations. */
const SHOCK = { prices: { BTC: 0.88 }, volatilities: { BTC: 1.3 } };

export function attestAfterShock(
  narrator: Narrator,
  play: Play,
  owner: Institution,
  before: Attested,
): Promise<void> {
  return narrator.step(
    "The next epoch: bitcoin falls by 12%, volatilities rise by three tenths",
    async (note) => {
      const oldSnapshot = play.market.snapshot;
      const { note: account } = await accountOf(play, owner);
      await play.local.advance(60);
      const snapshot = await play.market.next(SHOCK);
      const now = standingFigures(standingOf(account, snapshot), snapshot);
      const then = standingFigures(standingOf(account, oldSnapshot), oldSnapshot);
      const row = (title: string, field: "equityUsd" | "maintenanceMarginUsd" | "initialMarginUsd") => [
        title,
        usd(then[field]),
        usd(now[field]),
      ];
      narrator.say(
        table(
          [`${owner.name} alone sees`, `epoch ${oldSnapshot.epoch}`, `epoch ${snapshot.epoch}`],
          [
            row("equity", "equityUsd"),
            row("maintenance margin", "maintenanceMarginUsd"),
            row("initial margin", "initialMarginUsd"),
            ["equity / margin", (then.ratio ?? 0).toFixed(3), (now.ratio ?? 0).toFixed(3)],
          ],
        ),
      );
      const refused = await refusalOf(() => attest(play, owner, randomFieldElement(), before.claim));
      narrator.say(`The old claim no longer holds: ${refused.rule}: ${refused.message}`);
      const outcome = await attestAndAudit(narrator, play, owner);
      note({ before: then, after: now, oldClaim: refused.rule, ...noteOf(outcome) });
    },
  );
}

const usd = (text: string): string => dollars(parseUsdc(text, "amount"));
