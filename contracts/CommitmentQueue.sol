// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";

/// @title Commitment queue
/// @notice Gives every queued leaf its place in the state tree at once, and writes the bottom nodes in order later.
/// @dev Node k of the tree holds queue positions 16k to 16k+15. One keccak chain per node binds its leaves: the leaves themselves are in
/// events and come back in calldata with the insertion proof, so that the contract hashes no Poseidon. A node closes when it is full
/// or sealed; a sealed node's remaining places stay empty for ever.
abstract contract CommitmentQueue {
    /// @dev Root of the empty tree: 2^24 bottom nodes of sixteen zeros under eight levels of arity 8.
    uint256 internal constant EMPTY_STATE_ROOT =
        997516296205998554641262597139231950357627584916824974047602323925526389074;
    uint256 private constant NODE_LEAVES = 16;
    uint256 private constant CAPACITY = 2 ** 28;

    /// @notice Seconds after its first leaf when anybody may seal a partial node.
    uint256 public constant SEAL_DELAY = 30;

    /// @dev One slot. `tail` is the next queue position, `openedAt` the time of the open node's first leaf, `inserted` the number of
    /// nodes written.
    struct Progress {
        uint64 tail;
        uint64 openedAt;
        uint64 inserted;
    }

    Progress private _progress;

    /// @notice Current root of the state tree.
    uint256 public stateRoot = EMPTY_STATE_ROOT;

    /// @notice Whether a root is or ever was the root of the state tree.
    mapping(uint256 root => bool) public isKnownRoot;

    /// @notice Keccak chain over a node's queued leaves, from 0; 0 again once the node is written.
    mapping(uint256 nodeIndex => bytes32) public accumulatorOf;

    /// @notice A leaf took its place in the queue, hence in the tree.
    event Queued(uint256 indexed leafIndex, uint256 leaf);

    /// @notice A partial node was closed; its remaining places stay empty.
    event Sealed(uint256 indexed nodeIndex);

    /// @notice A node was written into the tree, whose root is now `root`.
    event Inserted(uint256 indexed nodeIndex, uint256 root);

    /// @notice A leaf is 0 or not a field element.
    /// @dev Cure: queue a commitment computed by the protocol; 0 marks an empty place and is never one.
    error InvalidLeaf(uint256 leaf);

    /// @notice All 2^28 places are taken.
    /// @dev Cure: none on this ledger; withdraw to a new one.
    error TreeFull();

    /// @notice The open node has no leaf, so that there is nothing to seal.
    /// @dev Cure: insert the closed nodes; wait for the next commitment.
    error NothingToSeal();

    /// @notice The open node is too young to be sealed.
    /// @dev Cure: wait until `sealableAt`, or until sixteen leaves fill the node.
    error SealTooEarly(uint256 sealableAt);

    /// @notice The node is not the next one to write.
    /// @dev Cure: insert node `expected` first; if it is smaller than yours somebody was faster, take the next node.
    error NodeOutOfOrder(uint256 expected, uint256 given);

    /// @notice The node still accepts leaves.
    /// @dev Cure: wait until it is full, or seal it.
    error NodeStillOpen(uint256 nodeIndex);

    /// @notice The given leaves are not those queued for the node, in their order with zeros after the last.
    /// @dev Cure: take the leaves from the node's Queued events.
    error LeavesMismatch(uint256 nodeIndex);

    /// @notice The new root is 0 or not a field element.
    /// @dev Cure: give the root that the insertion proof proves.
    error InvalidRoot(uint256 root);

    constructor() {
        isKnownRoot[EMPTY_STATE_ROOT] = true;
    }

    /// @notice State of the queue.
    /// @return tail Next queue position: the leaf index that the next commitment gets.
    /// @return openedAt Time of the open node's first leaf; meaningful while `tail` is not a multiple of 16.
    /// @return inserted Nodes written: also the index of the next node to write.
    function queue() external view returns (uint256 tail, uint256 openedAt, uint256 inserted) {
        Progress memory progress = _progress;
        return (progress.tail, progress.openedAt, progress.inserted);
    }

    /// @notice Closes the open node once its first leaf is SEAL_DELAY old; the next leaf starts the next node. Anybody may call.
    function seal() external {
        Progress memory progress = _progress;
        if (progress.tail % NODE_LEAVES == 0) revert NothingToSeal();
        uint256 sealableAt = progress.openedAt + SEAL_DELAY;
        if (block.timestamp < sealableAt) revert SealTooEarly(sealableAt);
        uint256 nodeIndex = progress.tail / NODE_LEAVES;
        _progress.tail = uint64((nodeIndex + 1) * NODE_LEAVES);
        emit Sealed(nodeIndex);
    }

    /// @dev Queues a leaf and returns its place in the tree.
    function _enqueue(uint256 leaf) internal returns (uint256 leafIndex) {
        if (leaf == 0 || leaf >= FIELD_ORDER) revert InvalidLeaf(leaf);
        Progress memory progress = _progress;
        leafIndex = progress.tail;
        if (leafIndex >= CAPACITY) revert TreeFull();
        uint256 nodeIndex = leafIndex / NODE_LEAVES;
        if (leafIndex % NODE_LEAVES == 0) progress.openedAt = uint64(block.timestamp);
        progress.tail = uint64(leafIndex + 1);
        _progress = progress;
        accumulatorOf[nodeIndex] = _chain(accumulatorOf[nodeIndex], leaf);
        emit Queued(leafIndex, leaf);
    }

    /// @dev Reverts unless `nodeIndex` is the next node to write, closed, and `leaves` are its leaves followed by zeros. Leaves are
    /// never 0, so the chain over those before the first zero tells their number too.
    function _requireNode(uint256 nodeIndex, uint256[16] calldata leaves) internal view {
        Progress memory progress = _progress;
        if (nodeIndex != progress.inserted) revert NodeOutOfOrder(progress.inserted, nodeIndex);
        if (nodeIndex >= progress.tail / NODE_LEAVES) revert NodeStillOpen(nodeIndex);
        bytes32 accumulator;
        uint256 count;
        while (count < NODE_LEAVES && leaves[count] != 0) {
            accumulator = _chain(accumulator, leaves[count]);
            ++count;
        }
        if (accumulator != accumulatorOf[nodeIndex]) revert LeavesMismatch(nodeIndex);
        for (; count < NODE_LEAVES; ++count) {
            if (leaves[count] != 0) revert LeavesMismatch(nodeIndex);
        }
    }

    /// @dev Records that a node was written; the caller has checked the node and the insertion proof.
    function _recordRoot(uint256 nodeIndex, uint256 newRoot) internal {
        if (newRoot == 0 || newRoot >= FIELD_ORDER) revert InvalidRoot(newRoot);
        _progress.inserted = uint64(nodeIndex + 1);
        delete accumulatorOf[nodeIndex];
        stateRoot = newRoot;
        isKnownRoot[newRoot] = true;
        emit Inserted(nodeIndex, newRoot);
    }

    function _chain(bytes32 accumulator, uint256 leaf) private pure returns (bytes32 next) {
        assembly ("memory-safe") {
            mstore(0x00, accumulator)
            mstore(0x20, leaf)
            next := keccak256(0x00, 0x40)
        }
    }
}
