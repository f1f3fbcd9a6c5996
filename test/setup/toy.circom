pragma circom 2.2.0;

include "circomlib/circuits/poseidon.circom";

// A chain of hashes of a private and two public values: a small circuit for the set-up's own tests. Any values satisfy it.
template Toy(rounds) {
    signal input secret;
    signal input shown[2];

    component hash[rounds];
    for (var i = 0; i < rounds; i++) {
        hash[i] = Poseidon(2);
        hash[i].inputs[0] <== i == 0 ? secret : hash[i - 1].out;
        hash[i].inputs[1] <== shown[i % 2];
    }
    signal product <== hash[rounds - 1].out * shown[0];
}
