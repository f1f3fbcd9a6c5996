import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * Names of a circuit's public signals in the order of the proof, from its symbol file: lines of label, wire, component and name.
 * @param count how many: wires 1 … count are public
 */
export async function publicSignalNames(symbolFile: string, count: number): Promise<string[]> {
  const names = new Array<string>(count).fill("");
  let missing = count;
  const input = createReadStream(symbolFile);
  const lines = createInterface({ input });
  for await (const line of lines) {
    if (missing === 0) break;
    const [, wire, , name] = line.split(",");
    const place = Number(wire) - 1;
    if (place < 0 || place >= count || names[place] !== "" || !/^main\.[^.]+$/.test(name)) continue;
    names[place] = name.slice("main.".length);
    missing--;
  }
  lines.close();
  input.destroy();
  return names;
}

/** `["a", "b[0]", "b[1]"]` → `["a", "b"]`: the declared names in order. */
export function declaredNames(names: string[]): string[] {
  return [...new Set(names.map((name) => name.replace(/\[.*$/, "")))];
}
