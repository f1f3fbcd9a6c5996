// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Refusals
/// @notice A refusal is the encoded error that a call alone reverts with and a batch gives as the reason of a skipped item; empty bytes
/// admit. A function that admits returns its unassigned result: a literal "" would be copied from code each time.
library Refusal {
    /// @notice A refusal by an error without parameters.
    function by(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    /// @notice A refusal by an error of one word.
    function by(bytes4 selector, uint256 first) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first);
    }

    /// @notice A refusal by an error of two words.
    function by(bytes4 selector, uint256 first, uint256 second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    /// @notice A refusal by an error of three words.
    function by(
        bytes4 selector,
        uint256 first,
        uint256 second,
        uint256 third
    ) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second, third);
    }
}
