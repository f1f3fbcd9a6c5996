/** A figure that is measured. Families of them are files beside this one that export `benchmarks`. */
export interface Benchmark {
  /** Dotted; a prefix of whole words selects all below it. */
  name: string;
  unit: string;
  /** Measures. May prepare what it needs first, outside of what it reports. */
  run(): number | Promise<number>;
}

/** A measured figure. */
export interface Measurement {
  name: string;
  value: number;
  unit: string;
}

/** Benchmarks that the words select: all when there are none. Undefined when a word selects nothing. */
export function select(benchmarks: Benchmark[], words: string[]): Benchmark[] | undefined {
  const matches = (name: string, word: string): boolean => name === word || name.startsWith(`${word}.`);
  if (words.some((word) => !benchmarks.some(({ name }) => matches(name, word)))) return undefined;
  if (words.length === 0) return benchmarks;
  return benchmarks.filter(({ name }) => words.some((word) => matches(name, word)));
}

/** The middle one of an odd number of values. */
export function median(values: number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
