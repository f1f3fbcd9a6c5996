pragma circom 2.2.0;

include "circuits/lib/canonicalBits.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/primeOrderPoint.circom";
include "circuits/lib/scalarTimesBase8.circom";
include "circuits/lib/scalarTimesPoint.circom";

// The account's viewing secret rho, its ownerKey and its entity, encrypted to the risk committee: a Diffie-Hellman key agreement on
// Baby Jubjub and a Poseidon stream. Output: x and y of the ephemeral key R, then the three ciphertexts.
//
//   f = low 248 bits of Poseidon(EPHEMERAL, rho, ownerKey), e = 2^249 + 2f + 1
//   R = e·Base8, K = e·(8·committeeKey), ciphertext_i = message_i + Poseidon(OPEN_PAD, K.x, K.y, commitment)_i
//
// Nothing is left to choose: e is a function of the note, never 0, and there is one ciphertext for one note and one key. The
// committee, who knows c with committeeKey = c·Base8, finds K as c·(8·R). Multiplying by 8 keeps a key of low order
// from making K a constant that everybody knows. The commitment in the pad keeps two notes' pads apart even if their rho is the same.
// Inputs: field elements; a committeeKey off the curve or of low order is refused. Cost: 2,827 constraints.
template EscrowToCommittee() {
    signal input rho;
    signal input ownerKey;
    signal input entity;
    signal input commitment;
    signal input committeeKey[2];
    signal output escrow[5];

    signal seed <== Hash(DOMAIN_EPHEMERAL(), 2)([rho, ownerKey]);
    signal bits[254] <== CanonicalBits()(seed);
    signal scalar[248];
    for (var i = 0; i < 248; i++) scalar[i] <== bits[i];

    signal ephemeral[2] <== ScalarTimesBase8()(scalar);
    signal base[2] <== PrimeOrderPoint()(committeeKey);
    signal shared[2] <== ScalarTimesPoint()(scalar, base);

    signal pads[3] <== HashMany(DOMAIN_OPEN_PAD(), 3, 3)([shared[0], shared[1], commitment]);
    escrow <== [ephemeral[0], ephemeral[1], rho + pads[0], ownerKey + pads[1], entity + pads[2]];
}
