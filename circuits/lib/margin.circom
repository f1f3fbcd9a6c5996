pragma circom 2.2.0;

include "circuits/lib/addOn.circom";
include "circuits/lib/groupSums.circom";
include "circuits/lib/scanRisk.circom";

// The margin rule (protocol/margin.ts, docs/rulebook.md), for every statement:
//     value          = sum size·mark, of each leg legValue
//     maintenance MM = sum over groups of the scan risk + sum over legs of the add-on
// Inputs: size in [-2^36, 2^36), checked by the caller, who also gives its sign (nonNegative; either at 0); rows opened; group one-hot;
// scan[g], the groups' scan risks, hints with one valid value each. |legValue| < 2^76, |value| < 20·2^76 < 2^81;
// 0 <= MM < G·2^82 + 20·2^78 < 2^86 for G <= 8. Cost: 44 + 7G a leg, 1,410 a group.
template Margin(L, G) {
    signal input size[L];
    signal input nonNegative[L];
    signal input group[L][G];
    signal input words[L][6];
    signal input mark[L];
    signal input longAddOn[L];
    signal input shortAddOn[L];
    signal input concentrationThreshold[L];
    signal input concentrationRate[L];
    signal input scan[G];
    signal output value;
    signal output legValue[L];
    signal output maintenance;

    var margin = 0;

    // Scan risk, a group at a time: no offset between underlyings.
    component sums = GroupSums(L, G);
    sums.size <== size;
    sums.group <== group;
    sums.words <== words;
    component worst[G];
    for (var g = 0; g < G; g++) {
        worst[g] = ScanRisk();
        worst[g].sums <== sums.sums[g];
        worst[g].scan <== scan[g];
        margin += scan[g];
    }

    // Add-ons and values, a leg at a time.
    component addOn[L];
    var total = 0;
    for (var i = 0; i < L; i++) {
        addOn[i] = AddOn();
        addOn[i].size <== size[i];
        addOn[i].nonNegative <== nonNegative[i];
        addOn[i].longAddOn <== longAddOn[i];
        addOn[i].shortAddOn <== shortAddOn[i];
        addOn[i].concentrationThreshold <== concentrationThreshold[i];
        addOn[i].concentrationRate <== concentrationRate[i];
        margin += addOn[i].addOn;

        legValue[i] <== size[i] * mark[i];
        total += legValue[i];
    }
    value <== total;
    maintenance <== margin;
}
