pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/membership.circom";

// The root of a registry that lists `entity` until `expiryEpoch`, and whether `epoch` is still within: current = 1 iff epoch <= expiryEpoch.
// The place in the registry is not needed, so the path is index-free. When `enforced` is 0 the path is not looked at and `root` means nothing.
//
// The comparison: epoch is cut to 32 bits and expiryEpoch − epoch + 2^32 to 33 bits. Both hold only for small integers, so neither
// side can wrap around the field (expiryEpoch itself then lies within ±2^33), and bit 32 of the difference is the answer.
// Inputs: enforced 0 or 1 (the caller's promise); epoch < 2^32, checked; expiryEpoch within 2^32 of epoch, checked; the others any.
// Cost: 2,180 constraints.
template RegistryMembership() {
    signal input enforced;
    signal input entity;
    signal input expiryEpoch;
    signal input epoch;
    signal input levels[3][16];
    signal output root;
    signal output current;

    signal nodes[4];
    nodes[0] <== Hash(DOMAIN_REGISTRY_LEAF(), 2)([entity, expiryEpoch]);
    for (var level = 0; level < 3; level++) {
        nodes[level + 1] <== NodeMembershipIf(DOMAIN_REGISTRY_NODE(), 16)(enforced, nodes[level], levels[level]);
    }
    root <== nodes[3];

    signal epochBits[32] <== Num2Bits(32)(epoch);
    signal ahead[33] <== Num2Bits(33)(expiryEpoch - epoch + (1 << 32));
    current <== ahead[32];
}
