import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../setup/paths.ts";
import { projectFiles } from "../files.ts";
import { compile } from "./compile.ts";

/** solc's code for a property that its model checker has proven; other results of it are warnings. */
const PROVEN = "2961";

/**
 * What solc's bounded model checker, with the z3 that is built into the compiler's npm package, cannot prove of the assertions in sources by path:
 * one message each. An assertion that the checker says nothing of counts as not proven.
 * @throws Error when the sources do not compile
 */
export function unproven(sources: Record<string, string>): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const names = [...text.matchAll(/^contract (\w+)/gm)].map(([, name]) => name as string);
    const output = compile(
      { [file]: text },
      {
        outputSelection: { "*": { "": [] } },
        modelChecker: {
          contracts: { [file]: names },
          engine: "bmc",
          targets: ["assert"],
          solvers: ["z3"],
          showProvedSafe: true,
          showUnproved: true,
        },
      },
    );
    const fault = output.errors?.find(({ severity }) => severity === "error");
    if (fault !== undefined) throw new Error(fault.formattedMessage);
    const proven = new Set<number>();
    for (const { errorCode, sourceLocation } of output.errors ?? [])
      if (errorCode === PROVEN && sourceLocation?.file === file) proven.add(sourceLocation.start);
    return [...text.matchAll(/\bassert\(.*\);/g)]
      .filter(({ index }) => !proven.has(index))
      .map(([assertion]) => `${file}: not proven: ${assertion}`);
  });
}

/** Proves the properties in `properties/`. */
export function checkProperties(): string[] {
  const files = projectFiles(/^scripts\/checks\/solidity\/properties\/.*\.sol$/);
  return unproven(Object.fromEntries(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")])));
}
