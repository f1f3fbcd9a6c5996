import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { runSetup } from "../scripts/setup/index.ts";
import { ROOT } from "../scripts/setup/paths.ts";
import { type Benchmark, median } from "./benchmark.ts";

const RUNS = 5;

/** Seconds of a whole set-up process when nothing has changed. */
async function warmSetup(): Promise<number> {
  await runSetup({ quiet: true });
  const seconds = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    execFileSync(process.execPath, [join(ROOT, "scripts/setup.ts"), "--quiet"]);
    return (performance.now() - start) / 1000;
  });
  return median(seconds);
}

export const benchmarks: Benchmark[] = [{ name: "setup.warm.seconds", unit: "s", run: warmSetup }];
