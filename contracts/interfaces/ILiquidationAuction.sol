// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Liquidation auction
/// @notice What the ledger asks and tells the auction of undermargined notes.
interface ILiquidationAuction {
    /// @notice How far above its margin requirement a take-over may restore a note, b, as a Q16 ratio.
    function restoration() external view returns (uint256);

    /// @notice Whether an unlapsed flag was proven for this nullifier.
    /// @param nullifier Nullifier of a note; 0 gives false.
    function isFlagged(uint256 nullifier) external view returns (bool);

    /// @notice Why a take-over is refused now.
    /// @param leafIndex Leaf index of the target's note.
    /// @param nullifier Nullifier of the target's note.
    /// @param epoch Epoch of the snapshot the take-over is proven on.
    /// @param rate Auction rate k the keeper asks, as a Q16 ratio.
    /// @return The encoded error; empty if the take-over is admitted.
    function refusalOfTakeOver(
        uint256 leafIndex,
        uint256 nullifier,
        uint256 epoch,
        uint256 rate
    ) external view returns (bytes memory);

    /// @notice Records an admitted take-over; only the ledger may call.
    /// @param leafIndex Leaf index of the note taken over; its flag ends.
    /// @param newLeafIndex Leaf index of its successor, which inherits first epoch and clock.
    /// @param cured Whether the successor meets its margin requirement; then nothing is inherited.
    function onTakeOver(uint256 leafIndex, uint256 newLeafIndex, bool cured) external;
}
