pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/range.circom";

// How large a slice f may be (sliceBounds in protocol/liquidation.ts), with k the rate, b the restoration, all Q16:
//     MM below 2,000 USDC:  f = 1
//     otherwise             f·(1 + b - k)·MM <= (1 + b)·MM - E       no more than restores 1 + b
//                           and f at least a quarter of 1 or of what that bound allows.
// Inputs: slice in [1, 2^16]; |equity| < 2^83, equity < maintenance < 2^86, checked by the caller. rate and restoration are checked to
// 16 bits here, so 1 + b - k is positive and below 2^17. Cost: 389.
template SliceBounds() {
    signal input equity;
    signal input maintenance;
    signal input slice;
    signal input rate;
    signal input restoration;

    component rateRange = Range(16);
    rateRange.in <== rate;
    component restorationRange = Range(16);
    restorationRange.in <== restoration;

    // MM is below 2^86, so its distance from 2,000 USDC is too.
    component large = SignedRange(87);
    large.in <== maintenance - WHOLE_BELOW();
    (1 - large.nonNegative) * (slice - Q16()) === 0;

    // Both sides scaled by 2^32. asked < 2^16·2^17·2^86 = 2^119; allowed < 2^16·(2^17·2^86 + 2^16·2^83) < 2^120, and positive since E < MM.
    signal perSlice <== (Q16() + restoration - rate) * maintenance;
    signal asked <== slice * perSlice;
    signal restored <== (Q16() + restoration) * maintenance;
    signal allowed <== (restored - Q16() * equity) * Q16();
    component room = Range(121);
    room.in <== large.nonNegative * (allowed - asked);

    // A quarter of the whole, or a quarter of what is allowed.
    component quarterOfWhole = SignedRange(18);
    quarterOfWhole.in <== 4 * slice - Q16();
    component quarterOfAllowed = SignedRange(122);
    quarterOfAllowed.in <== 4 * asked - allowed;
    (1 - quarterOfWhole.nonNegative) * (1 - quarterOfAllowed.nonNegative) === 0;
}
