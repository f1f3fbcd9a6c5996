pragma circom 2.2.0;

include "circuits/lib/groupSums.circom";
include "circuits/lib/scenarioLoss.circom";

// A lower bound of the margin MM of the given legs, whatever the hints say: for each group the loss in one scenario of the prover's
// choice (or 0), and add-ons with signs and concentration of his choice. Wrong choices only lower the bound:
// - one scenario's loss, and 0, are at most the scan risk, provided that no underlying is in two groups (Underlyings sees to it);
// - with the wrong sign, a leg's plain add-on becomes -|size|·rate <= 0;
// - the excess over the concentration threshold, and 0, are at most max(0, excess).
// So the hints need not be unique: they enter nothing but this bound. The reference model uses the choices that make it exact.
// Inputs: |size| < 2^37 and in fact [-2^36, 2^36), as the packing of a committed note forces; rows opened; group one-hot.
// |bound| < 2^86. Cost: 7 + 7G a leg, 272 a group.
template MarginLowerBound(L, G) {
    signal input size[L];
    signal input group[L][G];
    signal input words[L][6];
    signal input longAddOn[L];
    signal input shortAddOn[L];
    signal input concentrationThreshold[L];
    signal input concentrationRate[L];
    signal input claimsLong[L];
    signal input claimsConcentrated[L];
    signal input claimedScenario[G][16];
    signal output bound;

    var total = 0;

    component sums = GroupSums(L, G);
    sums.size <== size;
    sums.group <== group;
    sums.words <== words;
    component loss[G];
    for (var g = 0; g < G; g++) {
        loss[g] = ScenarioLoss();
        loss[g].sums <== sums.sums[g];
        loss[g].scenario <== claimedScenario[g];
        total += loss[g].loss;
    }

    signal signedSize[L];
    signal rate[L];
    signal plain[L];
    signal beyond[L];
    signal concentration[L];
    for (var i = 0; i < L; i++) {
        claimsLong[i] * (1 - claimsLong[i]) === 0;
        claimsConcentrated[i] * (1 - claimsConcentrated[i]) === 0;
        signedSize[i] <== (2 * claimsLong[i] - 1) * size[i];
        rate[i] <== shortAddOn[i] + claimsLong[i] * (longAddOn[i] - shortAddOn[i]);
        plain[i] <== signedSize[i] * rate[i];
        beyond[i] <== claimsConcentrated[i] * (signedSize[i] - concentrationThreshold[i]);
        concentration[i] <== beyond[i] * concentrationRate[i];
        total += plain[i] + concentration[i];
    }
    bound <== total;
}
