// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Test token
/// @notice A plain ERC-20 that anybody may mint. For local chains.
contract TestToken is ERC20 {
    uint8 private immutable _decimals;

    constructor(string memory name, string memory symbol, uint8 decimals_) ERC20(name, symbol) {
        _decimals = decimals_;
    }

    /// @notice Creates tokens out of nothing.
    function mint(address account, uint256 units) external {
        _mint(account, units);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
