import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { fromField, poseidon, poseidonMany, toField } from "../../protocol/poseidon.ts";
import { refusal } from "./support.ts";

describe("Poseidon", () => {
  test("circomlib's published value", () => {
    expect(poseidon(0n, [1n, 2n])).toBe(
      7853200120776062878684798364095072458815029376092732009249414926327459813530n,
    );
  });

  test("a domain tag makes another hash, and the first output is the hash", () => {
    expect(poseidon(1n, [1n, 2n])).not.toBe(poseidon(2n, [1n, 2n]));
    expect(poseidonMany(1n, [1n, 2n], 2)[0]).toBe(poseidon(1n, [1n, 2n]));
  });

  test("negative integers and multiples of the order are their field elements", () => {
    expect(poseidon(9n, [-1n, FIELD_ORDER, FIELD_ORDER + 3n])).toBe(poseidon(9n, [FIELD_ORDER - 1n, 0n, 3n]));
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 252n), max: 2n ** 252n }), (value) => {
        expect(fromField(toField(value))).toBe(value);
      }),
    );
  });

  test("takes one to sixteen inputs", () => {
    expect(refusal(() => poseidon(1n, []))).toBe("poseidon.inputs");
    expect(refusal(() => poseidon(1n, new Array(17).fill(1n)))).toBe("poseidon.inputs");
  });
});
