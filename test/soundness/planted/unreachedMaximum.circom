pragma circom 2.2.0;

include "circuits/lib/range.circom";

// At least as large as each of three numbers, but not said to be one of them.
template Planted() {
    signal input in[3];
    signal output most;

    var larger = in[0] > in[1] ? in[0] : in[1];
    most <-- larger > in[2] ? larger : in[2];
    Range(32)(most);
    for (var i = 0; i < 3; i++) Range(32)(most - in[i]);
}

template Clean() {
    signal input in[3];
    signal output most;

    var larger = in[0] > in[1] ? in[0] : in[1];
    most <-- larger > in[2] ? larger : in[2];
    Range(32)(most);
    for (var i = 0; i < 3; i++) Range(32)(most - in[i]);
    signal product <== (most - in[0]) * (most - in[1]);
    product * (most - in[2]) === 0;
}
