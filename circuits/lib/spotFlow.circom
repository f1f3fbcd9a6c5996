pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/range.circom";

// A deposit or a withdrawal: of cash when asset is 0, else in lots of the spot instrument `asset`.
//
// deposit and withdrawal are checked to 60 bits, and to 36 bits when they are lots; at most one is not 0, and asset is 0 when both are.
// A spot flow must match exactly one place, and that place must hold a spot instrument. Inputs: placeId < 2^32 or 0 by the opened rows.
// Cost: 168 + 4 a place.
template SpotFlow(L) {
    signal input asset;
    signal input deposit;
    signal input withdrawal;
    signal input placeId[L];
    signal input placeIsSpot[L];
    signal output hasDeposit;
    signal output hasWithdrawal;
    signal output cash;          // signed micro-USDC
    signal output change[L];     // signed lots at each place

    component depositRange = Range(60);
    depositRange.in <== deposit;
    component withdrawalRange = Range(60);
    withdrawalRange.in <== withdrawal;
    component noDeposit = IsZero();
    noDeposit.in <== deposit;
    hasDeposit <== 1 - noDeposit.out;
    component noWithdrawal = IsZero();
    noWithdrawal.in <== withdrawal;
    hasWithdrawal <== 1 - noWithdrawal.out;
    hasDeposit * hasWithdrawal === 0;
    asset * (1 - hasDeposit - hasWithdrawal) === 0;

    component isCash = IsZero();
    isCash.in <== asset;
    cash <== isCash.out * (deposit - withdrawal);
    signal lots <== deposit - withdrawal - cash;
    component lotsRange = Range(36);
    lotsRange.in <== (1 - isCash.out) * (deposit + withdrawal);

    component match[L];
    signal spotMatch[L];
    var matches = 0;
    var spotMatches = 0;
    for (var i = 0; i < L; i++) {
        match[i] = IsEqual();
        match[i].in <== [placeId[i], asset];
        change[i] <== match[i].out * lots;
        spotMatch[i] <== match[i].out * placeIsSpot[i];
        matches += match[i].out;
        spotMatches += spotMatch[i];
    }
    lots * (matches - 1) === 0;
    lots * (spotMatches - 1) === 0;
}
