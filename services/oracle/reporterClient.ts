import { getAddress, type Signer } from "ethers";
import { z } from "zod";
import { Misuse, SolvusError } from "../../protocol/errors.ts";
import { refusalAsSaid, textWithin } from "../said.ts";
import { CALLER_HEADER, callerHeader } from "./callers.ts";
import type { Proposal, SubmittedObservation } from "./epoch.ts";
import { formatProposal, observationForm, signedProposalForm } from "./forms.ts";
import type { SignedProposal } from "./journal.ts";
import type { ObservationRequest } from "./reporter.ts";

/** A reporter as an aggregator talks to it. Every call ends within its time: `reporter.late` if the answer does not come by then. */
export interface RemoteReporter {
  address: string;
  observe(request: ObservationRequest, timeoutMs: number): Promise<SubmittedObservation>;
  sign(proposal: Proposal, timeoutMs: number): Promise<string>;
  pending(timeoutMs: number): Promise<SignedProposal | undefined>;
}

const failureForm = z.object({
  error: z.object({ rule: z.string().max(100), message: z.string().max(1000) }),
});
const hostedForm = z.object({ reporters: z.array(z.string().regex(/^0x[0-9a-fA-F]{40}$/)).max(64) });
const signatureForm = z.object({ signature: z.string().regex(/^0x[0-9a-f]{130}$/) });
const pendingForm = z.object({ pending: signedProposalForm.nullable() });

/** Most bytes of an answer, by what is asked; more is not read. */
const LIMIT = { hosted: 10_000, signature: 1_000, observation: 1_000_000, pending: 40_000_000 } as const;

async function readLimited(response: Response, most: number): Promise<string> {
  const text = await textWithin(response, most);
  if (text !== undefined) return text;
  throw new SolvusError("reporter.answer", `answer is longer than ${most} bytes, expected less`);
}

interface Call {
  timeoutMs: number;
  /** Signs the question. */
  caller: Signer;
  /** Sent as JSON, by POST. */
  body?: unknown;
}

/**
 * One request. Throws `reporter.silent` (no connection), `reporter.late` (no answer in time), `reporter.answer` (not of the form), or the
 * refusal that was answered.
 */
async function request<Form extends z.ZodType>(
  url: string,
  form: Form,
  what: keyof typeof LIMIT,
  { timeoutMs, caller, body }: Call,
): Promise<z.infer<Form>> {
  let text: string;
  let ok: boolean;
  try {
    const headers = { [CALLER_HEADER]: await callerHeader(caller, new URL(url).pathname, body) };
    const response = await fetch(url, {
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      headers,
      ...(body !== undefined && {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    ok = response.ok;
    text = await readLimited(response, LIMIT[what]);
  } catch (error) {
    if (error instanceof SolvusError) throw error;
    if ((error as Error).name === "TimeoutError")
      throw new SolvusError("reporter.late", `no answer after ${timeoutMs} ms, expected one`);
    throw new SolvusError("reporter.silent", "no connection, expected a reporter that listens");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SolvusError("reporter.answer", "answer is not JSON, expected a document");
  }
  if (!ok) {
    const failure = failureForm.safeParse(value);
    throw failure.success
      ? refusalAsSaid(failure.data.error.rule, failure.data.error.message, "reporter.answer")
      : new SolvusError(
          "reporter.answer",
          "answer is an error of another form, expected a rule and a message",
        );
  }
  const parsed = form.safeParse(value);
  if (!parsed.success)
    throw new SolvusError(
      "reporter.answer",
      `answer: ${parsed.error.issues[0]?.path.join(".")} is malformed: ${parsed.error.issues[0]?.message}`,
    );
  return parsed.data;
}

/** The root of a URL without a slash at its end; misuse (`reporter.url`) for what is no URL. */
export function reporterRoot(url: string): string {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new Misuse("reporter.url", "URL of a reporter: not one, expected http:// or https:// with a host");
  return url.replace(/\/+$/, "");
}

/** The reporters that are hosted at a URL, as it says: whether their keys are there, their signatures show. */
export async function reportersAt(
  root: string,
  caller: Signer,
  timeoutMs: number,
): Promise<RemoteReporter[]> {
  const { reporters } = await request(`${root}/v1/reporters`, hostedForm, "hosted", { timeoutMs, caller });
  const addresses = new Set(reporters.map((text) => getAddress(text.toLowerCase())));
  return [...addresses].map((address): RemoteReporter => {
    const at = `${root}/v1/reporters/${address}`;
    return {
      address,
      observe({ epoch, time, keys }, timeoutMs) {
        const body = { epoch: String(epoch), time: String(time), keys: keys.map(String) };
        return request(`${at}/observations`, observationForm, "observation", { timeoutMs, caller, body });
      },
      async sign(proposal, timeoutMs) {
        const call = { timeoutMs, caller, body: formatProposal(proposal) };
        return (await request(`${at}/signatures`, signatureForm, "signature", call)).signature;
      },
      async pending(timeoutMs) {
        const { pending } = await request(`${at}/pending`, pendingForm, "pending", { timeoutMs, caller });
        return pending ?? undefined;
      },
    };
  });
}
