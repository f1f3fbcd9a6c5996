import { buildPoseidon } from "circomlibjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { fromField, poseidon, poseidonMany, toField } from "../../protocol/poseidon.ts";
import { refusal } from "./support.ts";

const reference = await buildPoseidon();

function referenceMany(domain: bigint, inputs: bigint[], outputs: number): bigint[] {
  const result = reference(inputs.map(toField), toField(domain), outputs);
  return (outputs === 1 ? [result] : result).map((element: Uint8Array) => reference.F.toObject(element));
}

/** Field elements, with the ends of the range and of the limbs often among them. */
const element = fc.oneof(
  fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n }),
  fc.constantFrom(
    0n,
    1n,
    FIELD_ORDER - 1n,
    FIELD_ORDER - 2n,
    (1n << 28n) - 1n,
    (1n << 252n) - 1n,
    1n << 252n,
  ),
);

describe("Poseidon", () => {
  test("circomlib's published value", () => {
    expect(poseidon(0n, [1n, 2n])).toBe(
      7853200120776062878684798364095072458815029376092732009249414926327459813530n,
    );
  });

  test("agrees with circomlibjs at every width, tag and number of outputs", () => {
    fc.assert(
      fc.property(
        fc.array(element, { minLength: 1, maxLength: 16 }),
        element,
        fc.integer({ min: 1, max: 17 }),
        (inputs, domain, wanted) => {
          const outputs = Math.min(wanted, inputs.length + 1);
          expect(poseidonMany(domain, inputs, outputs)).toEqual(referenceMany(domain, inputs, outputs));
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(Array.from({ length: 16 }, (_, index) => index + 1))(
    "all inputs at p − 1, %d of them",
    (count) => {
      const inputs = new Array<bigint>(count).fill(FIELD_ORDER - 1n);
      expect(poseidonMany(FIELD_ORDER - 1n, inputs, count + 1)).toEqual(
        referenceMany(FIELD_ORDER - 1n, inputs, count + 1),
      );
    },
  );

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
