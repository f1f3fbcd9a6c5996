pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";

// The root that reporters sign: Poseidon(rowsRoot, epoch, imFactor, priceBand, debtLimit). Inputs: field elements; their bounds are the
// reporters'. Cost: 321.
template SnapshotRoot() {
    signal input rowsRoot;
    signal input epoch;
    signal input imFactor;
    signal input priceBand;
    signal input debtLimit;
    signal output root;

    component hash = Hash(DOMAIN_SNAPSHOT(), 5);
    hash.in <== [rowsRoot, epoch, imFactor, priceBand, debtLimit];
    root <== hash.out;
}
