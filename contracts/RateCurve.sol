// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Auction curve
/// @notice The highest rate k at which a keeper may take over a note, as its flag's clock runs: 5% at 0, linear to 30% at 15 minutes,
/// linear to 50% at one hour, 50% from then on.
library RateCurve {
    /// @dev 1 in Q16.
    uint256 private constant ONE = 2 ** 16;

    uint256 private constant FIRST_SECONDS = 15 minutes;
    uint256 private constant SECOND_SECONDS = 45 minutes;

    /// @notice The permitted rate.
    /// @param elapsed Seconds since the clock's start.
    /// @return Q16 ratio, floored.
    function permitted(uint256 elapsed) internal pure returns (uint256) {
        if (elapsed <= FIRST_SECONDS) {
            return (ONE * (5 * FIRST_SECONDS + 25 * elapsed)) / (100 * FIRST_SECONDS);
        }
        uint256 later = elapsed - FIRST_SECONDS;
        if (later >= SECOND_SECONDS) return ONE / 2;
        return (ONE * (30 * SECOND_SECONDS + 20 * later)) / (100 * SECOND_SECONDS);
    }
}
