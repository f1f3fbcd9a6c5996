pragma circom 2.2.0;

include "circuits/lib/range.circom";
include "circomlib/circuits/bitify.circom";

// The 254 bits of a pseudorandom field element, which have exactly one accepted value.
//
// 254 bits reach beyond the field order r, so an element h < 2^254 − r could also be written as h + r. All numbers of 254 bits whose
// upper 62 bits are below those of r are below r themselves, and of two numbers that differ by r at most one is. So that is what is
// asked, for 62 constraints instead of the 260 of a full comparison. It refuses the elements that share their upper 62 bits with r:
// for a hash a chance of 2^-61, which the caller must be able to live with.
// Inputs: any field element. Cost: 316 constraints.
template CanonicalBits() {
    signal input in;
    signal output bits[254];

    bits <== Num2Bits(254)(in);

    var upper = 0;
    for (var i = 0; i < 62; i++) upper += bits[192 + i] * (1 << i);
    // (−1) >> 192 are the upper bits of r − 1, which are those of r.
    Range(62)(((-1) >> 192) - 1 - upper);
}
