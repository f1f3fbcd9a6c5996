pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/range.circom";
include "circuits/lib/stateMember.circom";

// The tag of an institution's n-th account, n >= 1, allowed only if the tag of its account n − 1 is in the state tree. The ledger takes
// each tag once, so an institution's accounts are numbered without gaps, and it can prove that it has exactly n.
//
// For n = 1 there is no predecessor and no path is asked for. Whether n is 1 is computed, not claimed: IsEqual has one answer.
// The tags of different institutions differ by entitySecret, so nobody can number on from another's account.
// Inputs: 1 <= number <= 2^32, checked; the others any field elements. Cost: 4,420 constraints.
template AccountNumber() {
    signal input entitySecret;
    signal input number;
    signal input stateRoot;
    signal input leaves[16];
    signal input levels[8][8];
    signal output tag;

    Range(32)(number - 1);
    tag <== Hash(DOMAIN_COUNT(), 2)([entitySecret, number]);

    signal first <== IsEqual()([number, 1]);
    signal previous <== Hash(DOMAIN_COUNT(), 2)([entitySecret, number - 1]);
    signal root <== StateMember()(1 - first, previous, leaves, levels);
    (1 - first) * (root - stateRoot) === 0;
}
