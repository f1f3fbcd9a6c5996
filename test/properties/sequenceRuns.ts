import fc from "fast-check";
import { type Books, newBooks } from "./books.ts";
import { ACCOUNTS, type Circuits, fund, type Step, sequences } from "./commands.ts";
import { newWorld } from "./world.ts";

/** What a number of sequences came to. */
export interface Outcome {
  /** What fast-check prints of the shortest sequence that fails; undefined when none does. */
  printed?: string;
  /** How often each kind of step was taken, and how often each rule refused one. */
  done: Map<string, number>;
}

/**
 * Runs random sequences of at most `length` steps. The accountant may be one who forgets: `forget` is called with the books after each step
 * and before they are compared.
 */
export async function runSequences(
  circuits: Circuits,
  length: number,
  parameters: fc.Parameters<unknown>,
  forget: (books: Books, step: string) => void = () => {},
): Promise<Outcome> {
  const done = new Map<string, number>();
  const details = await fc.check(
    fc.asyncProperty(sequences(circuits, length), async (commands: Iterable<Step>) => {
      const world = newWorld(ACCOUNTS);
      const books = newBooks(ACCOUNTS);
      fund(circuits, books, world);
      world.afterStep = (name) => forget(books, name);
      fc.modelRun(() => ({ model: books, real: world }), commands);
      for (const [name, count] of world.done) done.set(name, (done.get(name) ?? 0) + count);
      // The test runner's worker must answer in between.
      await new Promise((resume) => setImmediate(resume));
    }),
    parameters as fc.Parameters<[Iterable<Step>]>,
  );
  if (!details.failed) return { done };
  return { printed: `${fc.defaultReportMessage(details)}\n${details.errorInstance}`, done };
}
