pragma circom 2.2.0;

include "circuits/lib/range.circom";

// Proves that scan is max(0, the largest of the sixteen losses packed in sums).
//
// Inputs: sums as GroupSums makes them, each true loss S within ±2^81. scan is a hint with one valid value:
// - scan in [0, 2^82);
// - scan - S >= 0 in every scenario. These differences are read off scan·(1 + 2^84 + 2^168) - word as digits at 2^84. Each digit is
//   checked to 82 bits and the true difference lies within (-2^81, 2^82 + 2^81), so digit and difference are less than 2^83 apart, and a
//   sum that agrees modulo 2^84 agrees in every digit. (With 84 bits, a borrow between digits would forge a smaller maximum.)
// - scan is 0 or one of the losses: scan · product of the differences = 0.
// Cost: 82 for scan, 82 a scenario, 16 for the product.
template ScanRisk() {
    signal input sums[6];
    signal input scan;

    component scanRange = Range(82);
    scanRange.in <== scan;

    signal slack[16];
    component slackRange[16];
    signal product[17];
    product[0] <== scan;
    for (var k = 0; k < 6; k++) {
        var digits = k < 5 ? 3 : 1;
        var total = -sums[k];
        for (var d = 0; d < digits; d++) { total += scan * (1 << (84 * d)); }
        var packed = 0;
        for (var d = 0; d < digits; d++) {
            slack[3 * k + d] <-- (total >> (84 * d)) & ((1 << 84) - 1);
            slackRange[3 * k + d] = Range(82);
            slackRange[3 * k + d].in <== slack[3 * k + d];
            packed += slack[3 * k + d] * (1 << (84 * d));
            product[3 * k + d + 1] <== product[3 * k + d] * slack[3 * k + d];
        }
        packed === total;
    }
    product[16] === 0;
}
