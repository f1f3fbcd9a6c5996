import { SolvusError } from "../../protocol/errors.ts";

/**
 * What the work gives, if it does within some milliseconds; otherwise throws `rule`, and whatever comes of the work later is dropped. `what` is
 * named in the message.
 */
export async function within<T>(
  milliseconds: number,
  rule: string,
  what: string,
  work: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${what}: no answer after ${milliseconds} ms, expected one`;
    timer = setTimeout(() => reject(new SolvusError(rule, message)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
