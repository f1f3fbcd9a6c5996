// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { BatchVerification } from "./BatchVerification.sol";
import { BASE_FIELD_ORDER, FIELD_ORDER } from "./Field.sol";
import { LocalChain } from "./LocalChain.sol";
import { PublicSignals } from "./PublicSignals.sol";
import { VerifyingKeyChecks } from "./VerifyingKeyChecks.sol";
import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";

/// @title Groth16 verifier
/// @notice Verifies proofs of all circuits, singly and in batches, over BN254. Each verifying key is the code of a data contract: a STOP byte, then 32-byte words
/// alpha (2), beta (4), gamma (4), delta (4), IC (2 for the constant and for each public signal), points of G2 in the order of EIP-197.
contract Groth16Verifier is BatchVerification {
    /// @dev Keys as code: reading one costs an account access instead of fifty storage slots.
    address private immutable _openKey;
    address private immutable _transitionSmallKey;
    address private immutable _transitionLargeKey;
    address private immutable _solvencySmallKey;
    address private immutable _solvencyLargeKey;
    address private immutable _insolvencySmallKey;
    address private immutable _insolvencyLargeKey;
    address private immutable _liquidationSmallKey;
    address private immutable _liquidationLargeKey;
    address private immutable _insertionKey;

    /// @notice A development key, whose toxic waste is public, on a chain that is not local: anybody could forge proofs.
    /// @dev Cure: run the ceremony and deploy production keys.
    error DevelopmentKeyOnPublicChain(uint256 chainId);

    /// @param keys Data contracts of the keys in the order of {Circuit}. Refused: a key of another number of public signals than its
    /// circuit's, invalid points, keys without a common alpha, beta and gamma, an unsafe delta, development keys on a public chain.
    constructor(address[10] memory keys) {
        for (uint256 i; i < 10; ++i) {
            VerifyingKeyChecks.requireKey(keys[i], inputCount(Circuit(i)));
            for (uint256 j; j < i; ++j) VerifyingKeyChecks.requireCompatible(keys[j], keys[i]);
        }
        if (VerifyingKeyChecks.isDevelopmentKey(keys[0]) && !LocalChain.here()) {
            revert DevelopmentKeyOnPublicChain(block.chainid);
        }
        _openKey = keys[uint256(Circuit.Open)];
        _transitionSmallKey = keys[uint256(Circuit.TransitionSmall)];
        _transitionLargeKey = keys[uint256(Circuit.TransitionLarge)];
        _solvencySmallKey = keys[uint256(Circuit.SolvencySmall)];
        _solvencyLargeKey = keys[uint256(Circuit.SolvencyLarge)];
        _insolvencySmallKey = keys[uint256(Circuit.InsolvencySmall)];
        _insolvencyLargeKey = keys[uint256(Circuit.InsolvencyLarge)];
        _liquidationSmallKey = keys[uint256(Circuit.LiquidationSmall)];
        _liquidationLargeKey = keys[uint256(Circuit.LiquidationLarge)];
        _insertionKey = keys[uint256(Circuit.Insertion)];
    }

    /// @inheritdoc IProofVerifier
    function verify(
        Circuit circuit,
        uint256[8] calldata proof,
        uint256[] calldata inputs
    ) external view returns (bool) {
        uint256 expected = inputCount(circuit);
        if (inputs.length != expected) revert InputCountMismatch(circuit, expected, inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            if (inputs[i] >= FIELD_ORDER) revert InputNotInField(i, inputs[i]);
        }
        // The pairing precompile refuses coordinates >= q and points off the curve or off the subgroup; a.y is negated here.
        uint256 negatedY = proof[1];
        if (negatedY >= BASE_FIELD_ORDER) return false;
        if (negatedY != 0) negatedY = BASE_FIELD_ORDER - negatedY;
        return _isValid(keyAddress(circuit), proof, negatedY, inputs);
    }

    /// @inheritdoc IProofVerifier
    function keyHash(Circuit circuit) external view returns (bytes32) {
        return VerifyingKeyChecks.hashOf(keyAddress(circuit));
    }

    /// @notice Data contract of a circuit's verifying key.
    /// @param circuit Circuit instance.
    function keyAddress(Circuit circuit) public view returns (address) {
        if (circuit == Circuit.Open) return _openKey;
        if (circuit == Circuit.TransitionSmall) return _transitionSmallKey;
        if (circuit == Circuit.TransitionLarge) return _transitionLargeKey;
        if (circuit == Circuit.SolvencySmall) return _solvencySmallKey;
        if (circuit == Circuit.SolvencyLarge) return _solvencyLargeKey;
        if (circuit == Circuit.InsolvencySmall) return _insolvencySmallKey;
        if (circuit == Circuit.InsolvencyLarge) return _insolvencyLargeKey;
        if (circuit == Circuit.LiquidationSmall) return _liquidationSmallKey;
        if (circuit == Circuit.LiquidationLarge) return _liquidationLargeKey;
        return _insertionKey;
    }

    /// @notice Number of a statement's public signals.
    /// @param circuit Circuit instance.
    function inputCount(Circuit circuit) public pure returns (uint256) {
        return PublicSignals.count(circuit);
    }

    /// @inheritdoc BatchVerification
    function _keyOf(Circuit circuit) internal view override returns (address) {
        return keyAddress(circuit);
    }

    /// @dev e(−A, B) · e(alpha, beta) · e(L, gamma) · e(C, delta) = 1 with L = IC_0 + sum input_i · IC_(i+1).
    /// False when a precompile fails, or is missing and returns nothing.
    function _isValid(
        address key,
        uint256[8] calldata proof,
        uint256 negatedY,
        uint256[] calldata inputs
    ) private view returns (bool valid) {
        assembly ("memory-safe") {
            let count := inputs.length
            let vk := mload(0x40)
            let ic := add(vk, 0x1c0)
            let sum := add(ic, shl(6, add(count, 1))) // x y, followed by
            let term := add(sum, 0x40) // x y and a scalar
            extcodecopy(key, vk, 1, sub(sum, vk))

            valid := 1
            mcopy(sum, ic, 0x40)
            for {
                let i := 0
            } lt(i, count) {
                i := add(i, 1)
            } {
                let scalar := calldataload(add(inputs.offset, shl(5, i)))
                if scalar {
                    mcopy(term, add(ic, shl(6, add(i, 1))), 0x40)
                    if gt(scalar, 1) {
                        mstore(add(term, 0x40), scalar)
                        valid := and(valid, staticcall(gas(), 0x07, term, 0x60, term, 0x40))
                        valid := and(valid, eq(returndatasize(), 0x40))
                    }
                    valid := and(valid, staticcall(gas(), 0x06, sum, 0x80, sum, 0x40))
                    valid := and(valid, eq(returndatasize(), 0x40))
                }
            }

            let product := term
            mstore(product, calldataload(proof))
            mstore(add(product, 0x20), negatedY)
            calldatacopy(add(product, 0x40), add(proof, 0x40), 0x80)
            mcopy(add(product, 0xc0), vk, 0xc0) // alpha, beta
            mcopy(add(product, 0x180), sum, 0x40)
            mcopy(add(product, 0x1c0), add(vk, 0xc0), 0x80) // gamma
            calldatacopy(add(product, 0x240), add(proof, 0xc0), 0x40)
            mcopy(add(product, 0x280), add(vk, 0x140), 0x80) // delta
            valid := and(valid, staticcall(gas(), 0x08, product, 0x300, 0x00, 0x20))
            valid := and(valid, eq(returndatasize(), 0x20))
            valid := and(valid, eq(mload(0x00), 1))
        }
    }
}
