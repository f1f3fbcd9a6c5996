pragma circom 2.2.0;

// 2·P + Q on Baby Jubjub's Montgomery form v² = u³ + 168698·u² + u, as (P + Q) + P: the middle point's v is never needed.
//
// With R = P + Q on the chord of slope a, the second chord's slope is b = 2·v_P / (u_P − u_R) − a.
// Inputs: points with P ≠ ±Q and P + Q ≠ ±P (the caller's proof), else a slope would be free. Cost: 5 constraints.
template DoubleAndAdd() {
    signal input p[2];
    signal input q[2];
    signal output out[2];

    var A = 168698;

    signal a <-- (q[1] - p[1]) / (q[0] - p[0]);
    a * (q[0] - p[0]) === q[1] - p[1];
    signal middle <== a * a - A - p[0] - q[0];

    signal b <-- 2 * p[1] / (p[0] - middle) - a;
    (a + b) * (p[0] - middle) === 2 * p[1];
    out[0] <== b * b - A - middle - p[0];
    out[1] <== b * (p[0] - out[0]) - p[1];
}
