pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";

// The words by which a take-over publishes both new notes, encrypted for whoever knows each account's rho (protocol/takeOverEscrow.ts has
// the layout). The plaintexts are functions of the notes alone. Eighteen places are published whatever the tier; those beyond L hold size 0.
// Inputs: cash in [-2^60, 2^60), sizes in [-2^36, 2^36), id < 2^32, all checked by the caller; takenLive is 1 iff taken is not 0. A word is
// below 2^225. Cost: 774 + 1 a place.
template TakeOverEscrow(L) {
    signal input rho;
    signal input targetCommitment;
    signal input targetCash;
    signal input remaining[L];
    signal input keeperRho;
    signal input keeperCommitment;
    signal input keeperCash;
    signal input id[L];
    signal input taken[L];
    signal input takenLive[L];
    signal input targetWords[4];
    signal input keeperWords[6];

    component targetPads = HashMany(DOMAIN_TAKE_OVER_PAD(), 3, 4);
    targetPads.in <== [rho, targetCommitment, 0];
    component keeperPads = HashMany(DOMAIN_TAKE_OVER_PAD(), 3, 4);
    keeperPads.in <== [keeperRho, keeperCommitment, 0];
    component morePads = HashMany(DOMAIN_TAKE_OVER_PAD(), 3, 2);
    morePads.in <== [keeperRho, keeperCommitment, 1];

    signal keeperId[L];
    for (var i = 0; i < L; i++) { keeperId[i] <== takenLive[i] * id[i]; }

    // Sizes, six a word, shifted by 2^36 to be non-negative; ids, seven a word, the last four above the keeper's cash.
    var sizes[3] = [0, 0, 0];
    var takenSizes[3] = [0, 0, 0];
    var ids[3] = [0, 0, 0];
    for (var i = 0; i < 18; i++) {
        var place = 1 << (37 * (i % 6));
        sizes[i \ 6] += (1 << 36) * place;
        takenSizes[i \ 6] += (1 << 36) * place;
        if (i < L) {
            sizes[i \ 6] += remaining[i] * place;
            takenSizes[i \ 6] += taken[i] * place;
            ids[i \ 7] += keeperId[i] * (1 << (32 * (i % 7)));
        }
    }

    targetWords[0] === targetPads.out[0] + targetCash + (1 << 60);
    for (var w = 0; w < 3; w++) { targetWords[1 + w] === targetPads.out[1 + w] + sizes[w]; }
    keeperWords[0] === keeperPads.out[0] + keeperCash + (1 << 60) + ids[2] * (1 << 61);
    keeperWords[1] === keeperPads.out[1] + ids[0];
    keeperWords[2] === keeperPads.out[2] + ids[1];
    keeperWords[3] === keeperPads.out[3] + takenSizes[0];
    keeperWords[4] === morePads.out[0] + takenSizes[1];
    keeperWords[5] === morePads.out[1] + takenSizes[2];
}
