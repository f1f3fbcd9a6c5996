// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Circuit } from "./interfaces/IProofVerifier.sol";

/// @title Numbers of public signals
/// @notice How many public signals each circuit has, as the circuits' manifest says.
library PublicSignals {
    /// @notice Number of a circuit's public signals.
    /// @param circuit Circuit instance.
    function count(Circuit circuit) internal pure returns (uint256) {
        if (circuit == Circuit.Open) return 13;
        if (circuit == Circuit.TransitionSmall || circuit == Circuit.TransitionLarge) return 15;
        if (circuit == Circuit.SolvencySmall || circuit == Circuit.SolvencyLarge) return 8;
        if (circuit == Circuit.InsolvencySmall || circuit == Circuit.InsolvencyLarge) return 6;
        if (circuit == Circuit.LiquidationSmall || circuit == Circuit.LiquidationLarge) return 25;
        return 5;
    }
}
