// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { IInsuranceFund } from "../interfaces/IInsuranceFund.sol";
import { ILiquidationAuction } from "../interfaces/ILiquidationAuction.sol";
import { IProofVerifier } from "../interfaces/IProofVerifier.sol";
import { SnapshotInfo } from "../interfaces/IRiskOracle.sol";

/// @title Ledger stand-in
/// @notice Test double of the ledger and its oracle for auction and fund: roots, spent notes and snapshots are what the test says, and
/// what only the ledger may call is passed through. Cash holdings are its token balance.
contract LedgerStandIn {
    using SafeERC20 for IERC20;

    IProofVerifier public immutable verifier;
    IERC20 private immutable _cash;

    mapping(uint256 root => bool) public isKnownRoot;
    mapping(uint256 nullifier => bool) public isSpent;

    /// @notice Epoch on which it winds down; it does not.
    uint64 public windDownEpoch;

    SnapshotInfo private _latest;
    mapping(uint256 root => SnapshotInfo) private _infoOf;

    /// @notice The fund locks withdrawals.
    error WithdrawalsLocked();

    constructor(IProofVerifier proofVerifier, IERC20 cash) {
        verifier = proofVerifier;
        _cash = cash;
    }

    function addRoot(uint256 root) external {
        isKnownRoot[root] = true;
    }

    function spend(uint256 nullifier) external {
        isSpent[nullifier] = true;
    }

    /// @notice Posts the next epoch's snapshot, observed at `time`.
    function postSnapshot(uint256 root, uint64 time) external {
        _latest = SnapshotInfo(_latest.epoch + 1, time, uint64(block.timestamp), true);
        _infoOf[root] = _latest;
    }

    function onTakeOver(
        ILiquidationAuction auction,
        uint256 leafIndex,
        uint256 newLeafIndex,
        bool cured
    ) external {
        auction.onTakeOver(leafIndex, newLeafIndex, cured);
    }

    function payTakeOver(IInsuranceFund fund, uint256 deficit, uint256 reward, uint256 epoch) external {
        fund.payTakeOver(deficit, reward, epoch);
    }

    /// @notice Withdraws cash as the ledger does: in full unless the fund is impaired, and not before the lock ends.
    function withdraw(IInsuranceFund fund, address recipient, uint256 amount) external {
        if (fund.lockedUntil() > block.timestamp) revert WithdrawalsLocked();
        uint256 paid = fund.isImpaired() ? fund.settleWithdrawal(recipient, amount) : amount;
        _cash.safeTransfer(recipient, paid);
    }

    /// @notice Settles a withdrawal without paying it.
    function settleWithdrawal(
        IInsuranceFund fund,
        address recipient,
        uint256 amount
    ) external returns (uint256) {
        return fund.settleWithdrawal(recipient, amount);
    }

    function assetOf(uint256) external view returns (IERC20 token, uint96 unit) {
        return (_cash, 1);
    }

    function oracle() external view returns (address) {
        return address(this);
    }

    function locate(
        uint256 root
    ) external view returns (SnapshotInfo memory found, SnapshotInfo memory newest) {
        return (_infoOf[root], _latest);
    }

    function cashHoldings() external view returns (uint256) {
        return _cash.balanceOf(address(this));
    }
}
