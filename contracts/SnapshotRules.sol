// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { IInsuranceFund } from "./interfaces/IInsuranceFund.sol";
import { ILiquidationAuction } from "./interfaces/ILiquidationAuction.sol";
import { IRiskOracle, SnapshotInfo } from "./interfaces/IRiskOracle.sol";
import { Refusal } from "./Refusal.sol";
import { TransitionSignals } from "./Statements.sol";

/// @title Snapshot rules
/// @notice Decides which risk snapshot a transition may be proven on, and which modes are open.
/// @dev The latest one, not stale. The one before for a few seconds, if prices hardly moved, nothing is withdrawn and the note is not
/// flagged: proofs under way survive the change of epoch, and nobody gets to choose between two prices. A deposit that covers its fee may
/// be made however old the latest one is. An exit holds no risk, so any snapshot will do. A wind-down needs a week of silence, and the first
/// is final: who holds the other side of what it turned into cash is paid at the same marks, whatever the oracle posts later. No new risk
/// in an emergency or while the insurance fund is below its floor; no withdrawal while the fund locks them.
abstract contract SnapshotRules is AccessControl {
    /// @dev What a call has looked up: the snapshot of `root` with the latest one, and answers that hold for the whole call. `open` is the
    /// latest snapshot's root once a transition of the normal mode that withdraws nothing was found good on it; 0 before. `whole` says that
    /// the fund has no uncovered deficit, which only a take-over brings about; with one, each payment may impair the fund for the next.
    struct Market {
        uint256 open;
        uint256 root;
        SnapshotInfo found;
        SnapshotInfo newest;
        Answer restricted;
        Answer whole;
    }

    /// @dev A question that is asked at most once.
    enum Answer {
        Unknown,
        No,
        Yes
    }

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

    /// @notice Keeps the flags of notes below their maintenance margin.
    ILiquidationAuction public immutable auction;

    /// @notice Stands behind bankrupt accounts.
    IInsuranceFund public immutable fund;

    /// @notice Whether an emergency is declared: only reduce-only, exit and wind-down transitions are accepted.
    bool public emergency;

    /// @notice Epoch of the snapshot on which the ledger winds down, for ever; 0 until somebody has wound down on it.
    uint64 public windDownEpoch;

    /// @notice An emergency was declared or lifted.
    event EmergencySet(bool declared);

    /// @notice The oracle never posted this snapshot root.
    /// @dev Cure: prove on the latest snapshot; check that it is of this chain's oracle.
    error UnknownSnapshot(uint256 snapshotRoot);

    /// @notice The snapshot is neither the latest nor the one before.
    /// @dev Cure: prove again on the latest snapshot.
    error SnapshotNotLatest(uint256 epoch, uint256 latestEpoch);

    /// @notice The snapshot is the one before the latest, and its grace is over, prices moved, something is withdrawn, or the note is flagged.
    /// @dev Cure: prove again on the latest snapshot.
    error PreviousSnapshotRefused(uint256 epoch, uint256 latestEpoch);

    /// @notice The snapshot is too old to price an account.
    /// @dev Cure: wait for the next snapshot; a deposit that covers its fee is accepted, and so is an exit.
    error SnapshotStale(uint256 staleSince);

    /// @notice Wind-down is closed: the latest snapshot is not a week old.
    /// @dev Cure: wait until `opensAt`, or close the account's positions by trades.
    error WindDownClosed(uint256 opensAt);

    /// @notice The ledger winds down on the snapshot of this epoch, and the transition is neither a wind-down or deposit on it nor an exit, or
    /// it is a take-over.
    /// @dev Cure: prove a wind-down, or a deposit that covers its fee, on the snapshot of `epoch`; an account of spot and cash leaves by an exit.
    error WindingDown(uint256 epoch);

    /// @notice An emergency is declared or the insurance fund is below its floor, and the transition is of the normal mode.
    /// @dev Cure: prove in reduce-only mode (deposits, trades that lower risk) or as an exit, or wait.
    error ReduceOnly();

    /// @notice The insurance fund's uncovered deficit has locked all withdrawals.
    /// @dev Cure: wait until `lockedUntil`; then withdrawals pay their share of what the ledger holds, or all once the fund is whole.
    error WithdrawalsLocked(uint256 lockedUntil);

    /// @notice There is no such mode.
    /// @dev Cure: use 0 normal, 1 reduce-only, 2 exit or 3 wind-down.
    error UnknownMode(uint256 mode);

    /// @notice The epoch of an opening is not the oracle's latest, nor the one before within its grace.
    /// @dev Cure: prove again with the latest epoch.
    error EpochNotLatest(uint256 epoch, uint256 latestEpoch);

    constructor(
        IRiskOracle riskOracle,
        ILiquidationAuction liquidationAuction,
        IInsuranceFund insuranceFund
    ) {
        oracle = riskOracle;
        auction = liquidationAuction;
        fund = insuranceFund;
    }

    /// @notice Declares or lifts an emergency.
    /// @param declared Whether only reduce-only, exit and wind-down transitions are accepted from now on.
    function setEmergency(bool declared) external onlyRole(GUARDIAN_ROLE) {
        emergency = declared;
        emit EmergencySet(declared);
    }

    /// @dev Why a transition with these signals may not be proven on its snapshot now; empty if it may.
    function _refusalOfSnapshot(
        Market memory market,
        TransitionSignals calldata signals
    ) internal view returns (bytes memory none) {
        uint256 root = signals.snapshotRoot;
        uint256 mode = signals.mode;
        bool plain = mode == MODE_NORMAL && signals.withdrawal == 0;
        if (plain && root == market.open && root != 0) return none;

        (SnapshotInfo memory found, SnapshotInfo memory newest) = _locate(market, root);
        if (found.epoch == 0) return Refusal.by(UnknownSnapshot.selector, root);
        if (mode > MODE_WIND_DOWN) return Refusal.by(UnknownMode.selector, mode);
        if (signals.withdrawal != 0) {
            uint256 until = _lockedUntil(market);
            if (block.timestamp < until) return Refusal.by(WithdrawalsLocked.selector, until);
        }
        if (mode == MODE_EXIT) return none;
        if (mode == MODE_NORMAL && _isRestricted(market)) return Refusal.by(ReduceOnly.selector);

        uint256 last = windDownEpoch;
        if (last != 0) {
            if (found.epoch == last && (mode == MODE_WIND_DOWN || _isDepositOnly(signals))) return none;
            return Refusal.by(WindingDown.selector, last);
        }
        if (found.epoch == newest.epoch) {
            if (mode == MODE_WIND_DOWN) {
                uint256 opensAt = newest.time + WIND_DOWN_AFTER;
                if (block.timestamp < opensAt) return Refusal.by(WindDownClosed.selector, opensAt);
                return none;
            }
            if (_isDepositOnly(signals)) return none;
            bytes memory refusal = _refusalOfAge(newest);
            if (plain && refusal.length == 0) market.open = root;
            return refusal;
        }

        if (mode == MODE_WIND_DOWN || found.epoch + 1 != newest.epoch) {
            return Refusal.by(SnapshotNotLatest.selector, found.epoch, newest.epoch);
        }
        if (
            !newest.steady ||
            signals.withdrawal != 0 ||
            block.timestamp > newest.postedAt + PREVIOUS_GRACE ||
            auction.isFlagged(signals.nullifier)
        ) return Refusal.by(PreviousSnapshotRefused.selector, found.epoch, newest.epoch);
        return _refusalOfAge(found);
    }

    /// @dev A wind-down on the snapshot of this epoch was accepted; once one was, it is the only epoch.
    function _windDown(uint64 epoch) internal {
        if (windDownEpoch == 0) windDownEpoch = epoch;
    }

    /// @dev Whether no deficit is uncovered.
    function _isWhole(Market memory market) internal view returns (bool) {
        if (market.whole == Answer.Unknown) market.whole = fund.uncovered() == 0 ? Answer.Yes : Answer.No;
        return market.whole == Answer.Yes;
    }

    /// @dev Why a take-over may not be proven on a snapshot now: it must be the latest one, and fresh. Returns the epoch too.
    function _refusalOfTakeOverSnapshot(
        Market memory market,
        uint256 snapshotRoot
    ) internal view returns (bytes memory refusal, uint256 epoch) {
        (SnapshotInfo memory found, SnapshotInfo memory newest) = _locate(market, snapshotRoot);
        epoch = found.epoch;
        if (epoch == 0) refusal = Refusal.by(UnknownSnapshot.selector, snapshotRoot);
        else if (windDownEpoch != 0) refusal = Refusal.by(WindingDown.selector, windDownEpoch);
        else if (epoch != newest.epoch) {
            refusal = Refusal.by(SnapshotNotLatest.selector, epoch, newest.epoch);
        } else refusal = _refusalOfAge(newest);
    }

    /// @dev Why an account may not be opened with this epoch, against which memberships expire; empty if it may.
    function _refusalOfEpoch(uint256 epoch) internal view returns (bytes memory refusal) {
        (, SnapshotInfo memory newest) = oracle.latest();
        bool accepted = epoch != 0 && epoch == newest.epoch;
        if (!accepted && epoch != 0 && newest.epoch != 0) {
            accepted = epoch == newest.epoch - 1 && block.timestamp <= newest.postedAt + PREVIOUS_GRACE;
        }
        if (!accepted) refusal = Refusal.by(EpochNotLatest.selector, epoch, newest.epoch);
    }

    function _locate(
        Market memory market,
        uint256 root
    ) private view returns (SnapshotInfo memory found, SnapshotInfo memory newest) {
        // Before the first look-up the latest epoch is 0.
        if (root != market.root || market.newest.epoch == 0) {
            (market.found, market.newest) = oracle.locate(root);
            market.root = root;
        }
        return (market.found, market.newest);
    }

    function _isRestricted(Market memory market) private view returns (bool) {
        if (market.restricted == Answer.Unknown) {
            market.restricted = emergency || fund.isBelowFloor() ? Answer.Yes : Answer.No;
        }
        return market.restricted == Answer.Yes;
    }

    function _lockedUntil(Market memory market) private view returns (uint256) {
        return _isWhole(market) ? 0 : fund.lockedUntil();
    }

    function _refusalOfAge(SnapshotInfo memory snapshot) private view returns (bytes memory refusal) {
        uint256 staleSince = snapshot.time + STALE_AFTER;
        if (block.timestamp > staleSince) refusal = Refusal.by(SnapshotStale.selector, staleSince);
    }

    /// @dev Legs change only by trades, exits and wind-downs. The fee must come out of the deposit: a fee paid to oneself beside a tiny
    /// deposit would be a withdrawal on a stale price.
    function _isDepositOnly(TransitionSignals calldata signals) private pure returns (bool) {
        uint256 cash = signals.asset == 0 ? signals.deposit : 0;
        return
            signals.deposit != 0 && signals.fee <= cash && signals.withdrawal == 0 && signals.tradeTag == 0;
    }
}
