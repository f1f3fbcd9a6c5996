pragma circom 2.2.0;

// Two products that say the same, so that neither is missed: a mutation score must not count them.
template ImpliedConstraint() {
    signal input a;
    signal input b;
    signal input product;
    signal output square;

    a * b === product;
    (a + 1) * b === product + b;
    square <== a * a;
}
