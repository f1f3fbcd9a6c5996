pragma circom 2.2.0;

include "circuits/lib/hash.circom";

// Two ways to climb one node of a Merkle tree of any arity. In both, `parent` is the hash of all the children, so a path from a leaf to
// a known root cannot be invented; they differ in whether the place among the children is fixed by the caller.

// Index-free: `current` is one of the children, wherever. The product of all (child − current) is zero exactly when some factor is,
// for the field has no zero divisors. When `enforced` is 0 the children need not hold `current` and `parent` means nothing.
// Inputs: enforced 0 or 1 (the caller's promise), the others any field elements.
// Cost: the hash and `arity` constraints (one less when `enforced` is the constant 1): 402 + 8 at arity 8, 609 + 16 at arity 16.
template NodeMembershipIf(domain, arity) {
    signal input enforced;
    signal input current;
    signal input children[arity];
    signal output parent;

    signal misses[arity];
    misses[0] <== children[0] - current;
    for (var i = 1; i < arity; i++) {
        misses[i] <== misses[i - 1] * (children[i] - current);
    }
    enforced * misses[arity - 1] === 0;

    parent <== Hash(domain, arity)(children);
}

// Index-free and always enforced. Cost: 409 at arity 8, 624 at arity 16.
template NodeMembership(domain, arity) {
    signal input current;
    signal input children[arity];
    signal output parent;

    parent <== NodeMembershipIf(domain, arity)(1, current, children);
}

// The child at a place given in bits, least significant first: halves the candidates bit by bit. The bits must already be boolean.
// Cost: 2^bits − 1 constraints.
template ChildAt(bits) {
    signal input position[bits];
    signal input children[1 << bits];
    signal output child;

    // `rest` walks the levels of the selection one after the other: 2^(bits−1) survivors of the first bit, then 2^(bits−2) …
    signal rest[(1 << bits) - 1];
    var from = 0;
    for (var bit = 0; bit < bits; bit++) {
        var survivors = 1 << (bits - 1 - bit);
        var before = from - 2 * survivors;
        for (var i = 0; i < survivors; i++) {
            if (bit == 0) {
                rest[from + i] <== children[2 * i] + position[bit] * (children[2 * i + 1] - children[2 * i]);
            } else {
                rest[from + i] <== rest[before + 2 * i]
                    + position[bit] * (rest[before + 2 * i + 1] - rest[before + 2 * i]);
            }
        }
        from += survivors;
    }
    child <== rest[from - 1];
}

// Index-bound: `current` is the child at `position`. Cost: 402 + 7 at three bits, 609 + 15 at four.
template NodeAt(domain, bits) {
    signal input current;
    signal input position[bits];
    signal input children[1 << bits];
    signal output parent;

    signal child <== ChildAt(bits)(position, children);
    child === current;

    parent <== Hash(domain, 1 << bits)(children);
}
