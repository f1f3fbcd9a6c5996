// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev Circuit instances whose proofs are checked on chain, in the order of the verifier's keys.
enum Circuit {
    Open,
    TransitionSmall,
    TransitionLarge,
    SolvencySmall,
    SolvencyLarge,
    InsolvencySmall,
    InsolvencyLarge,
    LiquidationSmall,
    LiquidationLarge,
    Insertion
}

/// @title Proof verifier
/// @notice Decides whether proofs show their circuits' statements for given public signals.
interface IProofVerifier {
    /// @notice The number of public signals is not the circuit's.
    /// @dev Cure: give the signals of the circuit's manifest, all of them, in its order.
    error InputCountMismatch(Circuit circuit, uint256 expected, uint256 given);

    /// @notice A public signal is not a field element, so that it would have a second representation.
    /// @dev Cure: reduce it modulo r. `index` counts the proof's public signals from 0, in a batch those of the item that it stands in.
    error InputNotInField(uint256 index, uint256 value);

    /// @notice A batch without an item, which would be valid for nothing.
    /// @dev Cure: verify at least one proof.
    error EmptyBatch();

    /// @notice A batch of more than sixteen items.
    /// @dev Cure: split it.
    error BatchTooLarge(uint256 limit);

    /// @notice An item begins with a number that is no circuit's.
    /// @dev Cure: begin each item with the value of {Circuit}, and give it exactly its circuit's number of public signals.
    error UnknownCircuit(uint256 circuit);

    /// @notice The words end within an item, or words follow the last one that make no item.
    /// @dev Cure: give `expected` words in all, or leave out those that follow the last item.
    error BatchLengthMismatch(uint256 expected, uint256 given);

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

    /// @notice Verifies 1 to 16 proofs of any circuits at once.
    /// @param words For each item in order: value of {Circuit}, the eight words of the proof, the circuit's public signals.
    /// @return Whether every proof is valid, as `verify` says of each; malformed points give false.
    function verifyBatch(uint256[] calldata words) external view returns (bool);

    /// @notice Keccak-256 of a circuit's verifying key, as the manifest records it.
    /// @param circuit Circuit instance.
    function keyHash(Circuit circuit) external view returns (bytes32);
}
