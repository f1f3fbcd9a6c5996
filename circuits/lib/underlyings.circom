pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/membership.circom";
include "circuits/lib/range.circom";

// Opens G of the 64 underlyings under rowsRoot, at strictly ascending places. Distinct places matter: the same underlying in two groups
// would let a lower bound of the margin pick one scenario for each half of a hedge. Groups that no leg uses open some other place.
// Inputs: place[g] < 64, by the decomposition. Cost: 830 a group.
template Underlyings(G) {
    signal input place[G];
    signal input subRoot[G];
    signal input path0[G][8];
    signal input path1[G][8];
    signal output rowsRoot;

    component bits[G];
    component level0[G];
    component level1[G];
    component ascending[G];
    for (var g = 0; g < G; g++) {
        bits[g] = Num2Bits(6);
        bits[g].in <== place[g];

        // subRoot[g] is the child that the three low bits of the place select; its parent, that of the three high bits.
        level0[g] = NodeAt(DOMAIN_UNDERLYING_NODE(), 3);
        level1[g] = NodeAt(DOMAIN_UNDERLYING_NODE(), 3);
        for (var b = 0; b < 3; b++) {
            level0[g].position[b] <== bits[g].out[b];
            level1[g].position[b] <== bits[g].out[b + 3];
        }
        level0[g].children <== path0[g];
        level0[g].current <== subRoot[g];
        level1[g].children <== path1[g];
        level1[g].current <== level0[g].parent;

        if (g > 0) {
            // place[g] - place[g - 1] - 1 >= 0; both places are below 64.
            ascending[g] = Range(6);
            ascending[g].in <== place[g] - place[g - 1] - 1;
            level1[g].parent === level1[0].parent;
        }
    }
    rowsRoot <== level1[0].parent;
}
