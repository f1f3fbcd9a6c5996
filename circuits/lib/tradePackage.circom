pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/range.circom";

// A trade package in its one canonical form, its tag, and what it adds to each of L leg places (protocol/trade.ts).
//
// The package is written as side 0 receives it: up to four legs (id, size) and cash. Rules:
// - sizes in [-2^36, 2^36), cash in [-2^60, 2^60);
// - used legs (size not 0) come first, with ascending ids from 1 up: an instrument is named once, so +S and -S of one id cannot widen
//   the price band; unused legs are 0 altogether;
// - no legs means no trade: no cash, side 0, tag 0;
// - each used leg names exactly one place. Equality with the place's id decides which, so the match is no hint; and since instruments
//   enter a note only here and by spot flows under the same rule, no note ever holds one instrument twice.
// Inputs: placeId[i] < 2^32 or 0 by the opened rows; side any field element, made boolean. Cost: 727 + 16 a place.
template TradePackage(L) {
    signal input id[4];
    signal input size[4];
    signal input cash;
    signal input salt;
    signal input side;
    signal input placeId[L];
    signal output hasTrade;
    signal output tag;
    signal output cashReceived;
    signal output traded[L];             // signed lots that this side receives at each place
    signal output tradedMagnitude[L];    // their absolute values

    side * (1 - side) === 0;
    signal sign <== 1 - 2 * side;

    component sizeRange[4];
    component isZero[4];
    component order[4];
    component match[4][L];
    signal used[4];
    signal magnitude[4];
    signal receivedSize[4];
    signal step[4];
    signal tradedPart[4][L];
    signal magnitudePart[4][L];
    for (var j = 0; j < 4; j++) {
        sizeRange[j] = SignedRange(36);
        sizeRange[j].in <== size[j];
        magnitude[j] <== (2 * sizeRange[j].nonNegative - 1) * size[j];
        receivedSize[j] <== sign * size[j];
        isZero[j] = IsZero();
        isZero[j].in <== size[j];
        used[j] <== 1 - isZero[j].out;
        id[j] * (1 - used[j]) === 0;

        // Ascending ids: id[j] - id[j - 1] - 1 >= 0 where used, with 0 before the first.
        order[j] = Range(32);
        if (j == 0) {
            step[j] <== used[j] * (id[j] - 1);
        } else {
            used[j] * (1 - used[j - 1]) === 0;
            step[j] <== used[j] * (id[j] - id[j - 1] - 1);
        }
        order[j].in <== step[j];

        var matches = 0;
        for (var i = 0; i < L; i++) {
            match[j][i] = IsEqual();
            match[j][i].in <== [placeId[i], id[j]];
            matches += match[j][i].out;
            tradedPart[j][i] <== match[j][i].out * receivedSize[j];
            magnitudePart[j][i] <== match[j][i].out * magnitude[j];
        }
        used[j] * (matches - 1) === 0;
    }
    for (var i = 0; i < L; i++) {
        traded[i] <== tradedPart[0][i] + tradedPart[1][i] + tradedPart[2][i] + tradedPart[3][i];
        tradedMagnitude[i] <== magnitudePart[0][i] + magnitudePart[1][i] + magnitudePart[2][i] + magnitudePart[3][i];
    }

    hasTrade <== used[0];
    side * (1 - hasTrade) === 0;
    cash * (1 - hasTrade) === 0;
    component cashRange = SignedRange(60);
    cashRange.in <== cash;
    cashReceived <== sign * cash;

    component hash = Hash(DOMAIN_TRADE(), 6);
    for (var j = 0; j < 4; j++) { hash.in[j] <== size[j] * (1 << 42) + id[j] * (1 << 82); }
    hash.in[4] <== cash;
    hash.in[5] <== salt;
    tag <== hasTrade * hash.out;
}
