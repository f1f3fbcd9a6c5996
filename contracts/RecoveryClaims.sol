// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Claims on what is recovered
/// @notice Shares every recovery among the claims outstanding at that time, in proportion to them. Amounts are micro-USDC.
/// @dev A claim is a number of units, each worth `totalClaims / _units`: a recovery lowers the value of a unit, a new claim buys units
/// at their present value. `_index` counts what a unit has recovered. When all claims are recovered a generation of units ends, and its
/// last index is kept for holders who come later. All divisions are floored, so holders receive at most what was recovered.
abstract contract RecoveryClaims {
    /// @dev What an account holds. `recovered` is what it may collect, up to `index`.
    struct Claim {
        uint256 units;
        uint256 index;
        uint256 generation;
        uint256 recovered;
    }

    /// @dev Units for a micro-USDC when a generation begins; a fraction of a unit, which rounding may cost, is far below a micro-USDC.
    uint256 private constant FIRST_UNITS = 2 ** 64;

    /// @dev Most units for a micro-USDC. With claims below 2^64, units stay below 2^192 and products with INDEX_SCALE exact enough that
    /// a recovery loses less than a micro-USDC to rounding, beside what each holder's own floor takes.
    uint256 private constant MOST_UNITS = 2 ** 128;

    /// @dev `_index` counts in micro-USDC / INDEX_SCALE for a unit.
    uint256 private constant INDEX_SCALE = 2 ** 192;

    /// @notice Claims not recovered yet.
    uint256 public totalClaims;

    /// @notice What was recovered and not collected yet.
    uint256 public collectable;

    uint256 private _units;
    uint256 private _index;
    uint256 private _generation;

    mapping(uint256 generation => uint256) private _lastIndex;

    mapping(address account => Claim) private _claims;

    /// @notice An account's withdrawal was paid in part; the rest became its claim.
    event ClaimAdded(address indexed account, uint256 amount);

    /// @notice An account collected its part of what was recovered.
    event RecoveryCollected(address indexed account, uint256 amount);

    /// @notice A recovery would leave so little of the claims that their shares could no longer be counted.
    /// @dev Cure: deposit the whole of uncovered deficit and claims, or less.
    error RecoveryTooNearlyComplete(uint256 claims, uint256 recovered);

    /// @notice An account's claim that is not recovered yet, floored.
    function claimOf(address account) external view returns (uint256) {
        Claim memory claim = _claims[account];
        if (claim.generation != _generation || claim.units == 0) return 0;
        return Math.mulDiv(claim.units, totalClaims, _units);
    }

    /// @notice What an account may collect now.
    function collectableBy(address account) external view returns (uint256) {
        return _recoveredBy(_claims[account]);
    }

    function _addClaim(address account, uint256 amount) internal {
        Claim memory claim = _settled(account);
        uint256 units = totalClaims == 0 ? amount * FIRST_UNITS : Math.mulDiv(amount, _units, totalClaims);
        claim.units += units;
        _claims[account] = claim;
        _units += units;
        totalClaims += amount;
        emit ClaimAdded(account, amount);
    }

    /// @dev Shares `amount`, at most `totalClaims`, among all claims.
    function _recover(uint256 amount) internal {
        if (amount == 0) return;
        uint256 left = totalClaims - amount;
        if (left != 0 && _units / MOST_UNITS >= left) revert RecoveryTooNearlyComplete(totalClaims, amount);
        _index += Math.mulDiv(amount, INDEX_SCALE, _units);
        collectable += amount;
        totalClaims = left;
        if (left == 0) {
            _lastIndex[_generation] = _index;
            ++_generation;
            _units = 0;
        }
    }

    /// @dev Empties what an account may collect; the caller pays it.
    function _collect(address account) internal returns (uint256 amount) {
        Claim memory claim = _settled(account);
        amount = claim.recovered;
        claim.recovered = 0;
        _claims[account] = claim;
        collectable -= amount;
        emit RecoveryCollected(account, amount);
    }

    /// @dev An account's claim with all recoveries counted.
    function _settled(address account) private view returns (Claim memory claim) {
        claim = _claims[account];
        claim.recovered = _recoveredBy(claim);
        if (claim.generation != _generation) claim.units = 0;
        claim.generation = _generation;
        claim.index = _index;
    }

    function _recoveredBy(Claim memory claim) private view returns (uint256) {
        if (claim.units == 0) return claim.recovered;
        uint256 until = claim.generation == _generation ? _index : _lastIndex[claim.generation];
        return claim.recovered + Math.mulDiv(claim.units, until - claim.index, INDEX_SCALE);
    }
}
