pragma circom 2.2.0;

include "circomlib/circuits/montgomery.circom";

// 8·P in Montgomery form for a point P of Baby Jubjub in Edwards form. The curve has 8 times a prime of points, so 8·P has that prime order
// or P has an order of 1, 2, 4 or 8; those, and points off the curve, are refused whatever the prover does:
//   - the neutral element (0, 1) and the point of order 2 (0, −1) have x = 0, which has no inverse;
//   - doubling a point of order 4 or 8 meets the point of order 2, (0, 0) in Montgomery form, whose tangent equation reads 0 = 1.
//     It is the only point with v = 0, because 168698² − 4 is not a square.
// Inputs: any field elements. Cost: 18 constraints.
template PrimeOrderPoint() {
    signal input point[2];
    signal output out[2];

    // u = (1 + y) / (1 − y), v = u / x. y = 1 leaves 0 = 2.
    signal inverse <-- 1 / point[0];
    inverse * point[0] === 1;
    signal u <-- (1 + point[1]) / (1 - point[1]);
    u * (1 - point[1]) === 1 + point[1];
    signal v <== u * inverse;

    // On the curve: v² = u³ + 168698·u² + u. The map from Edwards form is one to one, so P is on its curve as well.
    signal uu <== u * u;
    signal vv <== v * v;
    vv === u * (uu + 168698 * u + 1);

    signal doubles[4][2];
    doubles[0] <== [u, v];
    for (var i = 0; i < 3; i++) {
        doubles[i + 1] <== MontgomeryDouble()(doubles[i]);
    }
    out <== doubles[3];
}
