import type { Command } from "commander";
import { EXIT } from "./exitCode.ts";
import { makeOutput, type Output } from "./output.ts";

/** What one run of the program ends with; a command that prints its own refusal (failed checks) sets it. */
export interface RunState {
  exitCode: number;
}

/** A command's work. `options` are commander's, by their names; returns the exit code, done when it returns nothing. */
export type Work = (
  // biome-ignore lint/suspicious/noExplicitAny: commander types no options; each command declares its own shape.
  options: any,
  output: Output,
  args: string[],
) => Promise<number | undefined> | Promise<void>;

/** Ends the declaration of a command: adds `--json`, and what it does. */
export function does(command: Command, state: RunState, work: Work): Command {
  return command.option("--json", "print one JSON document on standard output").action(async function (
    this: Command,
  ) {
    const options = this.opts();
    const output = makeOutput(options.json === true);
    state.exitCode = (await work(options, output, this.processedArgs.flat().map(String))) ?? EXIT.done;
  });
}

/** A block of examples below a command's help: pairs of what it does and the command line. */
export function examples(...pairs: [purpose: string, line: string][]): string {
  return `\nExamples:\n${pairs.map(([purpose, line]) => `  # ${purpose}\n  $ ${line}`).join("\n")}\n`;
}

/** Collects a repeatable option into an array. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
