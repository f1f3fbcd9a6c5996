pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Off by one: a remainder of ten passes where nine is the most.
template Planted() {
    signal input in;
    signal output quotient;
    signal output remainder;

    quotient <-- in \ 10;
    remainder <-- in % 10;
    in === 10 * quotient + remainder;
    Range(60)(quotient);
    Range(4)(remainder);
    Range(4)(10 - remainder);
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
