// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { TestToken } from "./TestToken.sol";

/// @title Silent token
/// @notice Answers false instead of reverting.
contract SilentToken is TestToken {
    constructor() TestToken("Silent", "SHH", 6) {}

    /// @inheritdoc ERC20
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}
