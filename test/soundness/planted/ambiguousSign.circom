pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Sign and magnitude: 0 is both +0 and −0.
template Planted() {
    signal input in;
    signal output magnitude;
    signal output nonNegative;

    nonNegative <-- in >= 0 ? 1 : 0;
    nonNegative * (1 - nonNegative) === 0;
    magnitude <== (2 * nonNegative - 1) * in;
    Range(40)(magnitude);
}

template Clean() {
    signal input in;
    signal output magnitude;
    signal output nonNegative;

    nonNegative <-- in >= 0 ? 1 : 0;
    nonNegative * (1 - nonNegative) === 0;
    magnitude <== (2 * nonNegative - 1) * in;
    Range(40)(in + (1 - nonNegative) * (1 << 40));
}
