pragma circom 2.2.0;

// What net cash counts besides cash (protocol/netCash.ts, docs/rulebook.md): the value of perpetual legs, and of option legs that are owed.
// Inputs: legValue = size·mark of each leg, |legValue| < 2^76; nonNegative, the sign of its size, boolean (either at 0, where the value is
// 0); isPerpetual and isOption, boolean and never both. |value| < 20·2^76 < 2^81. Cost: 2 a leg.
template NetCashValue(L) {
    signal input legValue[L];
    signal input nonNegative[L];
    signal input isPerpetual[L];
    signal input isOption[L];
    signal output value;

    signal owedOption[L];
    signal counted[L];
    var total = 0;
    for (var i = 0; i < L; i++) {
        owedOption[i] <== isOption[i] * (1 - nonNegative[i]);
        counted[i] <== (isPerpetual[i] + owedOption[i]) * legValue[i];
        total += counted[i];
    }
    value <== total;
}
