pragma circom 2.2.0;

// assert() runs in the prover's own program and makes no constraint.
template Planted() {
    signal input dividend;
    signal input divisor;
    signal output inverse;
    signal output quotient;

    inverse <-- 1 / divisor;
    inverse * divisor === 1;
    quotient <-- dividend / divisor;
    assert(quotient * divisor == dividend);
}

template Clean() {
    signal input dividend;
    signal input divisor;
    signal output inverse;
    signal output quotient;

    inverse <-- 1 / divisor;
    inverse * divisor === 1;
    quotient <-- dividend / divisor;
    quotient * divisor === dividend;
}
