// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev A posted snapshot without its root; one storage slot.
/// `time` is when the prices were observed, `postedAt` when the chain learnt of them (Unix seconds); `steady` says that no index or
/// volatility moved more than 1% of itself since the snapshot before.
struct SnapshotInfo {
    uint64 epoch;
    uint64 time;
    uint64 postedAt;
    bool steady;
}

/// @title Risk oracle
/// @notice Publishes one risk snapshot per epoch.
interface IRiskOracle {
    /// @notice The latest snapshot; all zeros before the first.
    function latest() external view returns (uint256 root, SnapshotInfo memory info);

    /// @notice Looks a snapshot up together with the latest one.
    /// @param root Snapshot root.
    /// @return found The snapshot with this root; epoch 0 if there is none.
    /// @return newest The latest snapshot; epoch 0 before the first.
    function locate(
        uint256 root
    ) external view returns (SnapshotInfo memory found, SnapshotInfo memory newest);
}
