// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Compliance registry
/// @notice Says which roots of the tree of admitted entities may be used now.
interface IComplianceRegistry {
    /// @notice Whether proofs against this registry root are accepted now.
    /// @param root Registry root; 0 stands for an open registry.
    function acceptsRoot(uint256 root) external view returns (bool);
}
