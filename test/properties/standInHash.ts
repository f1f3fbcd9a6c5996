import { FIELD_ORDER } from "../../protocol/constants.ts";
import { ensure } from "../../protocol/errors.ts";

/*
 * A hash that stands in for Poseidon, here and in circuits, where a property is about rules and not about hashing: nine tenths of what a
 * witness costs are Poseidon's. It takes the place of protocol/poseidon.ts (same functions, same bounds) by `vi.mock`, and of the template
 * HashMany in the circuits that test/properties/rulesCircuit.ts compiles.
 *
 *     mixed  = domain + sum of inputs[i]·weight(0, i)
 *     out[k] = (k + 1)·mixed² + domain + sum of inputs[i]·weight(k + 1, i)         weight(k, i) = BASE^(16·k + i + 1)
 *
 * Nobody chooses inputs against it in these tests, and for inputs that were not chosen against it two hashes agree with 2^-250.
 */

/** Where the powers start: the first digits of pi, as good as any. */
const BASE = 31415926535897932384626433832795028841971693993751058209749445923078164062862n % FIELD_ORDER;
const MOST_INPUTS = 16;
const MOST_OUTPUTS = 4;

const WEIGHTS: bigint[][] = [];
for (let power = 1n, k = 0; k <= MOST_OUTPUTS; k++) {
  const row: bigint[] = [];
  for (let i = 0; i < MOST_INPUTS; i++) {
    power = (power * BASE) % FIELD_ORDER;
    row.push(power);
  }
  WEIGHTS.push(row);
}

/** As in protocol/poseidon.ts. */
export function toField(value: bigint): bigint {
  const reduced = value % FIELD_ORDER;
  return reduced < 0n ? reduced + FIELD_ORDER : reduced;
}

/** As in protocol/poseidon.ts. */
export function fromField(element: bigint): bigint {
  return element > FIELD_ORDER / 2n ? element - FIELD_ORDER : element;
}

/** Stands in for the function of this name in protocol/poseidon.ts. */
export function poseidon(domain: bigint, inputs: readonly bigint[]): bigint {
  return poseidonMany(domain, inputs, 1)[0] as bigint;
}

/** Stands in for the function of this name in protocol/poseidon.ts. Throws `poseidon.inputs`. */
export function poseidonMany(domain: bigint, inputs: readonly bigint[], outputs: number): bigint[] {
  ensure(
    inputs.length >= 1 && inputs.length <= MOST_INPUTS,
    "poseidon.inputs",
    `inputs: got ${inputs.length}, expected 1 to ${MOST_INPUTS}`,
  );
  const weighted = (row: readonly bigint[]): bigint =>
    inputs.reduce((sum, input, i) => sum + input * (row[i] as bigint), domain);
  const mixed = toField(weighted(WEIGHTS[0] as bigint[]));
  const square = mixed * mixed;
  return Array.from({ length: outputs }, (_, k) =>
    toField(BigInt(k + 1) * square + weighted(WEIGHTS[k + 1] as bigint[])),
  );
}

/** circuits/lib/hash.circom with this hash in Poseidon's place. */
export const STAND_IN_SOURCE = `pragma circom 2.2.0;

template HashMany(domain, n, outputs) {
    signal input in[n];
    signal output out[outputs];

    var weight = 1;
    var mixed = domain;
    for (var i = 0; i < ${MOST_INPUTS}; i++) {
        weight *= ${BASE};
        if (i < n) { mixed += in[i] * weight; }
    }
    signal square <== mixed * mixed;
    for (var k = 0; k < outputs; k++) {
        var linear = domain;
        for (var i = 0; i < ${MOST_INPUTS}; i++) {
            weight *= ${BASE};
            if (i < n) { linear += in[i] * weight; }
        }
        out[k] <== (k + 1) * square + linear;
    }
}

template Hash(domain, n) {
    signal input in[n];
    signal output out;

    component many = HashMany(domain, n, 1);
    many.in <== in;
    out <== many.out[0];
}
`;
