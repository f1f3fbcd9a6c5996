// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { RateCurve } from "../../../../contracts/RateCurve.sol";

// What solc's model checker proves, for all values of parameters. Nothing here is deployed.

contract RateCurveProperties {
    /// The rate is between 5% and 50% of one in Q16, whenever it is asked for.
    function bounded(uint256 elapsed) external pure {
        uint256 rate = RateCurve.permitted(elapsed);
        assert(rate >= 3276);
        assert(rate <= 32768);
    }

    /// The rate never falls while the clock runs.
    function rises(uint256 earlier, uint256 later) external pure {
        require(earlier <= later);
        assert(RateCurve.permitted(earlier) <= RateCurve.permitted(later));
    }
}
