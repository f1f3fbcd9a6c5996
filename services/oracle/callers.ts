import { createHash } from "node:crypto";
import { type Signer, verifyMessage } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";

/*
 * Who asks a reporter: an aggregator signs each of its questions with the key that pays for postings, and a reporter that names its aggregators answers
 * nobody else. Otherwise whoever can reach reporters could have some sign one header and some another.
 */

/** The header that holds time and signature. */
export const CALLER_HEADER = "x-solvus-caller";

/** Seconds by which the clocks of the two may differ. */
const MOST_APART = 60;

/** What is signed: the path from `/v1/` on, the body as JSON, and when, in Unix seconds of the clock. */
function statementOf(path: string, body: unknown, seconds: number): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  const digest = createHash("sha256").update(text).digest("hex");
  return `Solvus oracle request\n${path.slice(path.indexOf("/v1/"))}\n${digest}\n${seconds}`;
}

/** The header's value for a question; `body` is what will be sent as JSON. */
export async function callerHeader(signer: Signer, path: string, body: unknown): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  return `${seconds}.${await signer.signMessage(statementOf(path, body, seconds))}`;
}

/** Throws `reporter.caller` unless one of the callers signed this question, about now. */
export function requireCaller(
  callers: readonly string[],
  header: string | string[] | undefined,
  path: string,
  body: unknown,
): void {
  const match = /^(\d{10})\.(0x[0-9a-f]{130})$/.exec(typeof header === "string" ? header : "");
  const seconds = Number(match?.[1]);
  const isRecent = Math.abs(Date.now() / 1000 - seconds) <= MOST_APART;
  let caller: string | undefined;
  try {
    caller = isRecent ? verifyMessage(statementOf(path, body, seconds), match?.[2] ?? "") : undefined;
  } catch {
    caller = undefined;
  }
  if (caller === undefined || !callers.some((known) => known.toLowerCase() === caller.toLowerCase()))
    throw new SolvusError(
      "reporter.caller",
      `caller is ${caller ?? "nobody who signed this within a minute"}, expected an aggregator that this reporter knows`,
    );
}
