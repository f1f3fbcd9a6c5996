// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { FIELD_ORDER } from "./Field.sol";
import { Refusal } from "./Refusal.sol";

/// @title Commitment queue
/// @notice Gives every queued leaf its place in the state tree at once, and writes the bottom nodes in order later.
/// @dev Node k of the tree holds queue positions 16k to 16k+15. One keccak chain per node binds its leaves: the leaves themselves are in
/// the events of what queued them and come back in calldata with the insertion proof, so that the contract hashes no Poseidon. A node
/// closes when it is full or sealed; a sealed node's remaining places stay empty for ever.
abstract contract CommitmentQueue is ReentrancyGuardTransient {
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

    /// @dev The queue's end in memory, where a call appends to it: `start` is the tail that it began with, `accumulator` the open node's.
    struct Cursor {
        uint256 start;
        uint256 tail;
        uint256 openedAt;
        uint256 inserted;
        bytes32 accumulator;
    }

    Progress private _progress;

    /// @notice Current root of the state tree.
    uint256 public stateRoot = EMPTY_STATE_ROOT;

    /// @notice Whether a root is or ever was the root of the state tree.
    mapping(uint256 root => bool) public isKnownRoot;

    /// @notice Keccak chain over a node's queued leaves, from 0; 0 again once the node is written.
    mapping(uint256 nodeIndex => bytes32) public accumulatorOf;

    /// @notice A partial node was closed; its remaining places stay empty.
    event Sealed(uint256 indexed nodeIndex);

    /// @notice A node was written into the tree, whose root is now `root`.
    event Inserted(uint256 indexed nodeIndex, uint256 root);

    /// @notice A leaf is 0 or not a field element.
    /// @dev Cure: queue a commitment computed by the protocol; 0 marks an empty place and is never one.
    error InvalidLeaf(uint256 leaf);

    /// @notice Fewer than two of the 2^28 places are free.
    /// @dev Cure: none, withdrawals need a place too; leave for another ledger while there are some.
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
    /// @dev Cure: take the leaves, in their order, from the events of the openings, transitions and take-overs that queued them.
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
    function seal() external nonReentrant {
        Progress memory progress = _progress;
        if (progress.tail % NODE_LEAVES == 0) revert NothingToSeal();
        uint256 sealableAt = progress.openedAt + SEAL_DELAY;
        if (block.timestamp < sealableAt) revert SealTooEarly(sealableAt);
        uint256 nodeIndex = progress.tail / NODE_LEAVES;
        _progress.tail = uint64((nodeIndex + 1) * NODE_LEAVES);
        emit Sealed(nodeIndex);
    }

    /// @dev Takes the queue's end into memory. Until {_closeQueue} puts it back nothing else may move it.
    function _openQueue() internal view returns (Cursor memory cursor) {
        Progress memory progress = _progress;
        cursor.start = cursor.tail = progress.tail;
        cursor.openedAt = progress.openedAt;
        cursor.inserted = progress.inserted;
        if (cursor.tail % NODE_LEAVES != 0) cursor.accumulator = accumulatorOf[cursor.tail / NODE_LEAVES];
    }

    /// @dev Why two leaves may not be queued next; empty if they may. For a single leaf give it twice.
    function _refusalOfLeaves(
        Cursor memory cursor,
        uint256 first,
        uint256 second
    ) internal pure returns (bytes memory refusal) {
        if (_isInvalid(first)) return Refusal.by(InvalidLeaf.selector, first);
        if (_isInvalid(second)) return Refusal.by(InvalidLeaf.selector, second);
        // A transition or a trade, an opening or a take-over queues at most two leaves: the tree's last place may stay empty.
        if (cursor.tail > CAPACITY - 2) refusal = Refusal.by(TreeFull.selector);
    }

    /// @dev Queues an admitted leaf and returns its place in the tree.
    function _append(Cursor memory cursor, uint256 leaf) internal returns (uint256 leafIndex) {
        leafIndex = cursor.tail;
        unchecked {
            if (leafIndex % NODE_LEAVES == 0) {
                // The node before is full; if this call filled it, its chain is still in memory only.
                if (leafIndex != cursor.start)
                    accumulatorOf[leafIndex / NODE_LEAVES - 1] = cursor.accumulator;
                cursor.accumulator = 0;
                cursor.openedAt = block.timestamp;
            }
            cursor.tail = leafIndex + 1;
        }
        cursor.accumulator = _chain(cursor.accumulator, leaf);
    }

    /// @dev Stores the queue's end.
    function _closeQueue(Cursor memory cursor) internal {
        if (cursor.tail == cursor.start) return;
        accumulatorOf[(cursor.tail - 1) / NODE_LEAVES] = cursor.accumulator;
        _progress = Progress(uint64(cursor.tail), uint64(cursor.openedAt), uint64(cursor.inserted));
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

    /// @dev Reverts unless a root can be one.
    function _requireRoot(uint256 newRoot) internal pure {
        if (_isInvalid(newRoot)) revert InvalidRoot(newRoot);
    }

    /// @dev Records that a node was written; the caller has checked the node, the root and the insertion proof.
    function _recordRoot(uint256 nodeIndex, uint256 newRoot) internal {
        _progress.inserted = uint64(nodeIndex + 1);
        delete accumulatorOf[nodeIndex];
        stateRoot = newRoot;
        isKnownRoot[newRoot] = true;
        emit Inserted(nodeIndex, newRoot);
    }

    function _isInvalid(uint256 leaf) private pure returns (bool) {
        return leaf == 0 || leaf >= FIELD_ORDER;
    }

    function _chain(bytes32 accumulator, uint256 leaf) private pure returns (bytes32 next) {
        assembly ("memory-safe") {
            mstore(0x00, accumulator)
            mstore(0x20, leaf)
            next := keccak256(0x00, 0x40)
        }
    }
}
