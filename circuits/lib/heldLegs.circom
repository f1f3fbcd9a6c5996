pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/leg.circom";
include "circuits/lib/range.circom";

// The legs of a note that is read and not changed here: their ranges, their packed form, and the funding due since the last touch.
// A leg of size 0 must be the empty leg. Inputs: id and fundingIndex of the opened rows; size and oldFundingIndex are checked here, to
// [-2^36, 2^36) and [-2^40, 2^40). funding, what the holder owes, is exact: |funding| < 20·2^77 < 2^82. nonNegative is 1 iff size >= 0.
// Cost: 83 a leg.
template HeldLegs(L) {
    signal input id[L];
    signal input size[L];
    signal input oldFundingIndex[L];
    signal input fundingIndex[L];
    signal output packed[L];
    signal output nonNegative[L];
    signal output funding;

    component sizeRange[L];
    component oldIndexRange[L];
    component zero[L];
    component leg[L];
    signal live[L];
    signal due[L];
    var total = 0;
    for (var i = 0; i < L; i++) {
        sizeRange[i] = SignedRange(36);
        sizeRange[i].in <== size[i];
        nonNegative[i] <== sizeRange[i].nonNegative;
        oldIndexRange[i] = SignedRange(40);
        oldIndexRange[i].in <== oldFundingIndex[i];
        zero[i] = IsZero();
        zero[i].in <== size[i];
        live[i] <== 1 - zero[i].out;
        zero[i].out * oldFundingIndex[i] === 0;
        leg[i] = PackedLeg();
        leg[i].live <== live[i];
        leg[i].id <== id[i];
        leg[i].size <== size[i];
        leg[i].fundingIndex <== oldFundingIndex[i];
        packed[i] <== leg[i].packed;
        due[i] <== size[i] * (fundingIndex[i] - oldFundingIndex[i]);
        total += due[i];
    }
    funding <== total;
}
