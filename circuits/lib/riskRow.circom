pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/membership.circom";

// Opens one risk row in the subtree of its underlying: subRoot is the root that the row and its path give.
//
// The row's fields are bound by the hash alone: their bounds (|values| < 2^40, thresholds < 2^36, id < 2^32) are the reporters' and
// anyone's who recomputes the snapshot, not this proof's. Losses come packed three to a word and are never unpacked. The flags are
// unpacked into settled and two bits of the kind (1 spot, 2 perpetual, 3 option, 0 the null row), which are boolean and so unique.
// The place in the subtree is not needed: each node of the path must merely be among the children of the next.
// Cost: 1,916, of which the row takes 537.
template RiskRowOpening() {
    signal input id;
    signal input words[6];
    signal input mark;
    signal input fundingIndex;
    signal input longAddOn;
    signal input shortAddOn;
    signal input concentrationThreshold;
    signal input concentrationRate;
    signal input kindBits[2];
    signal input settled;
    signal input path0[11];
    signal input path1[11];
    signal input path2[9];
    signal output subRoot;
    signal output notSpot;       // 1 for perpetuals and options
    signal output isSpot;
    signal output isPerpetual;
    signal output isOption;

    // The kind: each bit is boolean, so flags decompose in one way.
    kindBits[0] * (1 - kindBits[0]) === 0;
    kindBits[1] * (1 - kindBits[1]) === 0;
    settled * (1 - settled) === 0;
    isOption <== kindBits[0] * kindBits[1];
    isSpot <== kindBits[0] - isOption;
    isPerpetual <== kindBits[1] - isOption;
    notSpot <== kindBits[1];

    component row = Hash(DOMAIN_ROW(), 14);
    for (var k = 0; k < 6; k++) { row.in[k] <== words[k]; }
    row.in[6] <== id;
    row.in[7] <== kindBits[0] + 2 * kindBits[1] + 4 * settled;
    row.in[8] <== mark;
    row.in[9] <== fundingIndex;
    row.in[10] <== longAddOn;
    row.in[11] <== shortAddOn;
    row.in[12] <== concentrationThreshold;
    row.in[13] <== concentrationRate;

    component level0 = NodeMembership(DOMAIN_ROW_NODE(), 11);
    level0.current <== row.out;
    level0.children <== path0;
    component level1 = NodeMembership(DOMAIN_ROW_NODE(), 11);
    level1.current <== level0.parent;
    level1.children <== path1;
    component level2 = NodeMembership(DOMAIN_ROW_NODE(), 9);
    level2.current <== level1.parent;
    level2.children <== path2;
    subRoot <== level2.parent;
}
