// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev An event as the cheat codes hand it out.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @dev The cheat codes of Hardhat's Solidity tests that these tests use.
interface Cheats {
    function warp(uint256 time) external;
    function expectRevert(bytes calldata data) external;
    function assume(bool condition) external pure;
    function addr(uint256 privateKey) external pure returns (address);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function getCode(string calldata artifact) external view returns (bytes memory);
    function envOr(string calldata name, uint256 otherwise) external view returns (uint256);
}

Cheats constant cheats = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
