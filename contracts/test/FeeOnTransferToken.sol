// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { TestToken } from "./TestToken.sol";

/// @title Token with a fee
/// @notice Takes 1% of every transfer.
contract FeeOnTransferToken is TestToken {
    constructor() TestToken("Fee on transfer", "FEE", 6) {}

    function _update(address from, address to, uint256 units) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : units / 100;
        if (fee != 0) super._update(from, address(0), fee);
        super._update(from, to, units - fee);
    }
}
