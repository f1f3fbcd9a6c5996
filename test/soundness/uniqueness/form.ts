import type { Combination } from "../../support/r1cs.ts";
import { inverse, residue } from "./field.ts";

/**
 * A linear form over wires: each wire once, coefficients in [1, prime), ascending by wire. Wire 0 carries the constant 1, so the
 * coefficient of wire 0 is the constant term.
 */
export type Form = readonly { readonly wire: number; readonly coefficient: bigint }[];

/** The form of a combination: wires merged, zero terms dropped. */
export function formOf(combination: Combination | Form, prime: bigint): Form {
  const sums = new Map<number, bigint>();
  for (const { wire, coefficient } of combination) sums.set(wire, (sums.get(wire) ?? 0n) + coefficient);
  return [...sums]
    .map(([wire, coefficient]) => ({ wire, coefficient: residue(coefficient, prime) }))
    .filter(({ coefficient }) => coefficient !== 0n)
    .sort((one, other) => one.wire - other.wire);
}

/** factor·one + otherFactor·other. */
export function combine(one: Form, factor: bigint, other: Form, otherFactor: bigint, prime: bigint): Form {
  const scaled = (form: Form, by: bigint) =>
    form.map(({ wire, coefficient }) => ({ wire, coefficient: coefficient * by }));
  return formOf([...scaled(one, factor), ...scaled(other, otherFactor)], prime);
}

/** factor·form. */
export function scale(form: Form, factor: bigint, prime: bigint): Form {
  return combine(form, factor, [], 0n, prime);
}

/** Coefficient of a wire, 0 when the form does not have it. */
export function coefficientOf(form: Form, wire: number): bigint {
  let [from, to] = [0, form.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((form[middle] as Form[number]).wire < wire) from = middle + 1;
    else to = middle;
  }
  const found = form[from];
  return found?.wire === wire ? found.coefficient : 0n;
}

/** The value of a form without wires, undefined for any other. */
export function constantOf(form: Form): bigint | undefined {
  if (form.length === 0) return 0n;
  return form.length === 1 && form[0]?.wire === 0 ? form[0].coefficient : undefined;
}

/** The form without its constant term. */
export function withoutConstant(form: Form): Form {
  return form[0]?.wire === 0 ? form.slice(1) : form;
}

/** A text that is the same for forms that are multiples of each other. The form must not be empty. */
export function directionOf(form: Form, prime: bigint): string {
  const factor = inverse((form[0] as Form[number]).coefficient, prime);
  return form.map(({ wire, coefficient }) => `${wire}:${(coefficient * factor) % prime}`).join(",");
}

/** The factor by which `other` is a multiple of `one`, constants apart; undefined when it is none. Neither may be constant. */
export function ratioOf(one: Form, other: Form, prime: bigint): bigint | undefined {
  const [left, right] = [withoutConstant(one), withoutConstant(other)];
  if (left.length !== right.length || left.length === 0) return undefined;
  if (left.some(({ wire }, index) => wire !== right[index]?.wire)) return undefined;
  const factor =
    ((right[0] as Form[number]).coefficient * inverse((left[0] as Form[number]).coefficient, prime)) % prime;
  const proportional = left.every(
    ({ coefficient }, index) => (coefficient * factor) % prime === right[index]?.coefficient,
  );
  return proportional ? factor : undefined;
}
