pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";

// The two escrow words of a transition: what changed, encrypted for whoever knows the account's rho (protocol/accountEscrow.ts has the layout).
// The plaintext is a function of the old and the new note, and so are the pads, so one pair of pads never covers two plaintexts. rho alone does
// not name the old note: after a re-org the same changes in another order lead through another note with the same rho to the same new one.
// Inputs: cash in [-2^60, 2^60), newSize in [-2^36, 2^36), id < 2^32, all checked by the caller; oldLive and newLive are 1 iff the sizes
// are not 0. At most five legs change size and stay live: four of the package, one of a spot flow. Cost: 251 + 9 a place.
template ChangeEscrow(L) {
    signal input rho;
    signal input oldCommitment;
    signal input newCommitment;
    signal input newCash;
    signal input id[L];
    signal input oldSize[L];
    signal input newSize[L];
    signal input oldLive[L];
    signal input newLive[L];
    signal output words[2];

    // A register of five entries: each resized leg pushes the others up by one, so the highest place ends in front.
    component same[L];
    signal resized[L];
    signal entry[L + 1][5];
    var emptied = 0;
    entry[0] <== [0, 0, 0, 0, 0];
    signal emptiedBit[L];
    for (var i = 0; i < L; i++) {
        emptiedBit[i] <== oldLive[i] * (1 - newLive[i]);
        emptied += emptiedBit[i] * (1 << i);

        same[i] = IsEqual();
        same[i].in <== [oldSize[i], newSize[i]];
        resized[i] <== newLive[i] * (1 - same[i].out);
        for (var e = 0; e < 5; e++) {
            if (e == 0) {
                entry[i + 1][e] <== entry[i][e] + resized[i] * (i + id[i] * (1 << 5) + (newSize[i] + (1 << 36)) * (1 << 37) - entry[i][e]);
            } else {
                entry[i + 1][e] <== entry[i][e] + resized[i] * (entry[i][e - 1] - entry[i][e]);
            }
        }
    }

    component pads = HashMany(DOMAIN_PAD(), 3, 2);
    pads.in <== [rho, oldCommitment, newCommitment];
    words[0] <== pads.out[0] + newCash + (1 << 60) + emptied * (1 << 61) + entry[L][0] * (1 << 81) + entry[L][1] * (1 << 155);
    words[1] <== pads.out[1] + entry[L][2] + entry[L][3] * (1 << 74) + entry[L][4] * (1 << 148);
}
