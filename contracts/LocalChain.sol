// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Development chains
/// @notice The chain ids of Hardhat, Anvil and Ganache, on which no value is at stake.
library LocalChain {
    /// @return Whether this chain is a local development chain.
    function here() internal view returns (bool) {
        return block.chainid == 31337 || block.chainid == 1337;
    }
}
