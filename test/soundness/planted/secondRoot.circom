pragma circom 2.2.0;

include "circuits/lib/range.circom";

// A square has two roots; the one in the lower half of the field is meant.
template Planted() {
    signal input square;
    signal output root;

    root <-- square == 9 ? 3 : 0;
    root * root === square;
}

template Clean() {
    signal input square;
    signal output root;

    root <-- square == 9 ? 3 : 0;
    root * root === square;
    Range(120)(root);
}
