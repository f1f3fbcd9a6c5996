// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";

/// @title Baby Jubjub
/// @notice Checks public keys on the twisted Edwards curve a·x² + y² = 1 + d·x²·y² over the BN254 scalar field, a = 168700 and
/// d = 168696 as in circomlib. The curve has order 8·l; keys belong to the subgroup of prime order l.
library BabyJubjub {
    uint256 private constant A = 168700;
    uint256 private constant D = 168696;

    /// @notice Order l of the prime subgroup.
    uint256 internal constant SUBGROUP_ORDER =
        2736030358979909402780800718157159386076813972158567259200215660948447373041;

    /// @notice A coordinate is not a field element, or the point does not satisfy the curve equation.
    /// @dev Cure: give both coordinates of a public key reduced below r, x first.
    error PointNotOnCurve(uint256 x, uint256 y);

    /// @notice The point is the identity or has a component of low order, so that it is no public key.
    /// @dev Cure: derive the key as a multiple of circomlib's Base8.
    error PointNotInPrimeSubgroup(uint256 x, uint256 y);

    /// @notice Reverts unless the point is on the curve and of order l exactly.
    function requirePublicKey(uint256 x, uint256 y) internal pure {
        if (!isOnCurve(x, y)) revert PointNotOnCurve(x, y);
        // l is prime: a point other than the identity that l takes to the identity has order l.
        if ((x == 0 && y == 1) || !isIdentityMultiple(x, y, SUBGROUP_ORDER))
            revert PointNotInPrimeSubgroup(x, y);
    }

    /// @notice Whether (x, y) has canonical coordinates and satisfies the curve equation.
    function isOnCurve(uint256 x, uint256 y) internal pure returns (bool) {
        if (x >= FIELD_ORDER || y >= FIELD_ORDER) return false;
        uint256 xx = mulmod(x, x, FIELD_ORDER);
        uint256 yy = mulmod(y, y, FIELD_ORDER);
        uint256 left = addmod(mulmod(A, xx, FIELD_ORDER), yy, FIELD_ORDER);
        uint256 right = addmod(1, mulmod(D, mulmod(xx, yy, FIELD_ORDER), FIELD_ORDER), FIELD_ORDER);
        return left == right;
    }

    /// @notice Whether scalar·(x, y) is the identity, for a point on the curve.
    /// @dev Double and add in projective coordinates. a is a square and d is none, so the addition law has no exception.
    function isIdentityMultiple(uint256 x, uint256 y, uint256 scalar) internal pure returns (bool) {
        uint256[3] memory point = [x, y, 1];
        uint256[3] memory sum = [uint256(0), 1, 1];
        for (uint256 bit = 256; bit > 0;) {
            unchecked {
                --bit;
            }
            sum = add(sum, sum);
            if ((scalar >> bit) & 1 == 1) sum = add(sum, point);
        }
        return sum[0] == 0 && sum[1] == sum[2];
    }

    /// @notice Sum of two projective points (X : Y : Z), any two points of the curve.
    function add(uint256[3] memory p, uint256[3] memory q) internal pure returns (uint256[3] memory sum) {
        uint256 zz = mulmod(p[2], q[2], FIELD_ORDER);
        uint256 xx = mulmod(p[0], q[0], FIELD_ORDER);
        uint256 yy = mulmod(p[1], q[1], FIELD_ORDER);
        uint256 e = mulmod(D, mulmod(xx, yy, FIELD_ORDER), FIELD_ORDER);
        uint256 square = mulmod(zz, zz, FIELD_ORDER);
        uint256 f = addmod(square, FIELD_ORDER - e, FIELD_ORDER);
        uint256 g = addmod(square, e, FIELD_ORDER);
        uint256 cross = mulmod(addmod(p[0], p[1], FIELD_ORDER), addmod(q[0], q[1], FIELD_ORDER), FIELD_ORDER);
        cross = addmod(cross, FIELD_ORDER - xx, FIELD_ORDER);
        cross = addmod(cross, FIELD_ORDER - yy, FIELD_ORDER);
        sum[0] = mulmod(zz, mulmod(f, cross, FIELD_ORDER), FIELD_ORDER);
        uint256 h = addmod(yy, FIELD_ORDER - mulmod(A, xx, FIELD_ORDER), FIELD_ORDER);
        sum[1] = mulmod(zz, mulmod(g, h, FIELD_ORDER), FIELD_ORDER);
        sum[2] = mulmod(f, g, FIELD_ORDER);
    }
}
