// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { IRiskOracle, SnapshotInfo } from "./interfaces/IRiskOracle.sol";
import { TransitionSignals } from "./Statements.sol";

/// @title Snapshot rules
/// @notice Decides which risk snapshot a transition may be proven on, and which modes are open.
/// @dev The latest one, not stale. The one before for a few seconds, if prices hardly moved and nothing is withdrawn: proofs under way
/// survive the change of epoch, and nobody gets to choose between two prices. A deposit that covers its fee may be made however old the
/// latest one is. An exit holds no risk, so any snapshot will do. A wind-down needs a week of silence.
abstract contract SnapshotRules is AccessControl {
    /// @dev Modes of a transition, as in the circuit.
    uint256 internal constant MODE_NORMAL = 0;
    uint256 internal constant MODE_EXIT = 2;
    uint256 internal constant MODE_WIND_DOWN = 3;

    /// @notice Seconds after its time of observation when the latest snapshot is stale.
    uint256 public constant STALE_AFTER = 180;

    /// @notice Seconds after the latest snapshot's posting during which the one before may still be used.
    uint256 public constant PREVIOUS_GRACE = 15;

    /// @notice Seconds without a snapshot after which wind-down opens.
    uint256 public constant WIND_DOWN_AFTER = 7 days;

    /// @notice May declare and lift an emergency.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice Publishes the snapshots.
    IRiskOracle public immutable oracle;

    /// @notice Whether an emergency is declared: only reduce-only, exit and wind-down transitions are accepted.
    bool public emergency;

    /// @notice An emergency was declared or lifted.
    event EmergencySet(bool declared);

    /// @notice The oracle never posted this snapshot root.
    /// @dev Cure: prove on the latest snapshot; check that it is of this chain's oracle.
    error UnknownSnapshot(uint256 snapshotRoot);

    /// @notice The snapshot is neither the latest nor the one before.
    /// @dev Cure: prove again on the latest snapshot.
    error SnapshotNotLatest(uint256 epoch, uint256 latestEpoch);

    /// @notice The snapshot is the one before the latest, and its grace is over, prices moved, or something is withdrawn.
    /// @dev Cure: prove again on the latest snapshot.
    error PreviousSnapshotRefused(uint256 epoch, uint256 latestEpoch);

    /// @notice The snapshot is too old to price an account.
    /// @dev Cure: wait for the next snapshot; a deposit that covers its fee is accepted, and so is an exit.
    error SnapshotStale(uint256 staleSince);

    /// @notice Wind-down is closed: the latest snapshot is not a week old.
    /// @dev Cure: wait until `opensAt`, or close the account's positions by trades.
    error WindDownClosed(uint256 opensAt);

    /// @notice An emergency is declared, and the transition is of the normal mode.
    /// @dev Cure: prove in reduce-only mode (deposits, trades that lower risk) or as an exit, or wait.
    error ReduceOnly();

    /// @notice There is no such mode.
    /// @dev Cure: use 0 normal, 1 reduce-only, 2 exit or 3 wind-down.
    error UnknownMode(uint256 mode);

    /// @notice The epoch of an opening is not the oracle's latest, nor the one before within its grace.
    /// @dev Cure: prove again with the latest epoch.
    error EpochNotLatest(uint256 epoch, uint256 latestEpoch);

    constructor(IRiskOracle riskOracle) {
        oracle = riskOracle;
    }

    /// @notice Declares or lifts an emergency.
    /// @param declared Whether only reduce-only, exit and wind-down transitions are accepted from now on.
    function setEmergency(bool declared) external onlyRole(GUARDIAN_ROLE) {
        emergency = declared;
        emit EmergencySet(declared);
    }

    /// @dev Reverts unless a transition with these signals may be proven on its snapshot now.
    function _requireSnapshot(TransitionSignals calldata signals) internal view {
        (SnapshotInfo memory found, SnapshotInfo memory newest) = oracle.locate(signals.snapshotRoot);
        if (found.epoch == 0) revert UnknownSnapshot(signals.snapshotRoot);
        uint256 mode = signals.mode;
        if (mode > MODE_WIND_DOWN) revert UnknownMode(mode);
        if (mode == MODE_EXIT) return;
        if (mode == MODE_NORMAL && emergency) revert ReduceOnly();

        if (found.epoch == newest.epoch) {
            if (mode == MODE_WIND_DOWN) {
                uint256 opensAt = newest.time + WIND_DOWN_AFTER;
                if (block.timestamp < opensAt) revert WindDownClosed(opensAt);
            } else if (!_isDepositOnly(signals)) {
                _requireFresh(newest);
            }
            return;
        }

        if (mode == MODE_WIND_DOWN || found.epoch + 1 != newest.epoch) {
            revert SnapshotNotLatest(found.epoch, newest.epoch);
        }
        if (!newest.steady || signals.withdrawal != 0 || block.timestamp > newest.postedAt + PREVIOUS_GRACE) {
            revert PreviousSnapshotRefused(found.epoch, newest.epoch);
        }
        _requireFresh(found);
    }

    /// @dev Reverts unless an account may be opened with this epoch, against which memberships expire.
    function _requireEpoch(uint256 epoch) internal view {
        (, SnapshotInfo memory newest) = oracle.latest();
        bool accepted = epoch != 0 && epoch == newest.epoch;
        if (!accepted && epoch != 0 && newest.epoch != 0) {
            accepted = epoch == newest.epoch - 1 && block.timestamp <= newest.postedAt + PREVIOUS_GRACE;
        }
        if (!accepted) revert EpochNotLatest(epoch, newest.epoch);
    }

    function _requireFresh(SnapshotInfo memory snapshot) private view {
        uint256 staleSince = snapshot.time + STALE_AFTER;
        if (block.timestamp > staleSince) revert SnapshotStale(staleSince);
    }

    /// @dev Legs change only by trades, exits and wind-downs. The fee must come out of the deposit: a fee paid to oneself beside a tiny
    /// deposit would be a withdrawal on a stale price.
    function _isDepositOnly(TransitionSignals calldata signals) private pure returns (bool) {
        uint256 cash = signals.asset == 0 ? signals.deposit : 0;
        return
            signals.deposit != 0 && signals.fee <= cash && signals.withdrawal == 0 && signals.tradeTag == 0;
    }
}
