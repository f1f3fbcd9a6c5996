import type { SolvusError } from "../../protocol/errors.ts";

/** What came of asking one of several. */
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
 * Asks all at once and resolves when all have answered, when the time is over, or a moment after `enough` good answers are there. Who has not answered by
 * then is late (`reporter.late`).
 */
export async function askAll<Asked extends { address: string }, T>(
  asked: readonly Asked[],
  enough: number,
  { answerMs, graceMs }: Patience,
  ask: (one: Asked, timeoutMs: number) => Promise<T>,
): Promise<Answer<T>[]> {
  const answers = new Map<string, Answer<T>>();
  let good = 0;
  await new Promise<void>((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const overall = setTimeout(resolve, answerMs);
    const done = (): void => {
      clearTimeout(overall);
      clearTimeout(grace);
      resolve();
    };
    if (asked.length === 0) done();
    for (const one of asked) {
      const from = one.address;
      ask(one, answerMs)
        .then(
          (value) => {
            answers.set(from, { from, value });
            good++;
          },
          (error: SolvusError) => {
            const { rule = "reporter.failed", message } = error;
            answers.set(from, {
              from,
              refusal: { rule, message: (message.split("\n")[0] as string).slice(0, 300) },
            });
          },
        )
        .then(() => {
          if (answers.size === asked.length) done();
          else if (good >= enough) grace ??= setTimeout(done, graceMs);
        });
    }
  });
  const late = { rule: "reporter.late", message: "no answer by the time the others had answered" };
  return asked.map(({ address }) => answers.get(address) ?? { from: address, refusal: late });
}
