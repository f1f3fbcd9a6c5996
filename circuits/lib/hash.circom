pragma circom 2.2.0;

include "circomlib/circuits/poseidon.circom";

// The first `outputs` state elements of Poseidon over n field elements under a domain tag. The tag is the initial capacity element, so
// it costs no input and no constraint. Inputs: any field elements. Cost: three constraints an S-box: 240 at n = 2, 540 at n = 14, 609 at n = 16.
template HashMany(domain, n, outputs) {
    signal input in[n];
    signal output out[outputs];

    component permutation = PoseidonEx(n, outputs);
    permutation.inputs <== in;
    permutation.initialState <== domain;
    out <== permutation.out;
}

// One hash of n field elements under a domain tag.
template Hash(domain, n) {
    signal input in[n];
    signal output out;

    component many = HashMany(domain, n, 1);
    many.in <== in;
    out <== many.out[0];
}
