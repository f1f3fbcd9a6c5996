pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/heldLegs.circom";
include "circuits/lib/marginLowerBound.circom";
include "circuits/lib/note.circom";
include "circuits/lib/openedRows.circom";
include "circuits/lib/range.circom";
include "circuits/lib/spend.circom";
include "circuits/lib/stateMembership.circom";
include "circuits/lib/wordsDigest.circom";

// By anyone who knows a note in the state tree: E < MM at the rows of the snapshot, after funding is settled. MM is taken from a lower
// bound, so no choice of the prover's makes a healthy account look insolvent. (protocol/insolvency.ts)
//
// disclosurePoint and disclosureValue publish the note's opening, or nothing (0 and 0): the auction hashes the point from the words that
// the prover publishes beside the proof, and the proof shows that the note's own words have the same value there. The note is fixed by
// stateRoot and leafIndex, which are hashed into the point, so the published words are the opening.
template Insolvency(L, G) {
    signal input stateRoot;
    signal input snapshotRoot;
    signal input nullifier;
    signal input leafIndex;
    signal input disclosurePoint;
    signal input disclosureValue;

    signal input ownerKey;
    signal input entity;
    signal input rho;
    signal input cash;
    signal input size[L];
    signal input oldFundingIndex[L];
    signal input stateLeaves[16];
    signal input stateLevels[8][8];

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
    signal input rowPath0[L][11];
    signal input rowPath1[L][11];
    signal input rowPath2[L][9];
    signal input group[L][G];
    signal input underlyingPlace[G];
    signal input underlyingRoot[G];
    signal input underlyingPath0[G][8];
    signal input underlyingPath1[G][8];
    signal input epoch;
    signal input imFactor;
    signal input priceBand;
    signal input debtLimit;

    // Hints of the lower bound: any choice gives a lower bound.
    signal input claimsLong[L];
    signal input claimsConcentrated[L];
    signal input claimedScenario[G][16];

    // --- Rows of the snapshot. ------------------------------------------------------------------------------------------------------
    component rows = OpenedRows(L, G);
    rows.snapshotRoot <== snapshotRoot;
    rows.epoch <== epoch;
    rows.imFactor <== imFactor;
    rows.priceBand <== priceBand;
    rows.debtLimit <== debtLimit;
    rows.underlyingPlace <== underlyingPlace;
    rows.underlyingRoot <== underlyingRoot;
    rows.underlyingPath0 <== underlyingPath0;
    rows.underlyingPath1 <== underlyingPath1;
    rows.group <== group;
    rows.id <== id;
    rows.words <== words;
    rows.mark <== mark;
    rows.fundingIndex <== fundingIndex;
    rows.longAddOn <== longAddOn;
    rows.shortAddOn <== shortAddOn;
    rows.concentrationThreshold <== concentrationThreshold;
    rows.concentrationRate <== concentrationRate;
    rows.kindBits <== kindBits;
    rows.settled <== settled;
    rows.path0 <== rowPath0;
    rows.path1 <== rowPath1;
    rows.path2 <== rowPath2;

    // --- The note, in the state tree at leafIndex, and its nullifier. -------------------------------------------------------------------
    component held = HeldLegs(L);
    held.id <== id;
    held.size <== size;
    held.oldFundingIndex <== oldFundingIndex;
    held.fundingIndex <== fundingIndex;
    component note = NoteCommitment(L);
    note.ownerKey <== ownerKey;
    note.entity <== entity;
    note.rho <== rho;
    note.cash <== cash;
    note.legs <== held.packed;
    component state = StateMembership();
    state.leaf <== note.commitment;
    state.leafIndex <== leafIndex;
    state.leaves <== stateLeaves;
    state.levels <== stateLevels;
    state.root === stateRoot;
    component spend = Spend();
    spend.ownerKey <== ownerKey;
    spend.rho <== rho;
    spend.leafIndex <== leafIndex;
    spend.nullifier === nullifier;

    // --- The opening: places beyond L hold 0 and add nothing. -----------------------------------------------------------------------------
    component disclosure = WordsDigest(4 + L);
    disclosure.point <== disclosurePoint;
    disclosure.word[0] <== ownerKey;
    disclosure.word[1] <== entity;
    disclosure.word[2] <== rho;
    disclosure.word[3] <== cash;
    for (var i = 0; i < L; i++) { disclosure.word[4 + i] <== held.packed[i]; }
    disclosure.digest === disclosureValue;

    // --- E < MM. A settled row has no mark, no losses and no add-ons: its leg counts for its payout alone, by the funding index. ------------
    component margin = MarginLowerBound(L, G);
    margin.size <== size;
    margin.group <== group;
    margin.words <== words;
    margin.longAddOn <== longAddOn;
    margin.shortAddOn <== shortAddOn;
    margin.concentrationThreshold <== concentrationThreshold;
    margin.concentrationRate <== concentrationRate;
    margin.claimsLong <== claimsLong;
    margin.claimsConcentrated <== claimsConcentrated;
    margin.claimedScenario <== claimedScenario;

    signal legValue[L];
    var value = 0;
    for (var i = 0; i < L; i++) {
        legValue[i] <== size[i] * mark[i];
        value += legValue[i];
    }
    // |cash| <= 2^60 in every note, so |E| < 2^60 + 2^82 + 2^81, and |bound| < 2^86: 88 bits hold every honest difference, and a
    // negative one is within 2^88 of the field order, far from them.
    signal equity <== cash - held.funding + value;
    component shortfall = Range(88);
    shortfall.in <== margin.bound - equity - 1;
}
