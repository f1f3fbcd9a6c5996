import { SolvusError } from "../protocol/errors.ts";

/*
 * What others answer over HTTP. They may be anybody, and are read no further than an answer of theirs can be long, and believed to have named a
 * rule only if it is a name.
 */

/** The text of an answer; undefined when it is longer than so many bytes, of which no more are read. */
export async function textWithin(
  { body }: Pick<Response, "body">,
  mostBytes: number,
): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const RULE = /^[a-zA-Z][a-zA-Z0-9]{0,39}(\.[a-zA-Z0-9_]{1,40}){1,3}$/;
const MOST_RULE = 80;
const MOST_MESSAGE = 400;

/** A refusal as others word it: its rule if it is one's name, else `otherwise`, and one line of its message. */
export function refusalAsSaid(rule: string, message: string, otherwise: string): SolvusError {
  const isRule = rule.length <= MOST_RULE && RULE.test(rule);
  const [line] = message.split(/[\r\n]/, 1) as [string];
  return new SolvusError(isRule ? rule : otherwise, line.slice(0, MOST_MESSAGE));
}
