import { FIELD_ORDER } from "../../../protocol/constants.ts";
import type { CircuitInput, CircuitValue } from "../../../protocol/openedRowsInput.ts";

/*
 * What the inputs of an accepted witness say, in the terms of the model. The model is then asked whether that is so, and what the public
 * signals have to be; it never sees a witness.
 */

/** Inputs of a circuit as the model reads them. */
export interface Reading {
  /**
   * By name of a root: true when what the inputs open under it is nothing that a ledger or a reporter commits to (a note out of its bounds, a
   * row out of its bounds). Of such trees the circuits promise nothing; their roots are not known.
   */
  impossible: Record<string, boolean>;
  /** Inputs that a prover computes from the other ones: scan risks, payments, claims. */
  hints: CircuitInput;
  /** The model's verdict. Throws a SolvusError when it refuses, or when a path does not lead to its root. */
  conclude(): Conclusion;
}

export interface Conclusion {
  /** All public signals as the model has them. */
  signals: object;
  /** What the statement is about: the notes before and after, the request, the rows it rests on. */
  meaning: object;
}

/** A field element by the name of its signal. Throws when there is no such input. */
export function element(input: CircuitInput, name: string): bigint {
  const value = input[name];
  if (typeof value !== "bigint") throw new Error(`input ${name} is no field element`);
  return value;
}

/** A vector of field elements. */
export function vector(input: CircuitInput, name: string): bigint[] {
  return input[name] as bigint[];
}

/** A matrix of field elements. */
export function matrix(input: CircuitInput, name: string): bigint[][] {
  return input[name] as bigint[][];
}

/** Field elements by the names of their signals, `rowPath0[3][5]` for one of a matrix, each in [0, p). */
export function flatten(input: CircuitInput): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const visit = (name: string, value: CircuitValue): void => {
    if (typeof value === "bigint") found.set(name, ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER);
    else for (const [index, part] of value.entries()) visit(`${name}[${index}]`, part);
  };
  for (const [name, value] of Object.entries(input)) visit(name, value);
  return found;
}

/** Inputs of the same shape, with other values by name; field elements in [0, p). */
export function withValues(input: CircuitInput, values: ReadonlyMap<string, bigint>): CircuitInput {
  const visit = (name: string, value: CircuitValue): CircuitValue =>
    typeof value === "bigint"
      ? (values.get(name) as bigint)
      : value.map((part, index) => visit(`${name}[${index}]`, part));
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, visit(name, value)]));
}
