pragma circom 2.2.0;

// For each group, the six packed words of sum size·loss over its legs: digit j of the words at 2^84 is the group's loss in a scenario.
// Inputs: sizes whose absolute value is at most 2^36, losses below 2^40 in absolute value, group[i] one-hot. With at most 20 legs a sum
// is below 20·2^76 < 2^81 in absolute value, so digits at a distance of 2^84 never meet, and a word stays within 2^250. Cost: 7G a leg.
template GroupSums(L, G) {
    signal input size[L];
    signal input group[L][G];
    signal input words[L][6];
    signal output sums[G][6];

    signal inGroup[L][G];
    signal term[L][G][6];
    for (var g = 0; g < G; g++) {
        var sum[6] = [0, 0, 0, 0, 0, 0];
        for (var i = 0; i < L; i++) {
            inGroup[i][g] <== group[i][g] * size[i];
            for (var k = 0; k < 6; k++) {
                term[i][g][k] <== inGroup[i][g] * words[i][k];
                sum[k] += term[i][g][k];
            }
        }
        for (var k = 0; k < 6; k++) { sums[g][k] <== sum[k]; }
    }
}
