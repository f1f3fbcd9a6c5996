pragma circom 2.2.0;

// A selector by weighed bits: without "exactly one", place 3 is place 1 and place 2 at once.
template Planted() {
    signal input place;
    signal output chosen[4];

    var weighed = 0;
    for (var i = 0; i < 4; i++) {
        chosen[i] <-- place == i ? 1 : 0;
        chosen[i] * (1 - chosen[i]) === 0;
        weighed += i * chosen[i];
    }
    weighed === place;
}

template Clean() {
    signal input place;
    signal output chosen[4];

    var weighed = 0;
    var count = 0;
    for (var i = 0; i < 4; i++) {
        chosen[i] <-- place == i ? 1 : 0;
        chosen[i] * (1 - chosen[i]) === 0;
        weighed += i * chosen[i];
        count += chosen[i];
    }
    weighed === place;
    count === 1;
}
