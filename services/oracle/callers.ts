import { createHash } from "node:crypto";
import { type Signer, verifyMessage } from "ethers";
import { ensure, SolvusError } from "../../protocol/errors.ts";

/*
 * Who asks a reporter: an aggregator signs each of its questions with the key that pays for postings, and a reporter that names its aggregators answers
 * nobody else. Otherwise whoever can reach reporters could have some sign one header and some another.
 */

/** The header that holds time, the body's digest, and signature. */
export const CALLER_HEADER = "x-solvus-caller";

/** Seconds by which the clocks of the two may differ. */
const MOST_APART = 60;

const HEADER = /^(\d{10})\.([0-9a-f]{64})\.(0x[0-9a-f]{130})$/;

/** SHA-256 of a body as JSON, hexadecimal. */
function digestOf(body: unknown): string {
  return createHash("sha256")
    .update(body === undefined ? "" : JSON.stringify(body))
    .digest("hex");
}

/** What is signed: the path from `/v1/` on, the body's digest, and when, in Unix seconds of the clock. */
function statementOf(path: string, digest: string, seconds: number): string {
  return `Solvus oracle request\n${path.slice(path.indexOf("/v1/"))}\n${digest}\n${seconds}`;
}

/** The header's value for a question; `body` is what will be sent as JSON. */
export async function callerHeader(signer: Signer, path: string, body: unknown): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  const digest = digestOf(body);
  return `${seconds}.${digest}.${await signer.signMessage(statementOf(path, digest, seconds))}`;
}

const matchOf = (header: string | string[] | undefined): RegExpExecArray | null =>
  HEADER.exec(typeof header === "string" ? header : "");

/**
 * Throws `reporter.caller` unless one of the callers signed a question at this path, about now. It asks for no body, which may be long: of
 * nobody else is one read.
 */
export function requireCaller(
  callers: readonly string[],
  header: string | string[] | undefined,
  path: string,
): void {
  const [, time, digest = "", signature = ""] = matchOf(header) ?? [];
  const seconds = Number(time);
  const isRecent = Math.abs(Date.now() / 1000 - seconds) <= MOST_APART;
  let caller: string | undefined;
  try {
    caller = isRecent ? verifyMessage(statementOf(path, digest, seconds), signature) : undefined;
  } catch {
    caller = undefined;
  }
  if (caller === undefined || !callers.some((known) => known.toLowerCase() === caller.toLowerCase()))
    throw new SolvusError(
      "reporter.caller",
      `caller is ${caller ?? "nobody who signed this within a minute"}, expected an aggregator that this reporter knows`,
    );
}

/** Throws `reporter.caller` unless a body is the one that the header was signed for. */
export function requireSignedBody(header: string | string[] | undefined, body: unknown): void {
  ensure(
    matchOf(header)?.[2] === digestOf(body),
    "reporter.caller",
    "body: another one than its caller signed, expected that one",
  );
}
