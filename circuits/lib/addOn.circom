pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Add-on of one leg: |size|·(longAddOn or shortAddOn) + concentrationRate·max(0, |size| - concentrationThreshold).
// Inputs: size in [-2^36, 2^36); nonNegative = 1 if size > 0, 0 if size < 0, either at 0; row values as the row bounds them, the threshold
// below 2^36, so that the excess lies in (-2^36, 2^36] and its 38-bit check decides its sign. Output below 2^78. Cost: 43.
template AddOn() {
    signal input size;
    signal input nonNegative;
    signal input longAddOn;
    signal input shortAddOn;
    signal input concentrationThreshold;
    signal input concentrationRate;
    signal output addOn;

    signal magnitude <== (2 * nonNegative - 1) * size;
    signal rate <== shortAddOn + nonNegative * (longAddOn - shortAddOn);
    signal plain <== magnitude * rate;

    component excess = SignedRange(37);
    excess.in <== magnitude - concentrationThreshold;
    signal beyond <== excess.nonNegative * (magnitude - concentrationThreshold);
    addOn <== plain + beyond * concentrationRate;
}
