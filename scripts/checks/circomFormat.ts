import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../setup/paths.ts";
import { projectFiles } from "./files.ts";

const LINE_WIDTH = 160;

/** Format of circom files, one message per fault: no tabs, no blanks at line ends, lines that fit, the pragma, one newline at the end. */
export function circomFormatFaults(file: string, text: string): string[] {
  const faults: string[] = [];
  text.split("\n").forEach((line, index) => {
    const where = `${file}:${index + 1}`;
    if (line.includes("\t")) faults.push(`${where}: tab`);
    if (/\s$/.test(line)) faults.push(`${where}: blanks at the end of the line`);
    if (line.length > LINE_WIDTH) faults.push(`${where}: ${line.length} characters, at most ${LINE_WIDTH}`);
    const indent = line.length - line.trimStart().length;
    if (line.trim() !== "" && indent % 4 !== 0 && !line.trimStart().startsWith("*")) {
      faults.push(`${where}: indented by ${indent} spaces, not a multiple of 4`);
    }
  });
  if (!text.startsWith("pragma circom 2.2.0;\n")) faults.push(`${file}:1: expected "pragma circom 2.2.0;"`);
  if (!text.endsWith("\n") || text.endsWith("\n\n")) faults.push(`${file}: expected one newline at the end`);
  return faults;
}

export function checkCircomFormat(): string[] {
  const files = projectFiles(/^circuits\/.*\.circom$/);
  return files.flatMap((file) => circomFormatFaults(file, readFileSync(join(ROOT, file), "utf8")));
}
