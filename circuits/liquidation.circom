pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/heldLegs.circom";
include "circuits/lib/leg.circom";
include "circuits/lib/margin.circom";
include "circuits/lib/netCash.circom";
include "circuits/lib/note.circom";
include "circuits/lib/openedRows.circom";
include "circuits/lib/range.circom";
include "circuits/lib/requireMember.circom";
include "circuits/lib/slice.circom";
include "circuits/lib/sliceBounds.circom";
include "circuits/lib/spend.circom";
include "circuits/lib/stateMembership.circom";
include "circuits/lib/takeOverEscrow.circom";
include "circuits/lib/takeOverPayments.circom";

// A keeper takes over a slice of an insolvent account, at the marks, by the one formula of docs/rulebook.md. The keeper knows the target's
// note, and spends a note of its own that holds no legs. protocol/liquidation.ts is the same rules in TypeScript; protocol/liquidationInput.ts
// makes every input. L leg places, G underlyings: the target's.
//
// Every margin here is exact, so that nothing but the slice is the keeper's choice.
template Liquidation(L, G) {
    signal input stateRoot;
    signal input snapshotRoot;
    signal input registryRoot;
    signal input targetNullifier;
    signal input targetLeafIndex;
    signal input targetCommitment;
    signal input keeperNullifier;
    signal input keeperCommitment;
    signal input rate;
    signal input restoration;
    signal input deficit;
    signal input reward;
    signal input cured;
    signal input fee;
    signal input targetEscrow[4];
    signal input keeperEscrow[6];
    signal input context;

    // The target's note and its place.
    signal input ownerKey;
    signal input entity;
    signal input rho;
    signal input cash;
    signal input size[L];
    signal input oldFundingIndex[L];
    signal input targetStateLeaves[16];
    signal input targetStateLevels[8][8];

    // The keeper's note, without legs, and its place and membership.
    signal input spendSecret;
    signal input keeperEntity;
    signal input keeperRho;
    signal input keeperCash;
    signal input keeperLeafIndex;
    signal input keeperStateLeaves[16];
    signal input keeperStateLevels[8][8];
    signal input expiryEpoch;
    signal input registryLevels[3][16];

    // The instrument of each place of the target (0: none), its risk row, its group.
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

    // The slice, Q16, and hints with one valid value each: what it takes of each leg; payments; scan risks of the target before, of the
    // target after, and of the keeper.
    signal input slice;
    signal input taken[L];
    signal input payment;
    signal input scan[G];
    signal input scanAfter[G];
    signal input keeperScan[G];

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

    // --- The target's note, in the state tree. ------------------------------------------------------------------------------------------
    component held = HeldLegs(L);
    held.id <== id;
    held.size <== size;
    held.oldFundingIndex <== oldFundingIndex;
    held.fundingIndex <== fundingIndex;
    component targetNote = NoteCommitment(L);
    targetNote.ownerKey <== ownerKey;
    targetNote.entity <== entity;
    targetNote.rho <== rho;
    targetNote.cash <== cash;
    targetNote.legs <== held.packed;
    component targetState = StateMembership();
    targetState.leaf <== targetNote.commitment;
    targetState.leafIndex <== targetLeafIndex;
    targetState.leaves <== targetStateLeaves;
    targetState.levels <== targetStateLevels;
    targetState.root === stateRoot;
    component targetSpend = Spend();
    targetSpend.ownerKey <== ownerKey;
    targetSpend.rho <== rho;
    targetSpend.leafIndex <== targetLeafIndex;
    targetSpend.nullifier === targetNullifier;

    // --- The keeper's note, in the state tree: its owner's, without legs, of another entity, a member's. ----------------------------------
    component keeperKey = Hash(DOMAIN_OWNER(), 1);
    keeperKey.in[0] <== spendSecret;
    component keeperNote = NoteCommitment(1);
    keeperNote.ownerKey <== keeperKey.out;
    keeperNote.entity <== keeperEntity;
    keeperNote.rho <== keeperRho;
    keeperNote.cash <== keeperCash;
    keeperNote.legs[0] <== 0;
    component keeperState = StateMembership();
    keeperState.leaf <== keeperNote.commitment;
    keeperState.leafIndex <== keeperLeafIndex;
    keeperState.leaves <== keeperStateLeaves;
    keeperState.levels <== keeperStateLevels;
    keeperState.root === stateRoot;
    component keeperSpend = Spend();
    keeperSpend.ownerKey <== keeperKey.out;
    keeperSpend.rho <== keeperRho;
    keeperSpend.leafIndex <== keeperLeafIndex;
    keeperSpend.nullifier === keeperNullifier;
    component oneself = IsEqual();
    oneself.in <== [entity, keeperEntity];
    oneself.out === 0;
    component member = RequireMember();
    member.needed <== 1;
    member.entity <== keeperEntity;
    member.expiryEpoch <== expiryEpoch;
    member.epoch <== epoch;
    member.levels <== registryLevels;
    member.registryRoot <== registryRoot;

    // --- The slice: 1 to 2^16. A settled leg is paid out and emptied first; of every other one ceil(slice·|size|) is taken. ----------------
    component sliceRange = Range(16);
    sliceRange.in <== slice - 1;
    component cut[L];
    signal liveSize[L];
    signal remaining[L];
    for (var i = 0; i < L; i++) {
        liveSize[i] <== (1 - settled[i]) * size[i];
        cut[i] = Slice();
        cut[i].size <== liveSize[i];
        cut[i].nonNegative <== held.nonNegative[i];
        cut[i].slice <== slice;
        cut[i].taken <== taken[i];
        remaining[i] <== liveSize[i] - taken[i];
    }

    // --- Margin of the target before and after, and of the keeper, who holds exactly what is taken. -----------------------------------------
    component margin[3];
    for (var m = 0; m < 3; m++) {
        margin[m] = Margin(L, G);
        margin[m].nonNegative <== held.nonNegative;
        margin[m].group <== group;
        margin[m].words <== words;
        margin[m].mark <== mark;
        margin[m].longAddOn <== longAddOn;
        margin[m].shortAddOn <== shortAddOn;
        margin[m].concentrationThreshold <== concentrationThreshold;
        margin[m].concentrationRate <== concentrationRate;
    }
    margin[0].size <== liveSize;
    margin[1].size <== remaining;
    margin[2].size <== taken;
    margin[0].scan <== scan;
    margin[1].scan <== scanAfter;
    margin[2].scan <== keeperScan;

    // E < MM. |E| < 2^60 + 2^82 + 2^81 < 2^83 and MM < 2^86.
    signal maintenance <== margin[0].maintenance;
    signal equity <== cash - held.funding + margin[0].value;
    component shortfall = Range(88);
    shortfall.in <== maintenance - equity - 1;

    // --- How much may be taken, and what it costs whom. ---------------------------------------------------------------------------------
    component bounds = SliceBounds();
    bounds.equity <== equity;
    bounds.maintenance <== maintenance;
    bounds.slice <== slice;
    bounds.rate <== rate;
    bounds.restoration <== restoration;
    component payments = TakeOverPayments();
    payments.equity <== equity;
    payments.maintenance <== maintenance;
    payments.slice <== slice;
    payments.rate <== rate;
    payments.payment <== payment;
    payments.deficit <== deficit;
    payments.reward <== reward;

    // --- The target after. Its cash: what the taken legs are worth comes in, the payment goes out, the fund makes up its deficit. ------------
    signal targetCash <== cash - held.funding + margin[2].value - payment + deficit;
    component targetCashRange = SignedRange(60);
    targetCashRange.in <== targetCash;
    signal equityAfter <== targetCash + margin[1].value;

    // cured is exact: E' >= MM'. |E' - MM'| < 2^87.
    component cure = SignedRange(88);
    cure.in <== equityAfter - margin[1].maintenance;
    cure.nonNegative === cured;

    // For E >= 0 the ratio E/MM does not fall: E'·MM >= E·MM'. Then 0 <= E' <= E < 2^83, so the products are below 2^169.
    signal ratioAfter <== equityAfter * maintenance;
    signal ratioBefore <== equity * margin[1].maintenance;
    component ratioRange = Range(170);
    ratioRange.in <== payments.solvent * (ratioAfter - ratioBefore);

    component remainingZero[L];
    component remainingLeg[L];
    component targetAfter = NoteCommitment(L);
    targetAfter.ownerKey <== ownerKey;
    targetAfter.entity <== entity;
    targetAfter.rho <== targetSpend.nextRho;
    targetAfter.cash <== targetCash;
    for (var i = 0; i < L; i++) {
        remainingZero[i] = IsZero();
        remainingZero[i].in <== remaining[i];
        remainingLeg[i] = PackedLeg();
        remainingLeg[i].live <== 1 - remainingZero[i].out;
        remainingLeg[i].id <== id[i];
        remainingLeg[i].size <== remaining[i];
        remainingLeg[i].fundingIndex <== fundingIndex[i];
        targetAfter.legs[i] <== remainingLeg[i].packed;
    }
    targetAfter.commitment === targetCommitment;

    // --- The keeper after: pays the marks, receives payment and reward, pays the fee; meets the initial margin with its net cash. -------------
    component feeRange = Range(40);
    feeRange.in <== fee;
    signal keeperCashAfter <== keeperCash - margin[2].value + payment + reward - fee;
    component keeperCashRange = SignedRange(60);
    keeperCashRange.in <== keeperCashAfter;

    component takenZero[L];
    component takenLeg[L];
    signal takenLive[L];
    component keeperAfter = NoteCommitment(L);
    keeperAfter.ownerKey <== keeperKey.out;
    keeperAfter.entity <== keeperEntity;
    keeperAfter.rho <== keeperSpend.nextRho;
    keeperAfter.cash <== keeperCashAfter;
    for (var i = 0; i < L; i++) {
        takenZero[i] = IsZero();
        takenZero[i].in <== taken[i];
        takenLive[i] <== 1 - takenZero[i].out;
        takenLeg[i] = PackedLeg();
        takenLeg[i].live <== takenLive[i];
        takenLeg[i].id <== id[i];
        takenLeg[i].size <== taken[i];
        takenLeg[i].fundingIndex <== fundingIndex[i];
        keeperAfter.legs[i] <== takenLeg[i].packed;
    }
    keeperAfter.commitment === keeperCommitment;

    // |E| < 2^82 and imFactor·MM < 2^106, so 107 bits hold every honest difference; |N| < 2^82.
    signal keeperRequired <== imFactor * margin[2].maintenance;
    component keeperSurplus = Range(107);
    keeperSurplus.in <== (keeperCashAfter + margin[2].value) * Q16() - keeperRequired;
    component counted = NetCashValue(L);
    counted.legValue <== margin[2].legValue;
    counted.nonNegative <== held.nonNegative;
    counted.isPerpetual <== rows.isPerpetual;
    counted.isOption <== rows.isOption;
    component keeperNetCash = Range(83);
    keeperNetCash.in <== keeperCashAfter + counted.value + debtLimit;

    // --- Escrow of both new notes. ------------------------------------------------------------------------------------------------------
    component escrow = TakeOverEscrow(L);
    escrow.rho <== rho;
    escrow.targetCommitment <== targetCommitment;
    escrow.targetCash <== targetCash;
    escrow.remaining <== remaining;
    escrow.keeperRho <== keeperRho;
    escrow.keeperCommitment <== keeperCommitment;
    escrow.keeperCash <== keeperCashAfter;
    escrow.id <== id;
    escrow.taken <== taken;
    escrow.takenLive <== takenLive;
    escrow.targetWords <== targetEscrow;
    escrow.keeperWords <== keeperEscrow;
}
