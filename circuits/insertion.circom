pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";
include "circuits/lib/constants.circom";
include "circuits/lib/demultiplex.circom";
include "circuits/lib/membership.circom";
include "circuits/lib/wordsDigest.circom";

// Insertion: `newRoot` is the state tree of `oldRoot` after its empty bottom node `nodeIndex` has been given 16 leaves, and nothing else.
//
// Anybody may prove it. The ledger supplies oldRoot and nodeIndex, takes newRoot from the submitter, and gives the leaves of its queue as
// one digest: value is what the polynomial of the leaves is at a point hashed from both roots, the index and the leaves. newRoot fixes
// this circuit's leaves before the point is known, so they are the queue's. (Sixteen public signals would cost the chain a
// scalar multiplication each.) Inputs: nodeIndex < 2^24, checked; the others any field elements. Cost: 7,193 constraints.
template Insertion() {
    signal input oldRoot;
    signal input newRoot;
    signal input nodeIndex;
    signal input point;
    signal input value;
    // Private: the sixteen leaves, unused places 0.
    signal input leaves[16];
    // The eight children of each node on the path before the insertion, the lowest first.
    signal input levels[8][8];

    // One representation of the index, below the number of bottom nodes.
    signal bits[24] <== Num2Bits(24)(nodeIndex);

    // Before: a bottom node of sixteen zeros, a constant (its hash is folded away by the compiler), so a written node is never overwritten.
    // After: the leaves.
    signal before[9];
    signal after[9];
    var zeros[16];
    for (var i = 0; i < 16; i++) zeros[i] = 0;
    before[0] <== Hash(DOMAIN_STATE_LEAVES(), 16)(zeros);
    after[0] <== Hash(DOMAIN_STATE_LEAVES(), 16)(leaves);

    // Each level: the node before stands at its place among the children, and the children after differ from them there and nowhere
    // else, because only the difference is added at that place. So both roots have the same siblings.
    signal position[8][3];
    signal difference[8][8];
    signal renewed[8][8];
    for (var level = 0; level < 8; level++) {
        position[level] <== [bits[3 * level], bits[3 * level + 1], bits[3 * level + 2]];
        before[level + 1] <== NodeAt(DOMAIN_STATE_NODE(), 3)(before[level], position[level], levels[level]);

        difference[level] <== Demultiplex(3)(after[level] - before[level], position[level]);
        for (var i = 0; i < 8; i++) {
            renewed[level][i] <== levels[level][i] + difference[level][i];
        }
        after[level + 1] <== Hash(DOMAIN_STATE_NODE(), 8)(renewed[level]);
    }

    before[8] === oldRoot;
    after[8] === newRoot;

    // The leaves are those of the queue.
    component digest = WordsDigest(16);
    digest.word <== leaves;
    digest.point <== point;
    digest.digest === value;
}
