import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readInstances } from "../../../scripts/setup/instances.ts";
import { PLACES } from "../../../scripts/setup/paths.ts";
import { compile } from "../../support/compile.ts";

/** The wires of a circuit's inputs of these names as compiled with O1; a wire may carry other signals beside. */
export async function inputWires(circuit: string, names: ReadonlySet<string>): Promise<Map<string, number>> {
  const instance = readInstances(PLACES.instances).find(({ name }) => name === circuit);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${circuit}`);
  const { file, template, parameters, publicSignals } = instance;
  const visible = `{public [${publicSignals.join(", ")}]} `;
  const folder = await compile(file, `${visible}= ${template}(${parameters.join(", ")})`, "O1");
  const wires = new Map<string, number>();
  for (const line of readFileSync(join(folder, "circuit.sym"), "utf8").split("\n")) {
    const [, wire, , signal = ""] = line.split(",");
    const name = signal.replace(/^main\./, "");
    if (names.has(name) && Number(wire) > 0) wires.set(name, Number(wire));
  }
  return wires;
}
