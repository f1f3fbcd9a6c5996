import type { GuardAct, GuardReport } from "../../services/guard/report.ts";
import { inLine } from "../plainText.ts";
import { dollars } from "../table.ts";

const percent = (probability: number): string => `${(probability * 100).toFixed(1)}%`;

function actText(act: GuardAct): string {
  switch (act.kind) {
    case "topUp":
      return `deposits ${dollars(act.amount)} USDC${act.transaction === undefined ? " through the relayer" : ` (transaction ${act.transaction})`}`;
    case "toppedUp":
      return `the deposit of ${dollars(act.amount)} USDC ${act.outcome === "landed" ? "is done" : `did not land (${act.outcome})`}`;
    case "ticket":
      return `wrote a ticket that closes ${dollars(act.notional)} USDC of positions and brings the ratio to ${act.ratio.toFixed(3)}: ${act.file}`;
    case "asked":
      return `asks makers to close ${dollars(act.notional)} USDC of positions, which brings the ratio to ${act.ratio.toFixed(3)}`;
    case "dealt":
      return act.outcome === "landed" ? "the trade is done" : `no trade (${inLine(act.rule ?? act.outcome)})`;
    case "cleared":
      return `ended the flag (transaction ${act.transaction})`;
    case "refused":
      return `could not act: ${inLine(`${act.rule}: ${act.message}`)}`;
  }
}

/** What a guard found and did, for people. */
export function reportText(number: bigint, report: GuardReport): string {
  const { state, flagged, epoch, equity, maintenance, ratio, probability, noForecast, spent, acts } = report;
  const forecast =
    probability === undefined
      ? `no forecast${noForecast === undefined ? "" : ` (${noForecast})`}`
      : `probability of falling below it: ${percent(probability)}`;
  const standing = `equity ${dollars(equity)}, maintenance margin ${dollars(maintenance)} USDC${Number.isFinite(ratio) ? `, ratio ${ratio.toFixed(3)}` : ""}; ${forecast}`;
  return [
    `Account ${number} is ${state}${flagged ? " and flagged" : ""} at epoch ${epoch}`,
    standing,
    ...acts.map(actText),
    `deposited: ${dollars(spent.today)} USDC in 24 hours, ${dollars(spent.total)} in all${report.pending ? "; something is under way" : ""}`,
  ].join("\n");
}
