import { plain } from "./plainText.ts";

/** Where a command's results and its progress go: one JSON document or text on standard output, progress on standard error. */
export interface Output {
  json: boolean;
  /** The result: `value` with `--json`, else `text`. Once per command. */
  result(value: unknown, text: string): void;
  /** As `result` for a long list: with `--json` an array with each entry on a line of its own. */
  list(values: readonly unknown[], text: () => string): void;
  /** One line of progress. Never a secret. */
  log(line: string): void;
}

/** JSON text of a value; integers beyond 2^53 (bigint) become decimal strings. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item), 2);
}

export function makeOutput(json: boolean): Output {
  return {
    json,
    result(value, text) {
      process.stdout.write(`${json ? jsonText(value) : plain(text)}\n`);
    },
    list(values, text) {
      const lines = values.map((value) => JSON.stringify(value));
      process.stdout.write(json ? `[\n${lines.join(",\n")}\n]\n` : `${plain(text())}\n`);
    },
    log(line) {
      process.stderr.write(`${line}\n`);
    },
  };
}
