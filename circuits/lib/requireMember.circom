pragma circom 2.2.0;

include "circomlib/circuits/comparators.circom";
include "circuits/lib/registryMembership.circom";

// Compliance: when membership is `needed` and the registry is not open (registryRoot 0), the entity is listed under registryRoot and
// its listing has not expired at `epoch`. Otherwise nothing is asked of entity and path.
//
// The gate is a function of `needed`, which the caller determines from the class of the transition, and of the public root, so the prover has no say in it.
// Inputs: needed 0 or 1 (the caller's promise); epoch < 2^32 and expiryEpoch within 2^32 of it, always checked; the others any.
// Cost: 2,185 constraints.
template RequireMember() {
    signal input needed;
    signal input entity;
    signal input expiryEpoch;
    signal input epoch;
    signal input levels[3][16];
    signal input registryRoot;

    signal open <== IsZero()(registryRoot);
    signal enforced <== needed * (1 - open);

    component membership = RegistryMembership();
    membership.enforced <== enforced;
    membership.entity <== entity;
    membership.expiryEpoch <== expiryEpoch;
    membership.epoch <== epoch;
    membership.levels <== levels;

    enforced * (membership.root - registryRoot) === 0;
    enforced * (1 - membership.current) === 0;
}
