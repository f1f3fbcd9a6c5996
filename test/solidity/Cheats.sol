// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev The cheat codes of Hardhat's Solidity tests that these tests use.
interface Cheats {
    function warp(uint256 time) external;
    function expectRevert(bytes calldata data) external;
    function assume(bool condition) external pure;
}

Cheats constant cheats = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
