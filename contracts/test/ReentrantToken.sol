// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { TestToken } from "./TestToken.sol";

/// @title Re-entrant token
/// @notice Calls a target in the middle of every transfer, and reverts with what it reverts with.
contract ReentrantToken is TestToken {
    address private _target;
    bytes private _data;

    constructor() TestToken("Re-entrant", "RE", 6) {}

    /// @notice Sets the call made in each transfer; a zero target makes none.
    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function _update(address from, address to, uint256 units) internal override {
        super._update(from, to, units);
        if (_target != address(0)) Address.functionCall(_target, _data);
    }
}
