// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

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
    function keyHash(Circuit circuit) external pure returns (bytes32) {
        return keccak256(abi.encode("ideal", circuit));
    }
}
