// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Observation, PriceAggregation, Reason, Round, Verdict } from "../PriceAggregation.sol";

/// @title Aggregation of observations, to be called by tests
/// @notice Runs the oracle's aggregation of one price on observations that nobody signed.
contract PriceAggregationHarness {
    /// @notice What `PriceAggregation.aggregate` gives for the first price of the observations.
    function aggregate(
        Round calldata round,
        Observation[] calldata observations,
        uint256 last
    ) external pure returns (uint256 price, Verdict verdict, uint256 count, Reason[] memory reasons) {
        return PriceAggregation.aggregate(round, observations, 0, last);
    }
}
