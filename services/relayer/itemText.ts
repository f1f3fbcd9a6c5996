import type { Item } from "./submissions.ts";

/*
 * Items as the database keeps them: JSON with every integer as a string that ends in `n`. Addresses and signatures begin with 0x.
 */

const INTEGER = /^\d+n$/;

export function itemText(item: Item): string {
  return JSON.stringify(item, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}

export function itemOf(text: string): Item {
  return JSON.parse(text, (_, value) =>
    typeof value === "string" && INTEGER.test(value) ? BigInt(value.slice(0, -1)) : value,
  );
}
