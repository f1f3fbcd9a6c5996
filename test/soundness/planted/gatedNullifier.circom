pragma circom 2.2.0;

// The nullifier is compared with what it should be only when a wire of the prover's says so.
template Planted() {
    signal input secret;
    signal input enabled;
    signal output nullifier;

    signal square <== secret * secret;
    nullifier <-- square * secret;
    signal expected <== square * secret;
    enabled * (nullifier - expected) === 0;
}

template Clean() {
    signal input secret;
    signal input enabled;
    signal output nullifier;

    signal square <== secret * secret;
    nullifier <-- square * secret;
    signal expected <== square * secret;
    enabled * enabled === enabled;
    (1 + enabled) * (nullifier - expected) === 0;
}
