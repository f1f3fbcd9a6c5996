import { contracts, isJudged, type Node, type Program, place } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";
import { entries, follow, modifierNames } from "../order.ts";

const deployed = (program: Program): Node[] =>
  contracts(program).filter(({ contractKind, abstract }) => contractKind === "contract" && !abstract);
const uniqueAt = (nodes: Map<Node, string>, node: Node, message: string): void => {
  if (!nodes.has(node)) nodes.set(node, message);
};

/** A write to storage after a call that hands control to others: they may come back before it. The guard's own slots are not in judged sources. */
export const writeAfterCall: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    for (const entry of entries(program, contract)) {
      for (const { write, call } of follow(program, contract, entry).late) {
        const { file, line } = place(program, call);
        const guard = modifierNames(entry).includes("nonReentrant") ? "guarded" : "unguarded";
        uniqueAt(found, write, `written after the call at ${file}:${line}, in the ${guard} ${entry.name}`);
      }
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "write-after-call", message));
};

/** A function that may write and can be called in the middle of the guarded ones of its contract. */
export const unguardedEntry: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    const all = entries(program, contract);
    if (!all.some((entry) => modifierNames(entry).includes("nonReentrant"))) continue;
    for (const entry of all) {
      if (modifierNames(entry).includes("nonReentrant") || !isJudged(program, entry)) continue;
      uniqueAt(found, entry, "may run in the middle of functions that are nonReentrant");
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "unguarded-entry", message));
};

/** A function that may write and that anybody may call. */
export const openEntry: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    for (const entry of entries(program, contract)) {
      if (!isJudged(program, entry)) continue;
      if (modifierNames(entry).some((name) => name.startsWith("only"))) continue;
      uniqueAt(found, entry, "no modifier says who may call it");
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "open-entry", message));
};

/** A function that is for a role and writes, but leaves no event. */
export const silentRole: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    for (const entry of entries(program, contract)) {
      if (!isJudged(program, entry) || !modifierNames(entry).includes("onlyRole")) continue;
      const { writes, emits } = follow(program, contract, entry);
      if (writes.size > 0 && !emits) uniqueAt(found, entry, "a role's act without an event");
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "silent-role", message));
};

/** A function named like a view that writes. */
export const writingView: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    for (const entry of entries(program, contract)) {
      const reads = /^(get|is|has|can|view|current|latest|total|preview)[A-Z]|(Of|At|Hash)$/.test(entry.name);
      if (reads && isJudged(program, entry)) uniqueAt(found, entry, "is named like a view and may write");
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "writing-view", message));
};

/** An external call in a loop, if only through the functions that the loop calls: one callee that fails or burns gas stops all. */
export const callInLoop: Rule = (program) => {
  const found = new Map<Node, string>();
  for (const contract of deployed(program)) {
    for (const entry of entries(program, contract)) {
      for (const call of follow(program, contract, entry).looped)
        uniqueAt(found, call, `called again and again by ${entry.name}`);
    }
  }
  return [...found].map(([node, message]) => findingAt(program, node, "call-in-loop", message));
};
