import { inverse } from "./field.ts";
import type { Form } from "./form.ts";

type Row = Map<number, bigint>;

/**
 * Linear forms of open wires that have one value although their wires may not: a basis in Gauss and Jordan's form. Each row is 1 at its pivot,
 * and no other row has that wire.
 */
export interface Span {
  prime: bigint;
  rows: Map<number, Row>;
  /** For each wire, pivots whose rows may have it. */
  columns: Map<number, Set<number>>;
}

export function emptySpan(prime: bigint): Span {
  return { prime, rows: new Map(), columns: new Map() };
}

/** row − factor·other, in place. */
function subtract(row: Row, other: Row, factor: bigint, prime: bigint): void {
  const negative = prime - factor;
  for (const [wire, coefficient] of other) {
    const value = ((row.get(wire) ?? 0n) + negative * coefficient) % prime;
    if (value === 0n) row.delete(wire);
    else row.set(wire, value);
  }
}

/** What is left of a form of open wires modulo the forms of the span; nothing when it is one of them. */
export function reduced({ rows, prime }: Span, form: Form): Row {
  const rest: Row = new Map(form.map(({ wire, coefficient }) => [wire, coefficient]));
  for (const { wire, coefficient } of form) {
    const row = rows.get(wire);
    // Pivots stand in no other row, so each keeps the coefficient that the form has.
    if (row !== undefined) subtract(rest, row, coefficient, prime);
  }
  return rest;
}

function enter(span: Span, pivot: number, row: Row): void {
  for (const wire of row.keys()) {
    const pivots = span.columns.get(wire);
    if (pivots === undefined) span.columns.set(wire, new Set([pivot]));
    else pivots.add(pivot);
  }
}

/** Adds a reduced form that is not empty. Returns the wires that are now forms by themselves, which have left the span. */
export function extend(span: Span, row: Row): number[] {
  const { rows, columns, prime } = span;
  const [wire, coefficient] = row.entries().next().value as [number, bigint];
  const factor = inverse(coefficient, prime);
  for (const [other, value] of row) row.set(other, (value * factor) % prime);
  const single: number[] = [];
  for (const pivot of columns.get(wire) ?? []) {
    const above = rows.get(pivot);
    const value = above?.get(wire);
    if (above === undefined || value === undefined) continue;
    subtract(above, row, value, prime);
    enter(span, pivot, row);
    if (above.size === 1) single.push(pivot);
  }
  columns.delete(wire);
  if (row.size === 1) single.push(wire);
  rows.set(wire, row);
  enter(span, wire, row);
  for (const pivot of single) rows.delete(pivot);
  return single;
}

/** Takes a wire out that has been determined otherwise. Returns wires that are determined with it. */
export function forget(span: Span, wire: number): number[] {
  const { rows, columns } = span;
  const own = rows.get(wire);
  if (own !== undefined) {
    rows.delete(wire);
    own.delete(wire);
    return own.size === 0 ? [] : extend(span, own);
  }
  const single: number[] = [];
  for (const pivot of columns.get(wire) ?? []) {
    const row = rows.get(pivot);
    if (row?.delete(wire) && row.size === 1) single.push(pivot);
  }
  columns.delete(wire);
  for (const pivot of single) rows.delete(pivot);
  return single;
}
