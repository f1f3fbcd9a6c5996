pragma circom 2.2.0;

include "circuits/lib/range.circom";

// A quotient without a check of its remainder: another quotient passes as well.
template UnboundHint() {
    signal input in;
    signal input quotient;

    component remainder = Range(8);
    remainder.in <== in - 16 * quotient;
}
