pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/changeEscrow.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/leg.circom";
include "circuits/lib/margin.circom";
include "circuits/lib/marginLowerBound.circom";
include "circuits/lib/netCash.circom";
include "circuits/lib/note.circom";
include "circuits/lib/openedRows.circom";
include "circuits/lib/range.circom";
include "circuits/lib/requireMember.circom";
include "circuits/lib/spend.circom";
include "circuits/lib/spotFlow.circom";
include "circuits/lib/stateMembership.circom";
include "circuits/lib/tradePackage.circom";

// An owner's transition: the old note, which is in the state tree, becomes the new note by the rules of docs/rulebook.md.
// protocol/transition.ts is the same rules in TypeScript and makes every input. L leg places, G underlyings; the other places of the note
// (up to 20) are empty before and after.
//
// Public signals, in order, are the first block of inputs. Everything else is the owner's secret.
template Transition(L, G) {
    signal input stateRoot;
    signal input snapshotRoot;
    signal input registryRoot;
    signal input nullifier;
    signal input commitment;
    signal input mode;
    signal input asset;
    signal input deposit;
    signal input withdrawal;
    signal input fee;
    signal input tradeTag;
    signal input side;
    signal input escrow[2];
    signal input context;

    // The old note and its place.
    signal input spendSecret;
    signal input entity;
    signal input rho;
    signal input cash;
    signal input oldSize[L];
    signal input oldFundingIndex[L];
    signal input leafIndex;
    signal input stateLeaves[16];
    signal input stateLevels[8][8];

    // The instrument of each place (0: none before and after), its risk row, its group.
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

    // The package, and the membership of the entity.
    signal input packageId[4];
    signal input packageSize[4];
    signal input packageCash;
    signal input salt;
    signal input expiryEpoch;
    signal input registryLevels[3][16];

    // Hints: the scan risks after, and the claim that the trade is safe with its lower bound of the margin before.
    signal input scan[G];
    signal input safe;
    signal input claimsLong[L];
    signal input claimsConcentrated[L];
    signal input claimedScenario[G][16];

    // The context enters a constraint, so that no other context fits the proof.
    signal contextSquare <== context * context;

    // --- Mode: two bits. leaving = exit or wind-down. -------------------------------------------------------------------------------
    component modeBits = Num2Bits(2);
    modeBits.in <== mode;
    signal leaving <== modeBits.out[1];
    signal windDown <== modeBits.out[0] * modeBits.out[1];
    signal exiting <== leaving - windDown;
    signal reduceOnly <== modeBits.out[0] - windDown;

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

    // --- Flows: unsigned, at most one; cash, or lots of the spot instrument that `asset` names. --------------------------------------
    component flow = SpotFlow(L);
    flow.asset <== asset;
    flow.deposit <== deposit;
    flow.withdrawal <== withdrawal;
    flow.placeId <== id;
    flow.placeIsSpot <== rows.isSpot;
    component feeRange = Range(40);
    feeRange.in <== fee;
    component noFee = IsZero();
    noFee.in <== fee;

    // --- The trade. -----------------------------------------------------------------------------------------------------------------
    component trade = TradePackage(L);
    trade.id <== packageId;
    trade.size <== packageSize;
    trade.cash <== packageCash;
    trade.salt <== salt;
    trade.side <== side;
    trade.placeId <== id;
    trade.tag === tradeTag;

    // --- Each leg: settle funding, apply trade and flow, empty what is settled or wound down. -----------------------------------------
    component touchedRange[L];
    component oldIndexRange[L];
    component oldZero[L];
    component newZero[L];
    component oldPacked[L];
    component newPacked[L];
    signal touched[L];
    signal funding[L];
    signal woundDown[L];
    signal emptied[L];
    signal newSize[L];
    signal touchedValue[L];
    signal payout[L];
    signal oldNotSpot[L];
    signal tradedValue[L];
    signal tradedPerpetual[L];
    signal boughtOption[L];
    signal boughtOptionValue[L];
    signal boughtRoom[L];
    signal soldRoom[L];
    signal positive[L];
    signal enlargedLong[L];
    signal enlargedShort[L];
    signal oldLive[L];
    signal newLive[L];
    var fundingTotal = 0;
    var payoutTotal = 0;
    var oldNotSpotCount = 0;
    var tradedValueTotal = 0;
    var tradedNetCashTotal = 0;
    var roomTotal = 0;
    var enlargedTotal = 0;
    for (var i = 0; i < L; i++) {
        // The old leg: its index is checked to 41 bits; its size is the checked size after less the checked changes, below 2^38.
        oldIndexRange[i] = SignedRange(40);
        oldIndexRange[i].in <== oldFundingIndex[i];
        oldZero[i] = IsZero();
        oldZero[i].in <== oldSize[i];
        oldLive[i] <== 1 - oldZero[i].out;
        oldZero[i].out * oldFundingIndex[i] === 0;
        oldPacked[i] = PackedLeg();
        oldPacked[i].live <== oldLive[i];
        oldPacked[i].id <== id[i];
        oldPacked[i].size <== oldSize[i];
        oldPacked[i].fundingIndex <== oldFundingIndex[i];

        // Funding since the last touch, exactly. A settled row pays out through its index.
        funding[i] <== oldSize[i] * (fundingIndex[i] - oldFundingIndex[i]);
        fundingTotal += funding[i];

        // Trade and flow. Settled instruments do not trade; spot stays at or above 0.
        touched[i] <== oldSize[i] + trade.traded[i] + flow.change[i];
        touchedRange[i] = SignedRange(36);
        touchedRange[i].in <== touched[i];
        trade.tradedMagnitude[i] * settled[i] === 0;
        rows.isSpot[i] * (1 - touchedRange[i].nonNegative) === 0;

        // Emptying: settled legs always; every leg that is not spot in a wind-down, for its mark in cash.
        woundDown[i] <== windDown * rows.notSpot[i];
        emptied[i] <== settled[i] + woundDown[i] - settled[i] * woundDown[i];
        newSize[i] <== (1 - emptied[i]) * touched[i];
        touchedValue[i] <== touched[i] * mark[i];
        payout[i] <== woundDown[i] * touchedValue[i];
        payoutTotal += payout[i];
        oldNotSpot[i] <== oldLive[i] * rows.notSpot[i];
        oldNotSpotCount += oldNotSpot[i];

        // The new leg: touched at the row's index.
        newZero[i] = IsZero();
        newZero[i].in <== newSize[i];
        newLive[i] <== 1 - newZero[i].out;
        newPacked[i] = PackedLeg();
        newPacked[i].live <== newLive[i];
        newPacked[i].id <== id[i];
        newPacked[i].size <== newSize[i];
        newPacked[i].fundingIndex <== fundingIndex[i];

        // What the trade is worth at the mark, what of it net cash counts, and the room that the add-on of the sign received gives.
        // (magnitude + traded) / 2 is the part bought, (magnitude - traded) / 2 the part sold; both are doubled here.
        tradedValue[i] <== trade.traded[i] * mark[i];
        tradedValueTotal += tradedValue[i];
        tradedPerpetual[i] <== rows.isPerpetual[i] * tradedValue[i];
        boughtOption[i] <== rows.isOption[i] * (trade.tradedMagnitude[i] + trade.traded[i]);
        boughtOptionValue[i] <== boughtOption[i] * mark[i];
        tradedNetCashTotal += 2 * tradedPerpetual[i] + boughtOptionValue[i];
        boughtRoom[i] <== (trade.tradedMagnitude[i] + trade.traded[i]) * longAddOn[i];
        soldRoom[i] <== (trade.tradedMagnitude[i] - trade.traded[i]) * shortAddOn[i];
        roomTotal += boughtRoom[i] + soldRoom[i];

        // A leg is enlarged or flipped iff something is bought and the leg ends above 0, or sold and it ends below 0.
        // Both terms are non-negative and below 2^37, so their sum is 0 only if each is.
        positive[i] <== touchedRange[i].nonNegative * newLive[i];
        enlargedLong[i] <== (trade.tradedMagnitude[i] + trade.traded[i]) * positive[i];
        enlargedShort[i] <== (trade.tradedMagnitude[i] - trade.traded[i]) * (1 - touchedRange[i].nonNegative);
        enlargedTotal += enlargedLong[i] + enlargedShort[i];
    }

    // --- The notes. -----------------------------------------------------------------------------------------------------------------
    component ownerKey = Hash(DOMAIN_OWNER(), 1);
    ownerKey.in[0] <== spendSecret;
    component oldNote = NoteCommitment(L);
    oldNote.ownerKey <== ownerKey.out;
    oldNote.entity <== entity;
    oldNote.rho <== rho;
    oldNote.cash <== cash;
    for (var i = 0; i < L; i++) { oldNote.legs[i] <== oldPacked[i].packed; }
    component state = StateMembership();
    state.leaf <== oldNote.commitment;
    state.leafIndex <== leafIndex;
    state.leaves <== stateLeaves;
    state.levels <== stateLevels;
    state.root === stateRoot;

    component spend = Spend();
    spend.ownerKey <== ownerKey.out;
    spend.rho <== rho;
    spend.leafIndex <== leafIndex;
    spend.nullifier === nullifier;

    // Cash after: funding, the trade, the flow, the fee, and what a wind-down pays. Every term is below 20·2^77, so nothing wraps.
    signal newCash <== cash - fundingTotal + trade.cashReceived + flow.cash - fee + payoutTotal;
    component cashRange = SignedRange(60);
    cashRange.in <== newCash;

    component newNote = NoteCommitment(L);
    newNote.ownerKey <== ownerKey.out;
    newNote.entity <== entity;
    newNote.rho <== spend.nextRho;
    newNote.cash <== newCash;
    for (var i = 0; i < L; i++) { newNote.legs[i] <== newPacked[i].packed; }
    newNote.commitment === commitment;

    component change = ChangeEscrow(L);
    change.rho <== rho;
    change.oldCommitment <== oldNote.commitment;
    change.newCommitment <== commitment;
    change.newCash <== newCash;
    change.id <== id;
    change.oldSize <== oldSize;
    change.newSize <== newSize;
    change.oldLive <== oldLive;
    change.newLive <== newLive;
    change.words === escrow;

    // --- Margin after. --------------------------------------------------------------------------------------------------------------
    component margin = Margin(L, G);
    margin.size <== newSize;
    for (var i = 0; i < L; i++) { margin.nonNegative[i] <== touchedRange[i].nonNegative; }
    margin.group <== group;
    margin.words <== words;
    margin.mark <== mark;
    margin.longAddOn <== longAddOn;
    margin.shortAddOn <== shortAddOn;
    margin.concentrationThreshold <== concentrationThreshold;
    margin.concentrationRate <== concentrationRate;
    margin.scan <== scan;

    // --- Class of the transition. ---------------------------------------------------------------------------------------------------
    // safe is a claim: it can only be made for a trade that enlarges and flips nothing, leaves MM at or below a lower bound of MM before,
    // and gives away at the marks no more than the margin so freed. Not making it means meeting the stricter class.
    safe * (1 - safe) === 0;
    safe * (1 - trade.hasTrade) === 0;
    safe * enlargedTotal === 0;
    component before = MarginLowerBound(L, G);
    before.size <== oldSize;
    before.group <== group;
    before.words <== words;
    before.longAddOn <== longAddOn;
    before.shortAddOn <== shortAddOn;
    before.concentrationThreshold <== concentrationThreshold;
    before.concentrationRate <== concentrationRate;
    before.claimsLong <== claimsLong;
    before.claimsConcentrated <== claimsConcentrated;
    before.claimedScenario <== claimedScenario;
    signal relief <== safe * (before.bound - margin.maintenance);
    component reliefRange = Range(88);
    reliefRange.in <== relief;
    // |value received| < 2^61 + 4·2^77 and |bound - MM| < 2^87, so 88 bits hold every honest sum and no negative one.
    signal spared <== safe * (trade.cashReceived + tradedValueTotal + before.bound - margin.maintenance);
    component sparedRange = Range(88);
    sparedRange.in <== spared;

    // Initial margin: any withdrawal, and any trade but a safe one without a deposit. Membership: any deposit, any trade but a safe one.
    signal safeAlone <== safe * (1 - flow.hasDeposit);
    signal riskyTrade <== trade.hasTrade - safeAlone;
    signal requiresInitialMargin <== riskyTrade + flow.hasWithdrawal - riskyTrade * flow.hasWithdrawal;
    signal unsafeTrade <== trade.hasTrade - safe;
    signal requiresMembership <== unsafeTrade + flow.hasDeposit - unsafeTrade * flow.hasDeposit;
    component member = RequireMember();
    member.needed <== requiresMembership;
    member.entity <== entity;
    member.expiryEpoch <== expiryEpoch;
    member.epoch <== epoch;
    member.levels <== registryLevels;
    member.registryRoot <== registryRoot;

    // Mode 1 admits what does not call for initial margin. Modes 2 and 3 admit no trade and no deposit and leave cash at or above 0;
    // mode 2 starts from spot legs only.
    reduceOnly * requiresInitialMargin === 0;
    leaving * (trade.hasTrade + flow.hasDeposit) === 0;
    leaving * (1 - cashRange.nonNegative) === 0;
    exiting * oldNotSpotCount === 0;

    // Equity: E·2^16 >= k·MM with k the initial factor or 2^16. |E| < 2^82 and k·MM < 2^106, so 107 bits hold every honest difference
    // and no other. Modes 2 and 3 leave an account that is solvent at any price.
    signal factor <== Q16() + requiresInitialMargin * (imFactor - Q16());
    signal required <== factor * margin.maintenance;
    signal surplus <== (1 - leaving) * ((newCash + margin.value) * Q16() - required);
    component surplusRange = Range(107);
    surplusRange.in <== surplus;

    // Net cash: N >= 0 after a withdrawal, N >= -debtLimit where the initial margin is required without one, where a fee leaves (fees paid
    // to oneself would otherwise withdraw option value, a little at a time), and where a trade pays: what a safe trade does to N is its cash,
    // its perpetuals at their marks, and the options bought, which were owed. Doubled, |cash| < 2^62 and four legs of 2^78 at most. |N| < 2^82.
    component tradeNetCash = SignedRange(81);
    tradeNetCash.in <== 2 * trade.cashReceived + tradedNetCashTotal;
    signal allowedDebt <== (1 - flow.hasWithdrawal) * debtLimit;
    signal withoutFee <== noFee.out * (1 - requiresInitialMargin);
    signal cashLeaves <== 1 - withoutFee * tradeNetCash.nonNegative;
    signal netCashRequired <== (1 - leaving) * cashLeaves;
    component counted = NetCashValue(L);
    counted.legValue <== margin.legValue;
    for (var i = 0; i < L; i++) { counted.nonNegative[i] <== touchedRange[i].nonNegative; }
    counted.isPerpetual <== rows.isPerpetual;
    counted.isOption <== rows.isOption;
    signal netCashSurplus <== netCashRequired * (newCash + counted.value + allowedDebt);
    component netCashRange = Range(83);
    netCashRange.in <== netCashSurplus;

    // Price band of this side: cash + sum size·mark + priceBand·sum |size|·addOn >= 0, scaled by 2^17 (Q16, and the room is doubled).
    // With priceBand below 2^20, |band| < 2^17·4·2^77 + 2^20·4·2^78 < 2^101.
    signal bandRoom <== priceBand * roomTotal;
    component bandRange = Range(102);
    bandRange.in <== (trade.cashReceived + tradedValueTotal) * (2 * Q16()) + bandRoom;
}
