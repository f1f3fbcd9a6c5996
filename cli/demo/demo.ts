import { startLocalChain } from "../chain/localChain.ts";
import { makeNarrator, type StepRecord } from "./narrator.ts";
import { tellStory } from "./story.ts";

/** What the demo did, step by step. */
export interface DemoSummary {
  seconds: number;
  steps: StepRecord[];
}

/** Chain time at the start: just after the option chain was read. */
const START = new Date("2020-05-21T23:22:36Z");

/** Plays the whole story on a chain inside the process. `print` gets every line of it. Leaves nothing behind. */
export async function runDemo(print: (line: string) => void): Promise<DemoSummary> {
  const start = performance.now();
  const narrator = makeNarrator(print);
  print(
    "Solvus: two institutions trade derivatives in private and prove that they are solvent, until one of them is not.",
  );
  const local = await startLocalChain(START);
  try {
    await tellStory(narrator, local);
  } finally {
    await local.close();
  }
  const seconds = Math.round((performance.now() - start) / 10) / 100;
  print(
    `\n${narrator.steps.length} steps in ${seconds.toFixed(1)} s. Every proof was real and checked by the contracts.`,
  );
  return { seconds, steps: narrator.steps };
}
