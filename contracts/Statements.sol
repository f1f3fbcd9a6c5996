// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";
import { Circuit } from "./interfaces/IProofVerifier.sol";

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
/// @notice Assembles each statement as the verifier takes it, in the order of the circuits' manifest: circuit, eight words of the proof, public
/// signals. The words are written into memory that the caller has allocated, one item after the other.
library Statements {
    /// @notice Words of an item: circuit, proof, public signals.
    uint256 internal constant OPEN_WORDS = 22;
    uint256 internal constant TRANSITION_WORDS = 24;
    uint256 internal constant TAKE_OVER_WORDS = 34;

    /// @dev Bytes before an item's public signals: circuit and proof.
    uint256 private constant SIGNALS_OFFSET = 0x120;

    /// @notice The field element that binds a proof to this chain, this ledger and its terms.
    /// @dev Called by the ledger, whose address it takes: Keccak-256 of chain id, ledger, payer, recipient, relayer and deadline, modulo r.
    function context(Terms calldata terms) internal view returns (uint256 element) {
        uint256 order = FIELD_ORDER;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 0x20), address())
            calldatacopy(add(start, 0x40), terms, 0x80)
            element := mod(keccak256(start, 0xc0), order)
        }
    }

    /// @notice Writes an opening: the ten signals given, the committee key's coordinates, the context.
    /// @return end Where the words end.
    function writeOpening(
        uint256 at,
        uint256[8] calldata proof,
        OpenSignals calldata signals,
        Terms calldata terms,
        uint256 committeeKeyX,
        uint256 committeeKeyY
    ) internal view returns (uint256 end) {
        uint256 circuit = uint256(Circuit.Open);
        uint256 bound = context(terms);
        assembly ("memory-safe") {
            mstore(at, circuit)
            calldatacopy(add(at, 0x20), proof, 0x100)
            calldatacopy(add(at, 0x120), signals, 0x140)
            mstore(add(at, 0x260), committeeKeyX)
            mstore(add(at, 0x280), committeeKeyY)
            mstore(add(at, 0x2a0), bound)
            end := add(at, 0x2c0)
        }
    }

    /// @notice Writes a transition: the fourteen signals given, the context.
    /// @return end Where the words end.
    function writeTransition(uint256 at, Transition calldata transition) internal view returns (uint256 end) {
        uint256 circuit = uint256(
            transition.tier == Tier.Small ? Circuit.TransitionSmall : Circuit.TransitionLarge
        );
        uint256[8] calldata proof = transition.proof;
        TransitionSignals calldata signals = transition.signals;
        uint256 bound = context(transition.terms);
        assembly ("memory-safe") {
            mstore(at, circuit)
            calldatacopy(add(at, 0x20), proof, 0x100)
            calldatacopy(add(at, 0x120), signals, 0x1c0)
            mstore(add(at, 0x2e0), bound)
            end := add(at, 0x300)
        }
    }

    /// @notice Writes a take-over: nine of the signals given, the restoration, the other fourteen, the context.
    /// @return end Where the words end.
    function writeTakeOver(
        uint256 at,
        TakeOver calldata takeOver,
        uint256 restoration
    ) internal view returns (uint256 end) {
        uint256 circuit = uint256(
            takeOver.tier == Tier.Small ? Circuit.LiquidationSmall : Circuit.LiquidationLarge
        );
        uint256[8] calldata proof = takeOver.proof;
        TakeOverSignals calldata signals = takeOver.signals;
        uint256 bound = context(takeOver.terms);
        assembly ("memory-safe") {
            mstore(at, circuit)
            calldatacopy(add(at, 0x20), proof, 0x100)
            calldatacopy(add(at, 0x120), signals, 0x120)
            mstore(add(at, 0x240), restoration)
            calldatacopy(add(at, 0x260), add(signals, 0x120), 0x1c0)
            mstore(add(at, 0x420), bound)
            end := add(at, 0x440)
        }
    }

    /// @notice Whether all public signals of the transition written at `at` are field elements. Cheaper than {firstOutsideField}, and may say no
    /// for signals of 2^128 and more that stand for modes, assets, amounts and sides.
    function isTransitionInField(uint256 at) internal pure returns (bool inField) {
        uint256 order = FIELD_ORDER;
        assembly ("memory-safe") {
            let first := add(at, SIGNALS_OFFSET)
            // Mode, asset, deposit, withdrawal, fee, side: their union is at least each of them.
            let union := or(mload(add(first, 0xa0)), mload(add(first, 0xc0)))
            union := or(union, or(mload(add(first, 0xe0)), mload(add(first, 0x100))))
            union := or(union, or(mload(add(first, 0x120)), mload(add(first, 0x160))))
            inField := iszero(shr(128, union))
            // Roots, nullifier, commitment, trade tag, escrow; the context is reduced.
            inField := and(inField, lt(mload(first), order))
            inField := and(inField, lt(mload(add(first, 0x20)), order))
            inField := and(inField, lt(mload(add(first, 0x40)), order))
            inField := and(inField, lt(mload(add(first, 0x60)), order))
            inField := and(inField, lt(mload(add(first, 0x80)), order))
            inField := and(inField, lt(mload(add(first, 0x140)), order))
            inField := and(inField, lt(mload(add(first, 0x180)), order))
            inField := and(inField, lt(mload(add(first, 0x1a0)), order))
        }
    }

    /// @notice The first public signal, of the item written from `at` to `end`, that is not a field element.
    /// @return index Counts the statement's public signals from 0; their number if all are field elements.
    /// @return value The signal; 0 if all are field elements.
    /// @return outside Whether there is one.
    function firstOutsideField(
        uint256 at,
        uint256 end
    ) internal pure returns (uint256 index, uint256 value, bool outside) {
        uint256 order = FIELD_ORDER;
        assembly ("memory-safe") {
            let first := add(at, SIGNALS_OFFSET)
            let position := first
            for {} lt(position, end) {
                position := add(position, 0x20)
            } {
                if iszero(lt(mload(position), order)) {
                    value := mload(position)
                    outside := 1
                    break
                }
            }
            index := shr(5, sub(position, first))
        }
    }

    /// @notice Public signals of `insertion`: old root, new root, node index, a point and the value there of the polynomial whose coefficients
    /// are the leaves.
    /// @dev The point is a hash of all the rest: the new root, which fixes the circuit's leaves, is chosen before it, so equal values mean
    /// equal leaves. Five public signals instead of nineteen.
    function insertionInputs(
        uint256 oldRoot,
        uint256 newRoot,
        uint256 nodeIndex,
        uint256[16] calldata leaves
    ) internal pure returns (uint256[] memory inputs) {
        uint256 point = uint256(keccak256(abi.encode(oldRoot, newRoot, nodeIndex, leaves))) % FIELD_ORDER;
        uint256 value;
        uint256 order = FIELD_ORDER;
        assembly ("memory-safe") {
            for {
                let offset := 0x200
            } offset {} {
                offset := sub(offset, 0x20)
                value := mulmod(addmod(value, calldataload(add(leaves, offset)), order), point, order)
            }
        }
        inputs = new uint256[](5);
        inputs[0] = oldRoot;
        inputs[1] = newRoot;
        inputs[2] = nodeIndex;
        inputs[3] = point;
        inputs[4] = value;
    }
}
