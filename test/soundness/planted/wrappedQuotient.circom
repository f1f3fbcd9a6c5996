pragma circom 2.2.0;

include "circuits/lib/range.circom";

// in = 16·quotient + remainder, where the quotient may be any field element: in + 1 modulo 16 gives another one, of 250 bits.
template Planted() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 16;
    remainder <-- in % 16;
    in === 16 * quotient + remainder;
    Range(4)(remainder);
}

template Clean() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 16;
    remainder <-- in % 16;
    in === 16 * quotient + remainder;
    Range(4)(remainder);
    Range(60)(quotient);
}
