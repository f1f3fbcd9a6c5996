// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";

/// @title Proof checks
/// @notice Asks the verifier about items as {Statements} writes them into memory: one after the other, each with circuit, proof and public
/// signals.
abstract contract ProofChecks {
    /// @notice Verifies the proofs.
    IProofVerifier public immutable verifier;

    /// @dev Bytes before the words of a call to `verifyBatch`: selector, offset, length. The first 28 are there for alignment.
    uint256 internal constant BATCH_HEADER = 0x60;

    /// @notice The proof does not show the statement for these public signals on this ledger.
    /// @dev Cure: prove for exactly these signals, terms, chain and ledger, with the key whose hash is `keyHash(circuit)`.
    error ProofRejected(Circuit circuit);

    /// @notice Of the proofs that were not skipped at least one is false; nothing was applied.
    /// @dev Cure: check each proof with the verifier's `verify` before submitting, and leave out the false one.
    error BatchProofRejected();

    constructor(IProofVerifier proofVerifier) {
        verifier = proofVerifier;
    }

    /// @notice Keccak-256 of the verifying key that a circuit's proofs are checked with.
    /// @param circuit Circuit instance.
    function keyHash(Circuit circuit) external view returns (bytes32) {
        return verifier.keyHash(circuit);
    }

    /// @dev Reverts unless the proof of the one item written from `start` to `end` is valid.
    function _requireProof(uint256 start, uint256 end) internal view {
        if (_isProofValid(start, end)) return;
        uint256 circuit;
        assembly ("memory-safe") {
            circuit := mload(start)
        }
        revert ProofRejected(Circuit(circuit));
    }

    /// @dev Reverts unless the proofs of all the items written from `start` to `end` are valid. BATCH_HEADER bytes before `start` are free.
    function _requireProofs(uint256 start, uint256 end, uint256 items) internal view {
        if (!(items == 1 ? _isProofValid(start, end) : _isBatchValid(start, end)))
            revert BatchProofRejected();
    }

    /// @dev Asks the verifier about the one item written from `start` to `end`.
    function _isProofValid(uint256 start, uint256 end) private view returns (bool valid) {
        bytes4 selector = IProofVerifier.verify.selector;
        address target = address(verifier);
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := sub(end, start)
            mstore(data, selector)
            mcopy(add(data, 0x04), start, 0x120) // circuit, proof
            mstore(add(data, 0x124), 0x140) // where the public signals are
            mstore(add(data, 0x144), shr(5, sub(size, 0x120)))
            mcopy(add(data, 0x164), add(start, 0x120), sub(size, 0x120))
            if iszero(staticcall(gas(), target, data, add(size, 0x44), 0x00, 0x20)) {
                returndatacopy(data, 0x00, returndatasize())
                revert(data, returndatasize())
            }
            valid := and(gt(returndatasize(), 0x1f), eq(mload(0x00), 1))
        }
    }

    /// @dev Asks the verifier about all the items written from `start` to `end`. The words are its calldata already, but for the header.
    function _isBatchValid(uint256 start, uint256 end) private view returns (bool valid) {
        uint256 selector = uint32(IProofVerifier.verifyBatch.selector);
        address target = address(verifier);
        assembly ("memory-safe") {
            let size := sub(end, start)
            mstore(sub(start, 0x60), selector)
            mstore(sub(start, 0x40), 0x20)
            mstore(sub(start, 0x20), shr(5, size))
            if iszero(staticcall(gas(), target, sub(start, 0x44), add(size, 0x44), 0x00, 0x20)) {
                let data := mload(0x40)
                returndatacopy(data, 0x00, returndatasize())
                revert(data, returndatasize())
            }
            valid := and(gt(returndatasize(), 0x1f), eq(mload(0x00), 1))
        }
    }
}
