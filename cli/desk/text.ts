import type { JudgedRequest, Judgement } from "../../services/desk/judgement.ts";
import type { InquiryResult } from "../../services/desk/taker.ts";
import { inLine } from "../plainText.ts";
import { dollars, table } from "../table.ts";

const short = (key: string): string => key.slice(0, 12);
const utc = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

/** Answers and outcome of a request. */
export function inquiryText({ answers, outcome, rule }: InquiryResult): string {
  const rows = answers.map(({ maker, cash, rule: reason, taken }) => [
    short(maker),
    cash === undefined ? "-" : dollars(cash),
    taken ? "taken" : (reason ?? (cash === undefined ? "no answer" : "")),
  ]);
  const end = {
    landed: "The trade is done.",
    lapsed: `The ticket ended without a trade${rule === undefined ? "" : ` (${inLine(rule)})`}.`,
    ended: `No trade (${inLine(rule ?? "no quote")}).`,
  };
  return `${table(["maker", "you receive, USDC", ""], rows)}\n\n${end[outcome]}`;
}

function requestText({ requestId, askedAt, legs, quotes, declined, outcome, best }: JudgedRequest): string {
  const head = `Request ${requestId.slice(0, 8)} of ${utc(askedAt)} UTC: ${legs.map(({ id, size }) => `${size} lots of ${id}`).join(", ")}`;
  const rows = quotes.map(({ maker, cash, atMarks, taken, rule }) => [
    short(maker),
    dollars(cash),
    atMarks === undefined ? "-" : dollars(cash - atMarks.cash),
    taken ? "taken" : (rule ?? ""),
  ]);
  const said = quotes.length === 0 ? [] : [table(["maker", "side 0 receives", "against marks", ""], rows)];
  const others = declined.map(({ maker, rule }) => `${short(maker)} declined (${inLine(rule)})`);
  const verdict =
    best === undefined
      ? []
      : [best ? "the best quote was taken" : "THE QUOTE TAKEN WAS NOT THE BEST THAT COULD BE"];
  return [head, ...said, ...others, [`outcome: ${outcome}`, ...verdict].join("; ")].join("\n");
}

/** A record that holds, for people. */
export function judgementText({ owner, role, ledger, chainId, entries, head, requests }: Judgement): string {
  return [
    `Record of ${role} ${owner} on ledger ${ledger}, chain ${chainId}`,
    `${entries} entries, unbroken and signed; the last one is ${head}`,
    ...requests.map((request) => `\n${requestText(request)}`),
  ].join("\n");
}
