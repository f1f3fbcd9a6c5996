import { commonDivisor, magnitude } from "./field.ts";

/** A term of an integer equation: an unknown with `coefficient`, whose value in one solution differs from that in another by `width` at most. */
export interface RadixTerm {
  coefficient: bigint;
  width: bigint;
}

/** Sum of |coefficient|·width: how far two values of the sum can be apart. */
export function spread(terms: readonly RadixTerm[]): bigint {
  return terms.reduce((sum, { coefficient, width }) => sum + magnitude(coefficient) * width, 0n);
}

/**
 * Of an equation over the integers whose unknowns have bounded ranges, the places of those that have one value: the differences D_i
 * of two solutions meet sum coefficient_i·D_i = 0 with |D_i| <= width_i. Two steps, as often as either applies:
 *   - the term of the largest coefficient is 0 when all others together cannot make up for it;
 *   - a group of terms is 0 in sum when it cannot reach the common divisor of all others. (Digits; a quotient and its remainder.)
 */
export function resolvedTerms(terms: readonly RadixTerm[]): number[] {
  const order = [...terms.keys()].sort((one, other) => {
    const difference =
      magnitude((terms[one] as RadixTerm).coefficient) - magnitude((terms[other] as RadixTerm).coefficient);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  });
  return resolvedInOrder(terms, order);
}

function resolvedInOrder(terms: readonly RadixTerm[], order: readonly number[]): number[] {
  if (order.length === 0) return [];
  const at = (place: number) => terms[order[place] as number] as RadixTerm;
  const reach: bigint[] = [0n];
  for (const [place] of order.entries())
    reach.push((reach[place] as bigint) + magnitude(at(place).coefficient) * at(place).width);

  // From the top: larger than everything below.
  let top = order.length;
  while (top > 0 && magnitude(at(top - 1).coefficient) > (reach[top - 1] as bigint)) top--;
  const found = order.slice(top);
  if (top < order.length) return [...found, ...resolvedInOrder(terms, order.slice(0, top))];

  // From the bottom: the lowest terms cannot reach a multiple of the divisor of the rest, so they sum to 0 by themselves, and so does the rest.
  const divisors: bigint[] = new Array(order.length + 1).fill(0n);
  for (let place = order.length - 1; place > 0; place--)
    divisors[place] = commonDivisor(divisors[place + 1] as bigint, at(place).coefficient);
  for (let place = 1; place < order.length; place++) {
    if ((reach[place] as bigint) < (divisors[place] as bigint))
      return [
        ...resolvedInOrder(terms, order.slice(0, place)),
        ...resolvedInOrder(terms, order.slice(place)),
      ];
  }
  return [];
}
