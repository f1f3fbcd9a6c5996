pragma circom 2.2.0;

include "circuits/lib/accountNumber.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/escrowToCommittee.circom";
include "circuits/lib/hash.circom";
include "circuits/lib/note.circom";
include "circuits/lib/requireMember.circom";

// Open: `commitment` is an empty account of somebody who knows both secrets behind it, numbered, a member, and readable by the
// risk committee. An account starts empty so that a note with a chosen rho and chosen contents can never appear beside a real one.
//
// Inputs: epoch < 2^32 and 1 <= number <= 2^32, checked; expiryEpoch within 2^32 of epoch, checked; the others any field elements.
// Cost: 10,428 constraints.
template Open() {
    // Public, in this order.
    signal input stateRoot;
    signal input registryRoot;
    signal input epoch;
    signal input commitment;
    signal input accountTag;
    signal input escrow[5];
    signal input committeeKey[2];
    signal input context;

    // Private. previousLeaves and previousLevels place the tag of account number − 1; registryLevels places the entity.
    signal input spendSecret;
    signal input entitySecret;
    signal input rho;
    signal input number;
    signal input previousLeaves[16];
    signal input previousLevels[8][8];
    signal input expiryEpoch;
    signal input registryLevels[3][16];

    // Both keys are computed from their secrets, so whoever opens the account can spend from it and speaks for the entity.
    signal ownerKey <== Hash(DOMAIN_OWNER(), 1)([spendSecret]);
    signal entity <== Hash(DOMAIN_ENTITY(), 1)([entitySecret]);

    // Empty: cash and every leg are the constant 0.
    signal empty <== NoteCommitment(1)(ownerKey, entity, rho, 0, [0]);
    empty === commitment;

    signal tag <== AccountNumber()(entitySecret, number, stateRoot, previousLeaves, previousLevels);
    tag === accountTag;

    // Opening always asks for membership, unless the registry is open.
    RequireMember()(1, entity, expiryEpoch, epoch, registryLevels, registryRoot);

    signal words[5] <== EscrowToCommittee()(rho, ownerKey, entity, commitment, committeeKey);
    words === escrow;

    // The context names chain, ledger, relayer and deadline. Nothing else uses it; a product of its own keeps it in the statement.
    signal bound <== context * context;
}
