pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/range.circom";

// circomlib's comparator takes numbers of eight bits. Unchecked, the remainder −10 is p − 10 and below ten as well.
template Planted() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 10;
    remainder <-- in % 10;
    in === 10 * quotient + remainder;
    Range(60)(quotient);
    signal below <== LessThan(8)([remainder, 10]);
    below === 1;
}

template Clean() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 10;
    remainder <-- in % 10;
    in === 10 * quotient + remainder;
    Range(60)(quotient);
    Range(8)(remainder);
    signal below <== LessThan(8)([remainder, 10]);
    below === 1;
}
