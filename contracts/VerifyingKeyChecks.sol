// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Checks of verifying keys
/// @notice Reads Groth16 verifying keys that are stored as code and refuses those that no proof should be checked with. Used at deployment.
/// @dev Code of a key: a STOP byte, then words alpha (2), beta (4), gamma (4), delta (4), IC (2 per point).
library VerifyingKeyChecks {
    uint256 private constant POINT = 64;
    uint256 private constant G2_POINT = 128;
    /// @dev Bytes of alpha, beta and gamma, which all keys share.
    uint256 private constant COMMON = POINT + 2 * G2_POINT;
    uint256 private constant DELTA = COMMON;
    uint256 private constant IC = COMMON + G2_POINT;

    /// @dev Keccak-256 over alpha and beta of the development keys. Their toxic waste is derived from a public string, the same for
    /// every circuit and every version of it.
    bytes32 internal constant DEVELOPMENT_ALPHA_BETA =
        0x7cce0304f88b6e087ebf3354b24e916de1e66e8f427b319efbf7bf3027fc1cb9;

    /// @notice The code is not a key of this many public signals.
    /// @dev Cure: deploy the key of the circuit that the place is for.
    error KeyLengthMismatch(address key, uint256 expected, uint256 given);

    /// @notice The code does not begin with STOP.
    /// @dev Cure: deploy the key as a data contract: a zero byte, then the key.
    error NotADataContract(address key);

    /// @notice A point of the key is the point at infinity, off its curve or off its subgroup.
    /// @dev Cure: build the key again; IC at infinity means a public signal in no constraint. `offset` counts the key's bytes.
    error InvalidKeyPoint(address key, uint256 offset);

    /// @notice Delta equals gamma, as in a key to which nobody has contributed: its proofs can be forged.
    /// @dev Cure: finish the ceremony's second phase for this circuit.
    error UnsafeDelta(address key);

    /// @notice Two keys do not share alpha, beta and gamma, which batch verification relies on.
    /// @dev Cure: derive all keys from the same first phase.
    error KeysNotRelated(address first, address second);

    /// @notice Two circuits have the same key or the same delta.
    /// @dev Cure: give each circuit its own key and contribution.
    error DeltaShared(address first, address second);

    /// @notice Keccak-256 of a key.
    function hashOf(address key) internal view returns (bytes32) {
        return keccak256(_read(key, 0, key.code.length - 1));
    }

    /// @notice Whether a key is made from the public toxic waste.
    function isDevelopmentKey(address key) internal view returns (bool) {
        return keccak256(_read(key, 0, POINT + G2_POINT)) == DEVELOPMENT_ALPHA_BETA;
    }

    /// @notice Reverts unless the code is a sound key of `inputCount` public signals.
    function requireKey(address key, uint256 inputCount) internal view {
        uint256 length = 1 + IC + POINT * (inputCount + 1);
        if (key.code.length != length) revert KeyLengthMismatch(key, length, key.code.length);
        if (key.code[0] != 0) revert NotADataContract(key);
        _requirePoint(key, 0);
        _requireG2Point(key, POINT);
        _requireG2Point(key, POINT + G2_POINT);
        _requireG2Point(key, DELTA);
        for (uint256 i; i <= inputCount; ++i) _requirePoint(key, IC + POINT * i);
        if (keccak256(_read(key, POINT + G2_POINT, G2_POINT)) == keccak256(_read(key, DELTA, G2_POINT)))
            revert UnsafeDelta(key);
    }

    /// @notice Reverts unless two keys have alpha, beta and gamma in common and deltas of their own.
    function requireCompatible(address first, address second) internal view {
        if (keccak256(_read(first, 0, COMMON)) != keccak256(_read(second, 0, COMMON))) {
            revert KeysNotRelated(first, second);
        }
        if (keccak256(_read(first, DELTA, G2_POINT)) == keccak256(_read(second, DELTA, G2_POINT))) {
            revert DeltaShared(first, second);
        }
    }

    /// @dev The addition precompile fails for a point that is not on the curve.
    function _requirePoint(address key, uint256 offset) private view {
        bytes memory point = _read(key, offset, POINT);
        (uint256 x, uint256 y) = abi.decode(point, (uint256, uint256));
        (bool success, bytes memory sum) = address(0x06).staticcall(bytes.concat(point, new bytes(POINT)));
        if (!success || sum.length != POINT || (x | y) == 0) revert InvalidKeyPoint(key, offset);
    }

    /// @dev The pairing precompile fails for a point that is not in the subgroup, whatever it is paired with.
    function _requireG2Point(address key, uint256 offset) private view {
        bytes memory point = _read(key, offset, G2_POINT);
        (uint256 a, uint256 b, uint256 c, uint256 d) = abi.decode(
            point,
            (uint256, uint256, uint256, uint256)
        );
        (bool success, bytes memory result) = address(0x08).staticcall(bytes.concat(new bytes(POINT), point));
        if (!success || result.length != 32 || (a | b | c | d) == 0) revert InvalidKeyPoint(key, offset);
    }

    /// @dev Copies `length` bytes of a key from `offset`, both without the STOP byte.
    function _read(address key, uint256 offset, uint256 length) private view returns (bytes memory data) {
        data = new bytes(length);
        assembly ("memory-safe") {
            extcodecopy(key, add(data, 0x20), add(offset, 1), length)
        }
    }
}
