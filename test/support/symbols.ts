import type { Constraint } from "./r1cs.ts";

/** Wires and the signals that they carry, read from a .sym file and the sources. */
export interface Symbols {
  /** Wire of a signal such as `main.tree.levels[0][3]`. Throws when the signal is unknown or was substituted away. */
  wire(signal: string): number;
  /** Name of the signal on a wire. */
  name(wire: number): string;
  /** Names of the signals that have a wire of their own and match the pattern. */
  matching(pattern: RegExp): string[];
  /** `Outer > Inner at main.path: constraint k (signals)`: templates down to the constraint's component, and its index. */
  describe(constraint: Constraint, index: number): string;
}

/** For each template of the sources, the template of each of its sub-components, by name without indexes. */
function componentTemplates(sources: Iterable<string>): Map<string, Map<string, string>> {
  const templates = new Map<string, Map<string, string>>();
  for (const source of sources) {
    const text = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
    const pieces = text.split(/\btemplate\s+(?:custom\s+|parallel\s+)*(\w+)\s*\(/);
    for (let piece = 1; piece + 1 < pieces.length; piece += 2) {
      const parts = new Map<string, string>();
      const assignments = String(pieces[piece + 1]).matchAll(
        /(\w+)\s*(?:\[[^=;]*?\])*\s*=\s*(?:parallel\s+)?([A-Z]\w*)\s*\(/g,
      );
      for (const [, component, template] of assignments) parts.set(String(component), String(template));
      templates.set(String(pieces[piece]), parts);
    }
  }
  return templates;
}

/** @param text a .sym file: lines `label,wire,component,signal`, wire −1 for a signal that was substituted away. */
export function readSymbols(text: string, sources: Iterable<string>, mainTemplate: string): Symbols {
  const wires = new Map<string, number>();
  const signals = new Map<number, string[]>();
  const nameOf = (wire: number): string => signals.get(wire)?.[0] ?? `wire ${wire}`;
  for (const line of text.split("\n")) {
    const [, wire, , signal] = line.split(",");
    if (signal === undefined) continue;
    wires.set(signal, Number(wire));
    if (Number(wire) >= 0) signals.set(Number(wire), [...(signals.get(Number(wire)) ?? []), signal]);
  }
  const templates = componentTemplates(sources);

  const templatesDownTo = (component: string): string[] => {
    const chain = [mainTemplate];
    for (const part of component.split(".").slice(1)) {
      const name = part.replace(/\[.*$/, "");
      // An anonymous component is named after its template: `Template_12_345`.
      chain.push(templates.get(chain.at(-1) as string)?.get(name) ?? name.replace(/_\d+_\d+$/, ""));
    }
    return chain;
  };
  const componentOf = (signal: string) => signal.slice(0, signal.lastIndexOf("."));

  return {
    wire(signal) {
      const wire = wires.get(signal);
      if (wire === undefined) throw new Error(`no signal ${signal}`);
      if (wire < 0)
        throw new Error(`signal ${signal} was substituted away: it is a linear combination of other wires`);
      return wire;
    },
    name: nameOf,
    matching(pattern) {
      return [...wires]
        .filter(([signal, wire]) => wire >= 0 && pattern.test(signal))
        .map(([signal]) => signal);
    },
    describe({ a, b, c }, index) {
      const used = [...new Set([...a, ...b, ...c].map(({ wire }) => wire))].filter((wire) => wire !== 0);
      // The optimizer merges constraints, so the owner is inferred: the component that carries most of the wires, the deepest on a tie.
      const score = new Map<string, number>();
      for (const wire of used) {
        const components = new Set((signals.get(wire) ?? []).map(componentOf));
        for (const component of components) score.set(component, (score.get(component) ?? 0) + 1);
      }
      const depth = (component: string) => component.split(".").length;
      const [owner = "main"] = [...score.keys()].sort(
        (x, y) => Number(score.get(y)) - Number(score.get(x)) || depth(y) - depth(x),
      );
      const names = used.map(nameOf);
      const shown = names.length > 8 ? [...names.slice(0, 8), `and ${names.length - 8} more`] : names;
      return `${templatesDownTo(owner).join(" > ")} at ${owner}: constraint ${index} (${shown.join(", ")})`;
    },
  };
}
