import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { readInstances } from "../../../scripts/setup/instances.ts";
import { PLACES } from "../../../scripts/setup/paths.ts";
import { underAttack } from "../circuitUnderAttack.ts";
import type { Target } from "./attack.ts";
import { inputWires } from "./inputWires.ts";
import { flatten, type Reading } from "./reading.ts";
import { readInsolvency, readSolvency } from "./standingReading.ts";
import { honestStatements } from "./statements.ts";
import { readTakeOver } from "./takeOverReading.ts";
import { readTransition } from "./transitionReading.ts";

/** How the inputs of each template of circuits/instances.json are read. */
export const READERS: Record<string, (input: CircuitInput) => Reading> = {
  Transition: readTransition,
  Solvency: readSolvency,
  Insolvency: readInsolvency,
  Liquidation: readTakeOver,
};

/** Template and public signals of an instance of circuits/instances.json. */
export function instanceOf(name: string): { template: string; publicSignals: ReadonlySet<string> } {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  return { template: instance.template, publicSignals: new Set(instance.publicSignals) };
}

/** A circuit to attack in each of its honest statements. */
export async function targetsOf(name: string): Promise<Target[]> {
  const { template, publicSignals } = instanceOf(name);
  const read = READERS[template];
  if (read === undefined) throw new Error(`no reader for ${template}`);
  const statements = honestStatements(name);
  const [first] = statements;
  if (first === undefined) throw new Error(`no statements of ${name}`);
  const circuit = await underAttack(
    name,
    statements.map(({ input }) => input),
  );
  const inputs = await inputWires(name, new Set(flatten(first.input).keys()));
  return statements.map((statement, witness) => ({
    ...{ circuit, inputs, publicSignals, read, statement, witness },
  }));
}
