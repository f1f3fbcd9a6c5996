pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Three numbers of 100 bits in one field element: together they reach beyond the order and mean several triples.
template Planted() {
    signal input word;
    signal output part[3];

    for (var i = 0; i < 3; i++) {
        part[i] <-- (word >> (100 * i)) & ((1 << 100) - 1);
        Range(100)(part[i]);
    }
    word === part[0] + part[1] * (1 << 100) + part[2] * (1 << 200);
}

template Clean() {
    signal input word;
    signal output part[3];

    for (var i = 0; i < 3; i++) {
        part[i] <-- (word >> (100 * i)) & ((1 << 100) - 1);
    }
    Range(100)(part[0]);
    Range(100)(part[1]);
    Range(50)(part[2]);
    word === part[0] + part[1] * (1 << 100) + part[2] * (1 << 200);
}
