// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { VerifyingKeys } from "./generated/VerifyingKeys.sol";

/// @title Publisher of the generated verifying keys
/// @notice Writes each generated verifying key as the code of a data contract: a STOP byte, then the key.
contract VerifyingKeyPublisher {
    address[10] private _keys;

    /// @notice The data contract could not be created.
    /// @dev Cure: deploy with more gas.
    error PublishingFailed();

    constructor() {
        _keys[0] = _publish(VerifyingKeys.open());
        _keys[1] = _publish(VerifyingKeys.transitionSmall());
        _keys[2] = _publish(VerifyingKeys.transitionLarge());
        _keys[3] = _publish(VerifyingKeys.solvencySmall());
        _keys[4] = _publish(VerifyingKeys.solvencyLarge());
        _keys[5] = _publish(VerifyingKeys.insolvencySmall());
        _keys[6] = _publish(VerifyingKeys.insolvencyLarge());
        _keys[7] = _publish(VerifyingKeys.liquidationSmall());
        _keys[8] = _publish(VerifyingKeys.liquidationLarge());
        _keys[9] = _publish(VerifyingKeys.insertion());
    }

    /// @notice The data contracts, in the order of the verifier's circuits.
    function keys() external view returns (address[10] memory) {
        return _keys;
    }

    function _publish(bytes memory key) private returns (address data) {
        // Creation code: return what follows its own ten bytes (push2 length, dup1, push1 11, push0, codecopy, push0, return).
        bytes memory creation = bytes.concat(
            hex"61",
            bytes2(uint16(key.length + 1)),
            hex"80600a5f395ff300",
            key
        );
        assembly ("memory-safe") {
            data := create(0, add(creation, 0x20), mload(creation))
        }
        if (data == address(0)) revert PublishingFailed();
    }
}
