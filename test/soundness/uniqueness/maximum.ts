import { inverse, signed } from "./field.ts";
import { coefficientOf, combine, type Form, ratioOf, scale } from "./form.ts";
import { intervalOf } from "./intervals.ts";
import { type Knowledge, openPart, type Relation } from "./knowledge.ts";
import { type RadixTerm, resolvedTerms, spread } from "./radix.ts";

/** A single open wire with coefficient, as its wire. */
function soleWire(form: Form): number | undefined {
  return form.length === 1 ? form[0]?.wire : undefined;
}

/** The open factors of a product chain that ends in `relation` a·b = 0: wires that are products themselves are taken apart. */
function factorsOf(knowledge: Knowledge, { a, b }: Relation): Form[] {
  const factors: Form[] = [];
  const queue = [a, b];
  const seen = new Set<number>();
  for (let form = queue.pop(); form !== undefined; form = queue.pop()) {
    const wire = soleWire(form);
    const product =
      wire === undefined || seen.has(wire)
        ? undefined
        : (knowledge.touching[wire] as number[])
            .map((index) => knowledge.relations[index] as Relation)
            .find(
              (relation) =>
                relation.a.length > 0 &&
                soleWire(relation.c) === wire &&
                !has(relation.a, wire) &&
                !has(relation.b, wire),
            );
    if (product === undefined) factors.push(form);
    else {
      seen.add(wire as number);
      queue.push(product.a, product.b);
    }
  }
  return factors;
}

function has(form: Form, wire: number): boolean {
  return coefficientOf(form, wire) !== 0n;
}

/** Width of a form known to lie in [0, prime) as an integer; undefined when that is not known. */
function widthFromZero(knowledge: Knowledge, form: Form): bigint | undefined {
  const interval = intervalOf(knowledge, form);
  if (interval === undefined || interval.low < 0n || interval.high >= knowledge.prime) return undefined;
  return interval.high;
}

/**
 * The factors that follow `base`: of two solutions, they differ by what base differs by. Directly, when factor − base has no open wire; or as
 * digits, when factor − base, other factors less base and determined terms make an equation that resolves.
 */
function followers(knowledge: Knowledge, base: number, factors: Form[]): Set<Form> {
  const { prime } = knowledge;
  const one = { wire: base, coefficient: 1n };
  const found = new Set<Form>();
  const widthOfBase = widthFromZero(knowledge, [one]) as bigint;
  const single = new Map(
    factors.flatMap((factor) => {
      const open = openPart(knowledge, factor);
      return open.length === 1 && factor.length === 1 && open[0]?.coefficient === 1n && open[0].wire !== base
        ? [[open[0].wire, factor] as const]
        : [];
    }),
  );
  for (const factor of factors) {
    const open = openPart(knowledge, combine(factor, 1n, [one], -1n, prime));
    if (open.length === 0) {
      found.add(factor);
      continue;
    }
    // factor = t·base + sum of t_j·(other factor j) + determined, with t + sum t_j = 1: an equation between the distances from base.
    const parts = openPart(knowledge, factor).filter(({ wire }) => wire !== base);
    if (
      parts.length === 0 ||
      parts.some(({ wire }) => !single.has(wire)) ||
      single.has(soleWire(factor) ?? -1)
    )
      continue;
    const weight = parts.reduce((sum, { coefficient }) => sum + coefficient, coefficientOf(factor, base));
    if (signed(weight, prime) !== 1n) continue;
    const widths = [factor, ...parts.map(({ wire }) => single.get(wire) as Form)].map((form) =>
      widthFromZero(knowledge, form),
    );
    if (widths.some((width) => width === undefined)) continue;
    for (const { coefficient: unit } of parts) {
      const scaling = inverse(unit, prime);
      const terms = [prime - 1n, ...parts.map(({ coefficient }) => coefficient)].map(
        (coefficient, place): RadixTerm => ({
          coefficient: signed(coefficient * scaling, prime),
          width: (widths[place] as bigint) + widthOfBase,
        }),
      );
      if (spread(terms) >= prime) continue;
      const resolved = resolvedTerms(terms);
      if (resolved.length < terms.length) continue;
      found.add(factor);
      for (const { wire } of parts) found.add(single.get(wire) as Form);
      break;
    }
  }
  return found;
}

/**
 * Wires x that are the largest of some values: (x − v_1)·(x − v_2)… = 0 with x and every difference in [0, prime). In two solutions all
 * factors differ by what x differs by; in the one with the larger x none would be 0, so there are not two.
 */
export function maximumOf(knowledge: Knowledge): number[] {
  const { prime } = knowledge;
  const found: number[] = [];
  for (const relation of knowledge.relations) {
    const { a, b, c } = relation;
    if (a.length === 0 || c.length > 0) continue;
    if (openPart(knowledge, a).length === 0 || openPart(knowledge, b).length === 0) continue;
    // A bit's constraint is no product of different forms.
    if (ratioOf(a, b, prime) !== undefined) continue;
    const factors = factorsOf(knowledge, relation);
    if (factors.some((factor) => openPart(knowledge, factor).length === 0)) continue;
    for (const candidate of factors) {
      const base = soleWire(openPart(knowledge, candidate));
      if (base === undefined) continue;
      // Every factor scaled so that it moves with base by 1, or, for a lone wire, by itself.
      const scaled = factors.map((factor) => {
        const [only] = openPart(knowledge, factor);
        const weight = coefficientOf(factor, base);
        if (weight === 0n || openPart(knowledge, factor).length > 1)
          return factor.length === 1
            ? scale(factor, inverse((only as Form[number]).coefficient, prime), prime)
            : factor;
        return scale(factor, inverse(weight, prime), prime);
      });
      const widths = [[{ wire: base, coefficient: 1n }], ...scaled].map((form) =>
        widthFromZero(knowledge, form),
      );
      // No sum of a factor and a distance of x reaches the prime, so none comes round to 0.
      if (widths.some((width) => width === undefined || width + (widths[0] ?? prime) >= prime)) continue;
      if (followers(knowledge, base, scaled).size < scaled.length) continue;
      found.push(base);
      break;
    }
  }
  return found;
}
