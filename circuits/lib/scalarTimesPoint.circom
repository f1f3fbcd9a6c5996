pragma circom 2.2.0;

include "circomlib/circuits/montgomery.circom";
include "circuits/lib/doubleAndAdd.circom";

// e·P for e = 2^249 + 2f + 1, where f is given in 248 bits, and a point P of prime order in Montgomery form; the result is in Edwards form.
//
// In signed digits, e = sum of s_i·2^i with s_i = 2·f_i − 1 for i < 248 and s_248 = s_249 = 1. The two constant digits start the
// accumulator at 3·P; each bit then makes 2·acc ± P of it, where ±P costs one product because only v changes its sign.
//
// No formula meets an exception: the accumulator is k·P with 3 <= k < 2^249, so k ± 1, and in the second addition 2k ± 1, are never
// a multiple of P's order, which exceeds 2^250. So every slope has exactly one value, and the result is never the neutral element.
// (circomlib's EscalarMulAny costs 9 constraints a bit and replaces a point with x = 0 silently; this costs 6.)
// Inputs: bits already boolean; point of order greater than 2^250 (PrimeOrderPoint). Cost: 1,497 constraints.
template ScalarTimesPoint() {
    signal input bits[248];
    signal input point[2];
    signal output out[2];

    signal twice[2] <== MontgomeryDouble()(point);
    signal accumulator[249][2];
    accumulator[248] <== MontgomeryAdd()(twice, point);

    signal v[248];
    for (var i = 247; i >= 0; i--) {
        v[i] <== (2 * bits[i] - 1) * point[1];
        accumulator[i] <== DoubleAndAdd()(accumulator[i + 1], [point[0], v[i]]);
    }

    out <== Montgomery2Edwards()(accumulator[0]);
}
