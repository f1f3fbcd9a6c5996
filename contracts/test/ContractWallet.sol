// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Contract wallet
/// @notice Accepts its owner's signatures as its own (ERC-1271). For local chains.
contract ContractWallet is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    /// @notice Allows a spender to take the wallet's tokens.
    function approve(IERC20 token, address spender, uint256 units) external {
        token.approve(spender, units);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return
            ECDSA.recoverCalldata(digest, signature) == _owner
                ? IERC1271.isValidSignature.selector
                : bytes4(0xffffffff);
    }
}
