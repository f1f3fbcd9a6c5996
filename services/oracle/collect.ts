import type { SolvusError } from "../../protocol/errors.ts";

/** What came of asking somebody. */
export type Answer<T> =
  | { from: string; value: T }
  | { from: string; refusal: { rule: string; message: string } };

export interface Patience {
  /** Milliseconds for an answer. */
  answerMs: number;
  /** Milliseconds for the rest once there are enough answers. */
  graceMs: number;
}

/**
 * Asks all at once and resolves when everybody has answered, when the time is over, or a moment after good answers of `enough` different
 * addresses are there. One address may be asked in several places, some of them impostors': its first good answer counts, and without one its first
 * refusal. Who has not answered by then is late (`reporter.late`). One answer for each address.
 */
export async function askAll<Asked extends { address: string }, T>(
  asked: readonly Asked[],
  enough: number,
  { answerMs, graceMs }: Patience,
  ask: (one: Asked, timeoutMs: number) => Promise<T>,
): Promise<Answer<T>[]> {
  const addresses = new Set(asked.map(({ address }) => address));
  const good = new Map<string, T>();
  const refused = new Map<string, { rule: string; message: string }>();
  await new Promise<void>((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const overall = setTimeout(resolve, answerMs);
    const done = (): void => {
      clearTimeout(overall);
      clearTimeout(grace);
      resolve();
    };
    let waiting = asked.length;
    if (waiting === 0) done();
    const settle = (): void => {
      waiting--;
      if (waiting === 0 || good.size === addresses.size) done();
      else if (good.size >= enough) grace ??= setTimeout(done, graceMs);
    };
    for (const one of asked)
      ask(one, answerMs)
        .then(
          (value) => {
            if (!good.has(one.address)) good.set(one.address, value);
          },
          ({ rule = "reporter.failed", message }: SolvusError) => {
            const text = (message.split("\n")[0] as string).slice(0, 300);
            if (!refused.has(one.address)) refused.set(one.address, { rule, message: text });
          },
        )
        .then(settle);
  });
  const late = { rule: "reporter.late", message: "no answer by the time the others had answered" };
  return [...addresses].map((from) => {
    const value = good.get(from);
    return value === undefined ? { from, refusal: refused.get(from) ?? late } : { from, value };
  });
}
