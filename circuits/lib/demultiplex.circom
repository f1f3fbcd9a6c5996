pragma circom 2.2.0;

// `value` at `position` (bits, least significant first, already boolean) and 0 at every other place of `out`: each bit sends what
// arrives to one of two halves. Inputs: value any field element. Cost: 2^bits − 1 constraints.
template Demultiplex(bits) {
    signal input value;
    signal input position[bits];
    signal output out[1 << bits];

    // Halves from the most significant bit down: 1 value, then 2, then 4 …, one after the other.
    signal halves[(2 << bits) - 1];
    halves[0] <== value;
    var from = 0;
    for (var bit = bits - 1; bit >= 0; bit--) {
        var count = 1 << (bits - 1 - bit);
        for (var i = 0; i < count; i++) {
            halves[from + count + 2 * i + 1] <== halves[from + i] * position[bit];
            halves[from + count + 2 * i] <== halves[from + i] - halves[from + count + 2 * i + 1];
        }
        from += count;
    }
    for (var i = 0; i < (1 << bits); i++) {
        out[i] <== halves[from + i];
    }
}
