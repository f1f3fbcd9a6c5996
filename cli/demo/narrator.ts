import { jsonText } from "../output.ts";

/** What a step did, for the summary. */
export interface StepRecord {
  step: number;
  title: string;
  seconds: number;
  facts: Record<string, unknown>;
}

/** Tells the story: numbered, timed steps on one stream, and their facts for the summary. */
export interface Narrator {
  /** Runs a step; `work` may say lines and note facts. */
  step<T>(title: string, work: (note: (facts: Record<string, unknown>) => void) => Promise<T>): Promise<T>;
  say(text: string): void;
  readonly steps: StepRecord[];
}

/** Writes lines with `print`; seconds are of wall-clock time. */
export function makeNarrator(print: (line: string) => void): Narrator {
  const steps: StepRecord[] = [];
  const say = (text: string): void => {
    for (const line of text.split("\n")) print(line === "" ? "" : `   ${line}`);
  };
  return {
    steps,
    say,
    async step(title, work) {
      const step = steps.length + 1;
      const start = performance.now();
      print(`\n${String(step).padStart(2)}. ${title}`);
      const facts: Record<string, unknown> = {};
      const result = await work((more) => Object.assign(facts, JSON.parse(jsonText(more))));
      const seconds = Math.round((performance.now() - start) / 10) / 100;
      steps.push({ step, title, seconds, facts });
      print(`   ${"·".repeat(3)} ${seconds.toFixed(1)} s`);
      return result;
    },
  };
}
