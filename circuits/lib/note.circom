pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";

// Commitment of a note whose first L places hold the given packed legs and whose other places are empty (protocol/note.ts).
// One format serves every tier: places beyond L are the constant 0. Inputs: field elements. 1 <= L <= 20.
// Cost: 609 for the main hash, and 420 for the tail where L > 11; less for constant places.
template NoteCommitment(L) {
    signal input ownerKey;
    signal input entity;
    signal input rho;
    signal input cash;
    signal input legs[L];
    signal output commitment;

    component tail = Hash(DOMAIN_NOTE_TAIL(), NOTE_LEGS() - NOTE_HEAD_LEGS());
    component note = Hash(DOMAIN_NOTE(), 16);
    note.in[0] <== ownerKey;
    note.in[1] <== entity;
    note.in[2] <== rho;
    note.in[3] <== cash;
    for (var i = 0; i < NOTE_LEGS(); i++) {
        if (i < NOTE_HEAD_LEGS()) {
            if (i < L) { note.in[4 + i] <== legs[i]; } else { note.in[4 + i] <== 0; }
        } else {
            if (i < L) { tail.in[i - NOTE_HEAD_LEGS()] <== legs[i]; } else { tail.in[i - NOTE_HEAD_LEGS()] <== 0; }
        }
    }
    note.in[15] <== tail.out;
    commitment <== note.out;
}
