pragma circom 2.2.0;

// A leg as the one field element that its note hashes: fundingIndex + size·2^42 + id·2^82 (protocol/leg.ts).
//
// Ranges that the caller owes, so that a leg unpacks in one way only: fundingIndex in [-2^40, 2^40) by a check of its own; |size| below
// 2^38 (a checked size less a checked change); id below 2^32, which the opened risk row gives. Two legs then pack alike only if equal:
// the indexes differ by less than 2^42, the sizes by less than 2^40, and the sum stays below 2^115.
// A leg of size 0 must be the empty leg, all of it: live (1 iff size != 0) switches id and index off. Cost: 1.
template PackedLeg() {
    signal input live;
    signal input id;
    signal input size;
    signal input fundingIndex;
    signal output packed;

    packed <== live * (fundingIndex + id * (1 << 82)) + size * (1 << 42);
}
