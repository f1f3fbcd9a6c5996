// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IProofVerifier } from "./IProofVerifier.sol";
import { IRiskOracle } from "./IRiskOracle.sol";

/// @title Ledger state
/// @notice What the auction and the insurance fund read of the ledger they are bound to.
interface ILedgerState {
    /// @notice Whether a root was ever a root of the ledger's state tree.
    function isKnownRoot(uint256 root) external view returns (bool);

    /// @notice Whether a note was spent.
    function isSpent(uint256 nullifier) external view returns (bool);

    /// @notice Epoch of the snapshot on which the ledger winds down, for ever; 0 while it does not.
    function windDownEpoch() external view returns (uint64);

    /// @notice Publishes the risk snapshots.
    function oracle() external view returns (IRiskOracle);

    /// @notice Verifies the proofs.
    function verifier() external view returns (IProofVerifier);

    /// @notice Token and unit of an asset; asset 0 is cash.
    function assetOf(uint256 asset) external view returns (IERC20 token, uint96 unit);

    /// @notice Micro-USDC that the ledger holds and does not owe to recipients of failed payouts.
    function cashHoldings() external view returns (uint256);
}
