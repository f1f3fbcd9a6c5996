pragma circom 2.2.0;

include "circuits/lib/range.circom";

// in = 10·quotient + remainder. The remainder fits four bits, but nothing keeps it below ten.
template Planted() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 10;
    remainder <-- in % 10;
    in === 10 * quotient + remainder;
    Range(60)(quotient);
    Range(4)(remainder);
}

template Clean() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 10;
    remainder <-- in % 10;
    in === 10 * quotient + remainder;
    Range(60)(quotient);
    Range(4)(remainder);
    Range(4)(9 - remainder);
}
