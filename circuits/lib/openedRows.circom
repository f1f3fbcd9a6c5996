pragma circom 2.2.0;

include "circuits/lib/riskRow.circom";
include "circuits/lib/underlyings.circom";
include "circuits/lib/snapshot.circom";

// Opens the snapshot, G underlyings of it, and one row for each of L legs, and ties each leg to the group of its underlying: the row's
// path must end in the root of the one group that group[i] selects. An empty leg opens the null row, which every subtree has.
// Inputs: group[i][g] is made boolean with exactly one 1 here. Cost: 1,916 + 2G a leg, 830 a group, 321 for the snapshot.
template OpenedRows(L, G) {
    signal input snapshotRoot;
    signal input epoch;
    signal input imFactor;
    signal input priceBand;
    signal input debtLimit;
    signal input underlyingPlace[G];
    signal input underlyingRoot[G];
    signal input underlyingPath0[G][8];
    signal input underlyingPath1[G][8];
    signal input group[L][G];
    signal input id[L];
    signal input words[L][6];
    signal input mark[L];
    signal input fundingIndex[L];
    signal input longAddOn[L];
    signal input shortAddOn[L];
    signal input concentrationThreshold[L];
    signal input concentrationRate[L];
    signal input kindBits[L][2];
    signal input settled[L];
    signal input path0[L][11];
    signal input path1[L][11];
    signal input path2[L][9];
    signal output notSpot[L];
    signal output isSpot[L];
    signal output isPerpetual[L];
    signal output isOption[L];

    component underlyings = Underlyings(G);
    underlyings.place <== underlyingPlace;
    underlyings.subRoot <== underlyingRoot;
    underlyings.path0 <== underlyingPath0;
    underlyings.path1 <== underlyingPath1;

    component snapshot = SnapshotRoot();
    snapshot.rowsRoot <== underlyings.rowsRoot;
    snapshot.epoch <== epoch;
    snapshot.imFactor <== imFactor;
    snapshot.priceBand <== priceBand;
    snapshot.debtLimit <== debtLimit;
    snapshot.root === snapshotRoot;

    component rows[L];
    signal groupRoot[L][G];
    for (var i = 0; i < L; i++) {
        rows[i] = RiskRowOpening();
        rows[i].id <== id[i];
        rows[i].words <== words[i];
        rows[i].mark <== mark[i];
        rows[i].fundingIndex <== fundingIndex[i];
        rows[i].longAddOn <== longAddOn[i];
        rows[i].shortAddOn <== shortAddOn[i];
        rows[i].concentrationThreshold <== concentrationThreshold[i];
        rows[i].concentrationRate <== concentrationRate[i];
        rows[i].kindBits <== kindBits[i];
        rows[i].settled <== settled[i];
        rows[i].path0 <== path0[i];
        rows[i].path1 <== path1[i];
        rows[i].path2 <== path2[i];
        notSpot[i] <== rows[i].notSpot;
        isSpot[i] <== rows[i].isSpot;
        isPerpetual[i] <== rows[i].isPerpetual;
        isOption[i] <== rows[i].isOption;

        var chosen = 0;
        var root = 0;
        for (var g = 0; g < G; g++) {
            group[i][g] * (1 - group[i][g]) === 0;
            chosen += group[i][g];
            groupRoot[i][g] <== group[i][g] * underlyingRoot[g];
            root += groupRoot[i][g];
        }
        chosen === 1;
        rows[i].subRoot === root;
    }
}
