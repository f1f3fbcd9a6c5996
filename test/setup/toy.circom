pragma circom 2.2.0;

include "circomlib/circuits/switcher.circom";

template FifthPower() {
    signal input in;
    signal output out;

    signal second <== in * in;
    signal fourth <== second * second;
    out <== fourth * in;
}

// A chain of powers of a private and two public values: a small circuit for the set-up's own tests, of 27 constraints a round and two
// more. Any values satisfy it. Without a hash, whose constants take circom four times as long to read.
template Toy(rounds) {
    signal input secret;
    signal input shown[2];

    var steps = 9 * rounds;
    component power[steps];
    for (var i = 0; i < steps; i++) {
        power[i] = FifthPower();
        power[i].in <== (i == 0 ? secret : power[i - 1].out) + shown[i % 2] + i;
    }
    component switcher = Switcher();
    switcher.sel <== secret;
    switcher.L <== power[steps - 1].out;
    switcher.R <== shown[0];
    signal product <== switcher.outL * switcher.outR;
}
