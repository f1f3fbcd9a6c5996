// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";

/// @dev What a proof binds besides its statement. `payer` funds a deposit, `recipient` receives a withdrawal, `relayer` alone may submit
/// and earns the fee (0: anybody may, and earns it), and nothing is accepted after `deadline` (Unix seconds).
struct Terms {
    address payer;
    address recipient;
    address relayer;
    uint64 deadline;
}

/// @dev Public signals of `open` that the submitter gives; the ledger adds the committee key and the context.
struct OpenSignals {
    uint256 stateRoot;
    uint256 registryRoot;
    uint256 epoch;
    uint256 commitment;
    uint256 accountTag;
    uint256[5] escrow;
}

/// @dev Public signals of `transition` that the submitter gives; the ledger adds the context. `deposit` and `withdrawal` are in the
/// asset's unit of account (micro-USDC for asset 0, lots otherwise), `fee` is in micro-USDC.
struct TransitionSignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 registryRoot;
    uint256 nullifier;
    uint256 commitment;
    uint256 mode;
    uint256 asset;
    uint256 deposit;
    uint256 withdrawal;
    uint256 fee;
    uint256 tradeTag;
    uint256 side;
    uint256[2] escrow;
}

/// @dev Sizes of the transition circuit: how many legs and underlyings an account may use.
enum Tier {
    Small,
    Large
}

/// @dev A proven transition as it is submitted. `payerSignature` may be empty when the payer sends it or nothing is deposited.
struct Transition {
    Tier tier;
    uint256[8] proof;
    TransitionSignals signals;
    Terms terms;
    bytes payerSignature;
}

/// @dev A proven opening as it is submitted in a batch.
struct Opening {
    uint256[8] proof;
    OpenSignals signals;
    Terms terms;
}

/// @dev Public signals of `liquidation` that the submitter gives; the ledger adds the restoration and the context. `rate` is Q16;
/// `deficit` and `reward`, which the insurance fund pays, and `fee` are in micro-USDC; `cured` is 0 or 1.
struct TakeOverSignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 registryRoot;
    uint256 targetNullifier;
    uint256 targetLeafIndex;
    uint256 targetCommitment;
    uint256 keeperNullifier;
    uint256 keeperCommitment;
    uint256 rate;
    uint256 deficit;
    uint256 reward;
    uint256 cured;
    uint256 fee;
    uint256[4] targetEscrow;
    uint256[6] keeperEscrow;
}

/// @dev A proven take-over as it is submitted; payer and recipient are 0 in its terms.
struct TakeOver {
    Tier tier;
    uint256[8] proof;
    TakeOverSignals signals;
    Terms terms;
}

/// @title Public signals
/// @notice Assembles each statement's public signals in the order of the circuits' manifest.
library Statements {
    /// @dev Words of the structs that lead the public signals, in the order of the circuit.
    uint256 private constant OPEN_WORDS = 10;
    uint256 private constant TRANSITION_WORDS = 14;

    /// @notice The field element that binds a proof to this chain, this ledger and its terms.
    /// @dev Called by the ledger, whose address it takes.
    function context(Terms calldata terms) internal view returns (uint256) {
        bytes32 digest = keccak256(
            abi.encode(
                block.chainid,
                address(this),
                terms.payer,
                terms.recipient,
                terms.relayer,
                terms.deadline
            )
        );
        return uint256(digest) % FIELD_ORDER;
    }

    /// @notice Public signals of `open`: the ten given, the committee key's coordinates, the context.
    function openInputs(
        OpenSignals calldata signals,
        uint256 committeeKeyX,
        uint256 committeeKeyY,
        Terms calldata terms
    ) internal view returns (uint256[] memory inputs) {
        inputs = new uint256[](OPEN_WORDS + 3);
        assembly ("memory-safe") {
            calldatacopy(add(inputs, 0x20), signals, mul(OPEN_WORDS, 0x20))
        }
        inputs[OPEN_WORDS] = committeeKeyX;
        inputs[OPEN_WORDS + 1] = committeeKeyY;
        inputs[OPEN_WORDS + 2] = context(terms);
    }

    /// @notice Public signals of `transition`: the fourteen given, the context.
    function transitionInputs(
        TransitionSignals calldata signals,
        Terms calldata terms
    ) internal view returns (uint256[] memory inputs) {
        inputs = new uint256[](TRANSITION_WORDS + 1);
        assembly ("memory-safe") {
            calldatacopy(add(inputs, 0x20), signals, mul(TRANSITION_WORDS, 0x20))
        }
        inputs[TRANSITION_WORDS] = context(terms);
    }

    /// @notice Public signals of `insertion`: old root, new root, node index, sixteen leaves.
    function insertionInputs(
        uint256 oldRoot,
        uint256 newRoot,
        uint256 nodeIndex,
        uint256[16] calldata leaves
    ) internal pure returns (uint256[] memory inputs) {
        inputs = new uint256[](19);
        inputs[0] = oldRoot;
        inputs[1] = newRoot;
        inputs[2] = nodeIndex;
        assembly ("memory-safe") {
            calldatacopy(add(inputs, 0x80), leaves, 0x200)
        }
    }
}
