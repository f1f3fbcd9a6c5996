import { CommanderError } from "commander";
import { Misuse, SolvusError } from "../protocol/errors.ts";
import { contractRefusal } from "../services/chain/revert.ts";
import { told } from "../services/log.ts";
import { inLine } from "./plainText.ts";

/** What the process ends with. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** A rule refused, a check failed, a proof is invalid. */
  refused: 1,
  /** Bad flags; input that is absent or malformed. */
  misuse: 2,
} as const;

/** A failure as people and programs are told about it: exit code, rule and one line. */
export interface Failure {
  exitCode: number;
  rule: string;
  message: string;
}

const oneLine = (text: string): string => inLine(text.split(/\r?\n/)[0] as string).slice(0, 400);

/** Tells misuse from refusals. Contract errors carry their name as the rule, `ledger.SnapshotStale`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof SolvusError) {
    const exitCode = error instanceof Misuse ? EXIT.misuse : EXIT.refused;
    return { exitCode, rule: oneLine(error.rule), message: oneLine(error.message) };
  }
  if (error instanceof CommanderError) {
    const message = oneLine(error.message.replace(/^error: /, ""));
    return { exitCode: EXIT.misuse, rule: "cli.usage", message: `${message}; see --help` };
  }
  const refusal = contractRefusal(error);
  if (refusal !== undefined)
    return { exitCode: EXIT.refused, rule: refusal.rule, message: oneLine(refusal.message) };
  return { exitCode: EXIT.refused, rule: "cli.failed", message: oneLine(told(error)) };
}
