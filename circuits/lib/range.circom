pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";

// in is in [0, 2^bits). bits <= 252, so that the decomposition is unique. Cost: bits.
template Range(bits) {
    signal input in;

    component decomposition = Num2Bits(bits);
    decomposition.in <== in;
}

// in, read as a signed integer, is in [-2^bits, 2^bits); nonNegative tells its half. bits <= 251. Cost: bits + 1.
template SignedRange(bits) {
    signal input in;
    signal output nonNegative;

    component decomposition = Num2Bits(bits + 1);
    decomposition.in <== in + (1 << bits);
    nonNegative <== decomposition.out[bits];
}
