pragma circom 2.2.0;

include "circuits/lib/range.circom";

// The loss of a group in the one scenario that `scenario` selects, or 0 when it selects none.
// Inputs: sums as GroupSums makes them; scenario is made boolean with at most one 1 here. The selected word is split into its digits,
// shifted by 2^81 to be non-negative: true losses lie within ±2^81, so digits of 82 bits at a distance of 2^84 are forced.
// Cost: 17 for the selection, 6 for the word, 246 for its digits, 3 for the digit.
template ScenarioLoss() {
    signal input sums[6];
    signal input scenario[16];
    signal output loss;

    var chosen = 0;
    for (var s = 0; s < 16; s++) {
        scenario[s] * (1 - scenario[s]) === 0;
        chosen += scenario[s];
    }
    chosen * (1 - chosen) === 0;

    signal selected[6];
    var word = 0;
    for (var k = 0; k < 6; k++) {
        var inWord = scenario[3 * k];
        if (k < 5) { inWord += scenario[3 * k + 1] + scenario[3 * k + 2]; }
        selected[k] <== inWord * sums[k];
        word += selected[k];
    }

    var shift = 1 << 81;
    var shifted = word + shift * (1 + (1 << 84) + (1 << 168));
    signal digit[3];
    component digitRange[3];
    signal picked[3];
    var packed = 0;
    var result = 0;
    for (var d = 0; d < 3; d++) {
        digit[d] <-- (shifted >> (84 * d)) & ((1 << 84) - 1);
        digitRange[d] = Range(82);
        digitRange[d].in <== digit[d];
        packed += digit[d] * (1 << (84 * d));

        var inDigit = 0;
        for (var k = 0; 3 * k + d < 16; k++) { inDigit += scenario[3 * k + d]; }
        picked[d] <== inDigit * (digit[d] - shift);
        result += picked[d];
    }
    packed === shifted;
    loss <== result;
}
