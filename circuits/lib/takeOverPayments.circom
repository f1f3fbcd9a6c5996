pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/range.circom";

// What a slice f costs whom (takeOverPayments in protocol/liquidation.ts), with k the rate, in micro-USDC:
//     payment = floor(f·min(k·MM, max(E, 0)))                    target to keeper
//     deficit = floor(f·max(-E, 0))                              fund to target
//     reward  = floor(f·max(0, min(k, 5%)·MM - max(E, 0)))       fund to keeper
// Inputs: slice in [1, 2^16]; rate below 2^16; |equity| < 2^83, 0 <= maintenance < 2^86, checked by the caller. The three results are
// hints with one valid value each: they are checked to 60 bits, so with their remainders they cannot wrap, and the remainders' own
// checks leave one quotient. solvent is 1 iff E >= 0. Cost: 578.
template TakeOverPayments() {
    signal input equity;
    signal input maintenance;
    signal input slice;
    signal input rate;
    signal input payment;
    signal input deficit;
    signal input reward;
    signal output solvent;

    component sign = SignedRange(83);
    sign.in <== equity;
    solvent <== sign.nonNegative;
    signal positive <== solvent * equity;

    // min(k·MM, E+), scaled by 2^16: both are below 2^102.
    signal due <== rate * maintenance;
    component dueIsMore = SignedRange(103);
    dueIsMore.in <== due - positive * Q16();
    signal excess <== dueIsMore.nonNegative * (due - positive * Q16());
    signal product <== slice * (due - excess);
    component paymentRange = Range(60);
    paymentRange.in <== payment;
    component paymentRemainder = Range(32);
    paymentRemainder.in <== product - payment * (1 << 32);

    signal credit <== slice * (positive - equity);
    component deficitRange = Range(60);
    deficitRange.in <== deficit;
    component deficitRemainder = Range(16);
    deficitRemainder.in <== credit - deficit * Q16();

    // min(k, 5%), both below 2^16, and what it exceeds E+ by.
    component rateIsMore = SignedRange(16);
    rateIsMore.in <== rate - REWARD_RATE();
    signal rewardRate <== rate - rateIsMore.nonNegative * (rate - REWARD_RATE());
    signal floor <== rewardRate * maintenance;
    component rewarded = SignedRange(103);
    rewarded.in <== floor - positive * Q16();
    signal shortOfFloor <== rewarded.nonNegative * (floor - positive * Q16());
    signal rewardProduct <== slice * shortOfFloor;
    component rewardRange = Range(60);
    rewardRange.in <== reward;
    component rewardRemainder = Range(32);
    rewardRemainder.in <== rewardProduct - reward * (1 << 32);
}
