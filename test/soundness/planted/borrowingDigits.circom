pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Two digits at 2^84 that may fill 85 bits: what the lower one has too much, the higher one has too little.
template Planted() {
    signal input word;
    signal output digit[2];

    for (var d = 0; d < 2; d++) {
        digit[d] <-- (word >> (84 * d)) & ((1 << 84) - 1);
        Range(85)(digit[d]);
    }
    word === digit[0] + digit[1] * (1 << 84);
}

template Clean() {
    signal input word;
    signal output digit[2];

    for (var d = 0; d < 2; d++) {
        digit[d] <-- (word >> (84 * d)) & ((1 << 84) - 1);
        Range(84)(digit[d]);
    }
    word === digit[0] + digit[1] * (1 << 84);
}
