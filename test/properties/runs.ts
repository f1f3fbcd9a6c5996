import fc from "fast-check";

/*
 * How properties are run. A failure prints fast-check's seed and path: `SOLVUS_FUZZ_SEED` and `SOLVUS_FUZZ_PATH` repeat it, the path
 * straight from the smallest case found. `SOLVUS_FUZZ_RUNS` sets another number of cases.
 */

/** The same cases at every run: for `npm test`. */
export const steadyRuns = (numRuns: number): fc.Parameters<unknown> => ({ numRuns, seed: 2_026 });

/** Other cases at every run: for `npm run test:fuzz`. */
export function fuzzRuns(numRuns: number): fc.Parameters<unknown> {
  const { SOLVUS_FUZZ_SEED: seed, SOLVUS_FUZZ_PATH: path, SOLVUS_FUZZ_RUNS: runs } = process.env;
  return {
    numRuns: Number(runs ?? numRuns),
    seed: Number(seed ?? Date.now() % 1_000_000_000),
    ...(path !== undefined && { path }),
  };
}

/** Holds `check` against every case. Lets the test runner breathe in between: its worker must answer. */
export async function holds<Case>(
  cases: fc.Arbitrary<Case>,
  check: (found: Case) => void,
  runs: fc.Parameters<unknown>,
): Promise<void> {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (found) => {
      check(found);
      if (++done % 200 === 0) await new Promise((resume) => setImmediate(resume));
    }),
    runs,
  );
}

/** Starts to measure a long run; the function that it gives prints what the run saw, and how fast it went by the processor's time. */
export function measured(what: string): (cases: number, counts: ReadonlyMap<string, number>) => void {
  const begin = process.cpuUsage();
  return (cases, counts) => {
    const { user, system } = process.cpuUsage(begin);
    const perMinute = Math.round((cases * 60_000_000) / (user + system));
    const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
    console.log(`${what}: ${cases} cases, ${perMinute} a minute of processor time; ${sorted.join(", ")}`);
  };
}
