pragma circom 2.2.0;

include "circuits/lib/range.circom";

// taken = sign·ceil(slice·|size| / 2^16): what a slice takes of one leg (sliceOf in protocol/liquidation.ts).
// Inputs: size in [-2^36, 2^36); nonNegative its sign, either at 0; slice in [1, 2^16], checked by the caller. taken is a hint with one
// valid value: |taken| is checked to 37 bits, so |taken|·2^16 - slice·|size| lies within 2^54 of 0 and cannot wrap, and its check to
// [0, 2^16) leaves the ceiling alone. 0 <= |taken| <= |size| follows. Cost: 56.
template Slice() {
    signal input size;
    signal input nonNegative;
    signal input slice;
    signal input taken;

    signal magnitude <== (2 * nonNegative - 1) * size;
    signal takenMagnitude <== (2 * nonNegative - 1) * taken;
    component takenRange = Range(37);
    takenRange.in <== takenMagnitude;
    signal product <== slice * magnitude;
    component remainder = Range(16);
    remainder.in <== takenMagnitude * (1 << 16) - product;
}
