pragma circom 2.2.0;

include "circuits/lib/range.circom";

// 254 bits reach beyond the field order: a small number and the same number plus the order have the same sum.
template Planted() {
    signal input in;
    signal output bits[254];

    var sum = 0;
    for (var i = 0; i < 254; i++) {
        bits[i] <-- (in >> i) & 1;
        bits[i] * (1 - bits[i]) === 0;
        sum += bits[i] * (1 << i);
    }
    sum === in;
}

// The upper 62 bits are below those of the order.
template Clean() {
    signal input in;
    signal output bits[254];

    var sum = 0;
    var upper = 0;
    for (var i = 0; i < 254; i++) {
        bits[i] <-- (in >> i) & 1;
        bits[i] * (1 - bits[i]) === 0;
        sum += bits[i] * (1 << i);
        if (i >= 192) upper += bits[i] * (1 << (i - 192));
    }
    sum === in;
    Range(62)(((-1) >> 192) - 1 - upper);
}
