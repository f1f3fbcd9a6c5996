pragma circom 2.2.0;

include "circomlib/circuits/montgomery.circom";

// Compile-time arithmetic on Baby Jubjub's Montgomery form v² = u³ + 168698·u² + u, for the table of constants below.
function montgomeryDouble(point) {
    var slope = (3 * point[0] * point[0] + 2 * 168698 * point[0] + 1) / (2 * point[1]);
    var u = slope * slope - 168698 - 2 * point[0];
    return [u, slope * (point[0] - u) - point[1]];
}

function montgomeryAdd(point, other) {
    var slope = (other[1] - point[1]) / (other[0] - point[0]);
    var u = slope * slope - 168698 - point[0] - other[0];
    return [u, slope * (point[0] - u) - point[1]];
}

// Base8, the generator of the prime-order subgroup (8 times circomlib's generator), in Montgomery form.
function BASE8() {
    var x = 5299619240641551281634865583518297030282874472190772894086521144482721001553;
    var y = 16950150798460657717958625567821834550301663161624707787222815936182638968203;
    var u = (1 + y) / (1 - y);
    return [u, u / x];
}

// e·Base8 for e = 2^249 + 2f + 1, where f is given in 248 bits; the result is in Edwards form.
//
// In signed digits, e = sum of s_i·2^i with s_i = 2·f_i − 1 for i < 248 and s_248 = s_249 = 1: no digit is zero, so no addition ever
// meets the neutral element. A window of two digits is ±1 or ±3 times 4^j·Base8: u depends on whether the two bits are equal (one product),
// v is linear in them. The last window holds f_246, f_247 and the two constant digits: 9, 11, 13 or 15 times 4^123·Base8.
//
// The chord formula needs unequal u coordinates. The sum of the windows below j is odd and less than 4^j in absolute value, window j
// is at least 4^j, and both together are less than 2^250, which is below the order of Base8 (2^250.6): neither their sum nor their
// difference is the neutral element, so every slope has exactly one value.
// (circomlib's EscalarMulFix is not used: with 247 to 249 bits it lays out a segment of no or negative length.)
// Inputs: bits already boolean. Cost: 495 constraints.
template ScalarTimesBase8() {
    signal input bits[248];
    signal output out[2];

    signal both[124];
    signal sums[124][2];
    component adders[124];
    var one[2] = BASE8();
    for (var j = 0; j < 124; j++) {
        var low = bits[2 * j];
        var high = bits[2 * j + 1];
        both[j] <== bits[2 * j] * bits[2 * j + 1];

        var two[2] = montgomeryDouble(one);
        var three[2] = montgomeryAdd(one, two);
        var window[2];
        if (j < 123) {
            // (low, high) = (0, 0), (1, 0), (0, 1), (1, 1) stand for −3, −1, 1, 3.
            window[0] = three[0] + (low + high - 2 * both[j]) * (one[0] - three[0]);
            window[1] = -three[1] + low * (three[1] - one[1]) + high * (three[1] + one[1]);
        } else {
            var odd[4][2];
            odd[0] = montgomeryAdd(three, montgomeryDouble(three));
            for (var k = 1; k < 4; k++) odd[k] = montgomeryAdd(odd[k - 1], two);
            for (var c = 0; c < 2; c++) {
                window[c] = odd[0][c] + low * (odd[1][c] - odd[0][c]) + high * (odd[2][c] - odd[0][c])
                    + both[j] * (odd[3][c] - odd[2][c] - odd[1][c] + odd[0][c]);
            }
        }

        if (j == 0) {
            sums[j] <== window;
        } else {
            adders[j] = MontgomeryAdd();
            adders[j].in1 <== sums[j - 1];
            adders[j].in2 <== window;
            sums[j] <== adders[j].out;
        }
        one = montgomeryDouble(two);
    }

    out <== Montgomery2Edwards()(sums[123]);
}
