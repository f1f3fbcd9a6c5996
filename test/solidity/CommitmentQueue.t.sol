// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { CommitmentQueue } from "../../contracts/CommitmentQueue.sol";
import { FIELD_ORDER } from "../../contracts/Field.sol";
import { cheats } from "./Cheats.sol";

/// @dev The queue without proofs.
contract OpenQueue is CommitmentQueue {
    /// @dev Queues leaves in one call, as a batch does.
    function enqueue(uint256[] memory leaves) public returns (uint256 firstIndex) {
        Cursor memory cursor = _openQueue();
        firstIndex = cursor.tail;
        for (uint256 i; i < leaves.length; ++i) {
            bytes memory refusal = _refusalOfLeaves(cursor, leaves[i], leaves[i]);
            if (refusal.length != 0) {
                assembly ("memory-safe") {
                    revert(add(refusal, 0x20), mload(refusal))
                }
            }
            require(_append(cursor, leaves[i]) == firstIndex + i, "place");
        }
        _closeQueue(cursor);
    }

    function enqueue(uint256 leaf) external returns (uint256) {
        uint256[] memory leaves = new uint256[](1);
        leaves[0] = leaf;
        return enqueue(leaves);
    }

    function insert(uint256 nodeIndex, uint256[16] calldata leaves, uint256 newRoot) external {
        _requireNode(nodeIndex, leaves);
        _requireRoot(newRoot);
        _recordRoot(nodeIndex, newRoot);
    }
}

/// @notice The queue against a plain model: an array of nodes of sixteen leaves.
contract CommitmentQueueTest {
    OpenQueue private queue;
    uint256[16][] private model;
    uint256 private count;
    uint256 private inserted;

    function setUp() public {
        queue = new OpenQueue();
        model.push();
    }

    /// @dev Forty random steps: queue up to forty leaves at once, seal, insert the true leaves, try to insert altered ones.
    function testFuzzAgreesWithThePlainModel(uint256 seed) public {
        uint256 time = block.timestamp;
        for (uint256 step; step < 40; ++step) {
            uint256 random = uint256(keccak256(abi.encode(seed, step)));
            uint256 action = random % 16;
            if (action < 12) {
                uint256[] memory leaves = new uint256[](action < 8 ? 1 : (random >> 8) % 40);
                uint256 place = 16 * (model.length - 1) + count;
                for (uint256 i; i < leaves.length; ++i) {
                    leaves[i] = (uint256(keccak256(abi.encode(random, i))) % (FIELD_ORDER - 1)) + 1;
                    model[model.length - 1][count++] = leaves[i];
                    if (count == 16) startNode();
                }
                require(queue.enqueue(leaves) == place, "place");
            } else if (action == 12) {
                time += random % 60;
                cheats.warp(time);
                trySeal();
            } else if (inserted < model.length - 1) {
                refuseAltered(random);
                queue.insert(
                    inserted,
                    model[inserted],
                    uint256(keccak256(abi.encode(inserted))) % FIELD_ORDER
                );
                inserted++;
            }
            (uint256 tail, , uint256 written) = queue.queue();
            require(tail == 16 * (model.length - 1) + count && written == inserted, "progress");
        }
    }

    /// @dev Leaves in another order, of another number, or altered are refused.
    function refuseAltered(uint256 random) private {
        uint256[16] memory leaves = model[inserted];
        uint256 place = (random >> 8) % 16;
        uint256 choice = (random >> 16) % 3;
        if (choice == 0) leaves[place] ^= 1;
        else if (choice == 1) leaves[place] = leaves[place] == 0 ? 1 : 0;
        else {
            uint256 other = (random >> 24) % 16;
            if (leaves[place] == leaves[other]) return;
            (leaves[place], leaves[other]) = (leaves[other], leaves[place]);
        }
        try queue.insert(inserted, leaves, 1) {
            revert("altered leaves accepted");
        } catch (bytes memory reason) {
            require(
                keccak256(reason) ==
                    keccak256(abi.encodeWithSelector(CommitmentQueue.LeavesMismatch.selector, inserted)),
                "reason"
            );
        }
    }

    function trySeal() private {
        (, uint256 openedAt, ) = queue.queue();
        bool due = count != 0 && block.timestamp >= openedAt + 30;
        try queue.seal() {
            require(due, "sealed early");
            startNode();
        } catch {
            require(!due, "not sealed");
        }
    }

    function startNode() private {
        model.push();
        count = 0;
    }

    function testFuzzRefusesLeavesOutsideTheField(uint256 leaf) public {
        cheats.assume(leaf >= FIELD_ORDER);
        cheats.expectRevert(abi.encodeWithSelector(CommitmentQueue.InvalidLeaf.selector, leaf));
        queue.enqueue(leaf);
    }

    function testRefusesTheZeroLeaf() public {
        cheats.expectRevert(abi.encodeWithSelector(CommitmentQueue.InvalidLeaf.selector, 0));
        queue.enqueue(0);
    }
}
