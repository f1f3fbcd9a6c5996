import { readFileSync } from "node:fs";

/** One circuit to compile: a template of a file with its parameters and its public inputs in the order of the proof's signals. */
export interface Instance {
  name: string;
  /** Path of the circom file from the repository root. */
  file: string;
  template: string;
  parameters: number[];
  /** Declared names, arrays once. */
  publicSignals: string[];
}

const FIELDS = ["name", "file", "template", "parameters", "publicSignals"];

/**
 * Reads the instance list.
 * @throws Error naming the entry and the field that is wrong.
 */
export function readInstances(file: string): Instance[] {
  const list: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(list) || list.length === 0) throw new Error(`${file}: expected a list of circuits`);
  const instances = list.map((entry, index) => checkInstance(entry, `${file}, entry ${index}`));
  const names = instances.map((instance) => instance.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${file}: the name ${twice} occurs twice`);
  return instances;
}

function checkInstance(entry: unknown, where: string): Instance {
  if (typeof entry !== "object" || entry === null) throw new Error(`${where}: expected an object`);
  const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Error(`${where}: unknown field ${unknown}`);
  const { name, file, template, parameters, publicSignals } = entry as Instance;
  const words = (list: unknown): boolean =>
    Array.isArray(list) && list.every((item) => /^\w+$/.test(String(item)));
  if (!/^[a-z][a-zA-Z]*(\.[a-z]+)?$/.test(String(name))) throw new Error(`${where}: name is ${name}`);
  if (!/^\w+$/.test(String(template))) throw new Error(`${where}: template is ${template}`);
  if (!Array.isArray(parameters) || !parameters.every((value) => Number.isSafeInteger(value))) {
    throw new Error(`${where}: parameters must be a list of integers`);
  }
  if (!words(publicSignals)) throw new Error(`${where}: publicSignals must be a list of names`);
  if (typeof file !== "string") throw new Error(`${where}: file must be a path`);
  return { name, file, template, parameters, publicSignals };
}

/** The circom file whose main component is the instance. */
export function mainComponent(instance: Instance): string {
  const { file, template, parameters, publicSignals } = instance;
  return `pragma circom 2.2.0;

include "${file}";

component main {public [${publicSignals.join(", ")}]} = ${template}(${parameters.join(", ")});
`;
}
