pragma circom 2.2.0;

// The recipient is public and stands in no constraint, so a proof fits any recipient.
template Planted() {
    signal input secret;
    signal input recipient;
    signal output hash;

    signal square <== secret * secret;
    hash <== square * secret;
}

template Clean() {
    signal input secret;
    signal input recipient;
    signal output hash;

    signal square <== secret * secret;
    hash <== square * secret;
    signal bound <== recipient * recipient;
}
