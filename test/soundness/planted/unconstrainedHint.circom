pragma circom 2.2.0;

// A square that is computed and never constrained.
template Planted() {
    signal input in;
    signal output square;
    signal output fourth;

    square <-- in * in;
    fourth <== square * square;
}

template Clean() {
    signal input in;
    signal output square;
    signal output fourth;

    square <== in * in;
    fourth <== square * square;
}
