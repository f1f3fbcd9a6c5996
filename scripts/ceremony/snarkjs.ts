import { holdCurve } from "../../protocol/curve.ts";

/** Complaints of a step of snarkjs, which returns false or -1 and says why to its logger or, at times, to the console. */
export interface Complaints {
  logger: Record<"debug" | "info" | "warn" | "error", (line: string) => void>;
  last(): string;
}

/** Runs steps of snarkjs: nothing of theirs reaches the terminal, and their threads end. */
export async function withSnarkjs<T>(work: (complaints: Complaints) => Promise<T>): Promise<T> {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(String(line).trim());
  const nothing = (): void => {};
  const { log } = console;
  const curve = await holdCurve();
  console.log = keep;
  try {
    return await work({
      logger: { debug: nothing, info: nothing, warn: keep, error: keep },
      last: () => (lines.at(-1) ?? "no reason given").split("\n")[0] as string,
    });
  } finally {
    console.log = log;
    await curve.release();
  }
}
