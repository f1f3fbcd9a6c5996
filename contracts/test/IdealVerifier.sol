// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "../Field.sol";
import { PublicSignals } from "../PublicSignals.sol";
import { Circuit, IProofVerifier } from "../interfaces/IProofVerifier.sol";

/// @title Ideal verifier
/// @notice Test double: a proof is valid for exactly the public signals that were declared proven with it. So a ledger test sees whether
/// any altered term or signal still finds its proof.
contract IdealVerifier is IProofVerifier {
    mapping(bytes32 statement => bool) private _proven;

    /// @notice Declares a statement proven.
    function prove(Circuit circuit, uint256[8] calldata proof, uint256[] calldata inputs) external {
        _proven[keccak256(abi.encode(circuit, proof, inputs))] = true;
    }

    /// @inheritdoc IProofVerifier
    function verify(
        Circuit circuit,
        uint256[8] calldata proof,
        uint256[] calldata inputs
    ) external view returns (bool) {
        return _proven[keccak256(abi.encode(circuit, proof, inputs))];
    }

    /// @inheritdoc IProofVerifier
    function verifyBatch(uint256[] calldata words) external view returns (bool valid) {
        valid = true;
        uint256 count;
        for (uint256 start; start < words.length; ++count) {
            if (count == 16) revert BatchTooLarge(16);
            if (words[start] > uint256(type(Circuit).max)) revert UnknownCircuit(words[start]);
            Circuit circuit = Circuit(words[start]);
            uint256 end = start + 9 + PublicSignals.count(circuit);
            if (end > words.length) revert BatchLengthMismatch(end, words.length);
            uint256[8] memory proof;
            for (uint256 i; i < 8; ++i) proof[i] = words[start + 1 + i];
            uint256[] calldata inputs = words[start + 9:end];
            for (uint256 i; i < inputs.length; ++i) {
                if (inputs[i] >= FIELD_ORDER) revert InputNotInField(i, inputs[i]);
            }
            valid = valid && _proven[keccak256(abi.encode(circuit, proof, inputs))];
            start = end;
        }
        if (count == 0) revert EmptyBatch();
    }

    /// @inheritdoc IProofVerifier
    function keyHash(Circuit circuit) external pure returns (bytes32) {
        return keccak256(abi.encode("ideal", circuit));
    }
}
