pragma circom 2.2.0;

include "circuits/lib/constants.circom";
include "circuits/lib/hash.circom";

// What spending a note yields: the nullifier, and the rho of the account's next note, as two outputs of one permutation. The leaf index
// is hashed in, so a twin note elsewhere in the tree has another nullifier. Inputs: field elements; leafIndex < 2^28 by the membership
// proof. Cost: 261.
template Spend() {
    signal input ownerKey;
    signal input rho;
    signal input leafIndex;
    signal output nullifier;
    signal output nextRho;

    component spend = HashMany(DOMAIN_SPEND(), 3, 2);
    spend.in <== [ownerKey, rho, leafIndex];
    nullifier <== spend.out[0];
    nextRho <== spend.out[1];
}
