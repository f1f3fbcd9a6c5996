pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/membership.circom";

// The root of a state tree that holds `leaf` somewhere: StateMembership without the index, for statements that do not need it. When
// `enforced` is 0 the path is not looked at and `root` means nothing.
// Inputs: enforced 0 or 1 (the caller's promise), the others any field elements. Cost: 3,905 constraints.
template StateMember() {
    signal input enforced;
    signal input leaf;
    signal input leaves[16];
    signal input levels[8][8];
    signal output root;

    signal nodes[9];
    nodes[0] <== NodeMembershipIf(DOMAIN_STATE_LEAVES(), 16)(enforced, leaf, leaves);
    for (var level = 0; level < 8; level++) {
        nodes[level + 1] <== NodeMembershipIf(DOMAIN_STATE_NODE(), 8)(enforced, nodes[level], levels[level]);
    }
    root <== nodes[8];
}
