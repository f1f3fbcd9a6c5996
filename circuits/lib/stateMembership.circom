pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/membership.circom";

// The root of the state tree in which `leaf` is at `leafIndex`. The caller compares it with a root that the ledger knows.
//
// A bottom node holds 16 leaves under its own domain, so a leaf cannot pass for an inner node; eight levels of eight children stand above.
// The index is cut into bits once and each level takes its own, so the index has one representation and is below 2^28: index and
// place are bound to each other, which the nullifier relies on.
// Inputs: leafIndex < 2^28, checked; the others any field elements. Cost: 3,924 constraints.
template StateMembership() {
    signal input leaf;
    signal input leafIndex;
    signal input leaves[16];
    signal input levels[8][8];
    signal output root;

    signal bits[28] <== Num2Bits(28)(leafIndex);

    signal nodes[9];
    nodes[0] <== NodeAt(DOMAIN_STATE_LEAVES(), 4)(leaf, [bits[0], bits[1], bits[2], bits[3]], leaves);
    for (var level = 0; level < 8; level++) {
        var bit = 4 + 3 * level;
        nodes[level + 1] <== NodeAt(DOMAIN_STATE_NODE(), 3)(nodes[level], [bits[bit], bits[bit + 1], bits[bit + 2]], levels[level]);
    }
    root <== nodes[8];
}
