pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/heldLegs.circom";
include "circuits/lib/margin.circom";
include "circuits/lib/note.circom";
include "circuits/lib/openedRows.circom";
include "circuits/lib/range.circom";
include "circuits/lib/spend.circom";
include "circuits/lib/stateMembership.circom";

// By its owner, of a note of `entity` in the state tree: E >= ratio·MM and E - MM >= excess at the rows of the snapshot, after funding is
// settled. context is the auditor's challenge, or the ledger's when the proof clears a flag. The snapshot may be anybody's: an auditor's
// stress test is the same statement on a root built from the auditor's shocks. (protocol/solvency.ts)
template Solvency(L, G) {
    signal input stateRoot;
    signal input snapshotRoot;
    signal input nullifier;
    signal input leafIndex;
    signal input ratio;
    signal input excess;
    signal input entity;
    signal input context;

    signal input spendSecret;
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
    signal input scan[G];

    // The context enters a constraint, so that no other context fits the proof.
    signal contextSquare <== context * context;

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

    // --- The note: its legs, funding settled exactly; owned by the prover; in the state tree at leafIndex. ----------------------------
    component ownerKey = Hash(DOMAIN_OWNER(), 1);
    ownerKey.in[0] <== spendSecret;
    component note = NoteCommitment(L);
    note.ownerKey <== ownerKey.out;
    note.entity <== entity;
    note.rho <== rho;
    note.cash <== cash;
    component held = HeldLegs(L);
    held.id <== id;
    held.size <== size;
    held.oldFundingIndex <== oldFundingIndex;
    held.fundingIndex <== fundingIndex;
    note.legs <== held.packed;
    component state = StateMembership();
    state.leaf <== note.commitment;
    state.leafIndex <== leafIndex;
    state.leaves <== stateLeaves;
    state.levels <== stateLevels;
    state.root === stateRoot;
    component spend = Spend();
    spend.ownerKey <== ownerKey.out;
    spend.rho <== rho;
    spend.leafIndex <== leafIndex;
    spend.nullifier === nullifier;

    // --- Margin. A settled row has no mark, no losses and no add-ons: its leg counts for its payout alone, by the funding index. --------
    component margin = Margin(L, G);
    margin.size <== size;
    margin.nonNegative <== held.nonNegative;
    margin.group <== group;
    margin.words <== words;
    margin.mark <== mark;
    margin.longAddOn <== longAddOn;
    margin.shortAddOn <== shortAddOn;
    margin.concentrationThreshold <== concentrationThreshold;
    margin.concentrationRate <== concentrationRate;
    margin.scan <== scan;

    // --- The claims. ratio < 2^20 and excess < 2^60 are checked; |E| < 2^82 and MM < 2^86, so 107 bits hold every honest difference. -----
    component ratioRange = Range(20);
    ratioRange.in <== ratio;
    component excessRange = Range(60);
    excessRange.in <== excess;
    signal equity <== cash - held.funding + margin.value;
    signal required <== ratio * margin.maintenance;
    component ratioSurplus = Range(107);
    ratioSurplus.in <== equity * Q16() - required;
    component excessSurplus = Range(88);
    excessSurplus.in <== equity - margin.maintenance - excess;
}
