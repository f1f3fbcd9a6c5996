pragma circom 2.2.0;

// ratio·divisor = dividend says nothing of the ratio when both are 0.
template Planted() {
    signal input dividend;
    signal input divisor;
    signal output ratio;

    ratio <-- divisor != 0 ? dividend / divisor : 0;
    ratio * divisor === dividend;
}

template Clean() {
    signal input dividend;
    signal input divisor;
    signal output ratio;

    signal inverse <-- divisor != 0 ? 1 / divisor : 0;
    inverse * divisor === 1;
    ratio <-- divisor != 0 ? dividend / divisor : 0;
    ratio * divisor === dividend;
}
