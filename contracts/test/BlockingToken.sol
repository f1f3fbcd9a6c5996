// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { TestToken } from "./TestToken.sol";

/// @title Blocking token
/// @notice Refuses transfers to accounts that anybody blocked, as dollar tokens do for their issuer. For local chains.
contract BlockingToken is TestToken {
    mapping(address account => bool) private _blocked;

    /// @notice The recipient is blocked.
    /// @dev Cure: unblock it.
    error Blocked(address account);

    constructor() TestToken("Blocking", "BLOCK", 6) {}

    /// @notice Blocks an account, or unblocks it.
    function setBlocked(address account, bool blocked) external {
        _blocked[account] = blocked;
    }

    function _update(address from, address to, uint256 units) internal override {
        if (_blocked[to]) revert Blocked(to);
        super._update(from, to, units);
    }
}
