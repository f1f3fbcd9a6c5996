// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev Circuit instances whose proofs are checked on chain, in the order of the verifier's keys.
enum Circuit {
    Open,
    TransitionSmall,
    TransitionLarge,
    SolvencySmall,
    SolvencyLarge,
    Insertion
}

/// @title Proof verifier
/// @notice Decides whether a proof shows a circuit's statement for given public signals.
interface IProofVerifier {
    /// @notice Verifies one proof.
    /// @param circuit Circuit instance.
    /// @param proof Groth16 points: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y.
    /// @param inputs Public signals in the order of the circuit's manifest, each below r.
    /// @return Whether the proof is valid; malformed points give false.
    function verify(
        Circuit circuit,
        uint256[8] calldata proof,
        uint256[] calldata inputs
    ) external view returns (bool);

    /// @notice Keccak-256 of a circuit's verifying key, as the manifest records it.
    /// @param circuit Circuit instance.
    function keyHash(Circuit circuit) external view returns (bytes32);
}
