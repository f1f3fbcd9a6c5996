import { REVIEWED } from "../uniqueness/reviewed.ts";
import { FREE } from "./free.ts";

/** What came of the changes of single wires. */
export interface Report {
  wires: number;
  /** Pairs of a change and a way to repair what follows. */
  tried: number;
  /** How many each template was the first to notice. */
  noticed: Map<string, number>;
  /** How often each input, or wire that is none, was changed without changing what is stated. */
  free: Map<string, number>;
  /** How often another honest statement came of it, by the public signals that differ. */
  statements: Map<string, number>;
  /** How often what came of it is under a root that commits to what nobody commits to. */
  unknownTrees: number;
  /** Falsehoods that were accepted, and witnesses that the proven system refuses though this one does not. */
  faults: string[];
}

export const emptyReport = (): Report => ({
  ...{ wires: 0, tried: 0, unknownTrees: 0, faults: [] },
  ...{ noticed: new Map(), free: new Map(), statements: new Map() },
});

/** Signals that are free though no list says so, and inputs that a list calls free though no example of it was found. */
export function reviewFreedom(template: string, { free }: Report): { unlisted: string[]; stale: string[] } {
  const listed = FREE[template] ?? {};
  const unproven = REVIEWED[template]?.unproven ?? {};
  return {
    unlisted: [...free.keys()].filter(
      (name) => !Object.hasOwn(listed, name) && !Object.hasOwn(unproven, name),
    ),
    stale: Object.keys(listed).filter((name) => !free.has(name)),
  };
}

const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, times) => total + times, 0);

const ordered = (counts: ReadonlyMap<string, number>, most: number): string[] =>
  [...counts]
    .sort((one, other) => other[1] - one[1])
    .slice(0, most)
    .map(([name, times]) => `${times} ${name}`);

/** The report in lines. */
export function describeReport(circuit: string, report: Report): string[] {
  const { wires, tried, noticed, free, statements, unknownTrees, faults } = report;
  return [
    `${circuit}: ${wires} wires, ${tried} changes tried, ${sum(noticed)} refused, ${sum(statements)} honest statements about something else, ${unknownTrees} under unknown roots, ${faults.length} false`,
    ...ordered(noticed, 15).map((line) => `${circuit}: first noticed: ${line}`),
    `${circuit}: free: ${ordered(free, free.size).join(", ")}`,
    `${circuit}: other public signals: ${ordered(statements, 12).join("; ")}`,
    ...faults.slice(0, 10).map((fault) => `${circuit}: FALSE: ${fault}`),
  ];
}
