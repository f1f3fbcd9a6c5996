pragma circom 2.2.0;

// Three bits, the middle one of which may be anything.
template Planted() {
    signal input in;
    signal output bits[3];

    for (var i = 0; i < 3; i++) bits[i] <-- (in >> i) & 1;
    bits[0] * (1 - bits[0]) === 0;
    bits[2] * (1 - bits[2]) === 0;
    in === bits[0] + 2 * bits[1] + 4 * bits[2];
}

template Clean() {
    signal input in;
    signal output bits[3];

    for (var i = 0; i < 3; i++) bits[i] <-- (in >> i) & 1;
    bits[0] * (1 - bits[0]) === 0;
    bits[1] * (1 - bits[1]) === 0;
    bits[2] * (1 - bits[2]) === 0;
    in === bits[0] + 2 * bits[1] + 4 * bits[2];
}
