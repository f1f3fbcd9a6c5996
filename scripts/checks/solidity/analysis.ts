import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../setup/paths.ts";
import { type Allowance, type Finding, judge } from "../allowances.ts";
import type { Program } from "./ast.ts";
import { parse, projectSources } from "./compile.ts";
import type { Rule } from "./findings.ts";
import { divideFirst, exactBalance, narrowing } from "./rules/arithmetic.ts";
import * as calls from "./rules/calls.ts";
import { origin, proposer, time } from "./rules/environment.ts";
import { openLoop } from "./rules/loops.ts";
import * as order from "./rules/order.ts";
import { assembly, compilerWarning, shadowing, uncheckedBlock } from "./rules/review.ts";

/** The rules by the names of their findings. */
export const RULES: Record<string, Rule> = {
  "write-after-call": order.writeAfterCall,
  "unguarded-entry": order.unguardedEntry,
  "open-entry": order.openEntry,
  "silent-role": order.silentRole,
  "writing-view": order.writingView,
  "unchecked-call": calls.uncheckedCall,
  "unused-result": calls.unusedResult,
  "foreign-code": calls.foreignCode,
  "bare-token": calls.bareToken,
  "foreign-payer": calls.foreignPayer,
  "call-in-loop": order.callInLoop,
  "bare-recovery": calls.bareRecovery,
  "packed-hash": calls.packedHash,
  "swallowed-error": calls.swallowedError,
  payable: calls.payable,
  origin,
  proposer,
  time,
  narrowing,
  "divide-first": divideFirst,
  "exact-balance": exactBalance,
  "open-loop": openLoop,
  assembly,
  unchecked: uncheckedBlock,
  shadowing,
  "compiler-warning": compilerWarning,
};

/** What the project has looked at and found harmless. */
export const REVIEWED = "contracts/reviewed.json";

export function analyse(program: Program): Finding[] {
  return Object.values(RULES).flatMap((rule) => rule(program));
}

export function checkContracts(): string[] {
  const allowed: Allowance[] = JSON.parse(readFileSync(join(ROOT, REVIEWED), "utf8"));
  return judge(analyse(parse(projectSources())), allowed, REVIEWED);
}
