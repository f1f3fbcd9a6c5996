import { type Constraint, readConstraints } from "../../support/r1cs.ts";

/** A compiled circuit as the analysis needs it. */
export interface CompiledSystem {
  constraints: Constraint[];
  /** Number of wires, the constant's (0) among them. */
  wires: number;
  /** A signal of each wire, `main.` left out; wire 0 has the name `1`. */
  names: string[];
  /** Wires of the main component's inputs by name. Inputs that the compiler replaced by a linear form of other wires are left out. */
  inputs: Map<string, number>;
  /** Wires of its public inputs and outputs. */
  publicWires: number[];
}

/**
 * Reads what circom made of a circuit (BN254). The symbol file numbers the main component's outputs first and its inputs next, the public
 * ones before the others; the header of the constraint file has their numbers.
 */
export function readCompiled(r1cs: Uint8Array, symbols: string): CompiledSystem {
  const view = new DataView(r1cs.buffer, r1cs.byteOffset, r1cs.byteLength);
  let header = 12;
  while (view.getUint32(header, true) !== 1) header += 12 + Number(view.getBigUint64(header + 4, true));
  const counts = header + 12 + 4 + view.getUint32(header + 12, true);
  const [wires, outputs, publicInputs, privateInputs] = [0, 4, 8, 12].map((offset) =>
    view.getUint32(counts + offset, true),
  ) as [number, number, number, number];

  const names: string[] = ["1"];
  const inputs = new Map<string, number>();
  for (const line of symbols.split("\n")) {
    const [label, wire, , signal] = line.split(",");
    if (signal === undefined || Number(wire) < 0) continue;
    const name = signal.replace(/^main\./, "");
    names[Number(wire)] ??= name;
    const place = Number(label) - outputs;
    if (place >= 1 && place <= publicInputs + privateInputs) inputs.set(name, Number(wire));
  }
  return {
    constraints: readConstraints(r1cs),
    wires,
    names,
    inputs,
    publicWires: Array.from({ length: outputs + publicInputs }, (_, index) => index + 1),
  };
}
