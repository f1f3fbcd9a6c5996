// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { BabyJubjub } from "../../contracts/BabyJubjub.sol";
import { FIELD_ORDER } from "../../contracts/Field.sol";
import { cheats } from "./Cheats.sol";

/// @dev Calls the library from outside, so that its reverts can be expected.
contract KeyCheck {
    function requirePublicKey(uint256 x, uint256 y) external pure {
        BabyJubjub.requirePublicKey(x, y);
    }
}

contract BabyJubjubTest {
    /// @dev circomlib's Base8, which generates the prime subgroup.
    uint256 private constant BASE_X =
        5299619240641551281634865583518297030282874472190772894086521144482721001553;
    uint256 private constant BASE_Y =
        16950150798460657717958625567821834550301663161624707787222815936182638968203;
    /// @dev circomlib's generator of the whole group; eight times it is Base8.
    uint256 private constant FULL_X =
        995203441582195749578291179787384436505546430278305826713579947235728471134;
    uint256 private constant FULL_Y =
        5472060717959818805561601436314318772137091100104008585924551046643952123905;

    KeyCheck private check;

    function setUp() public {
        check = new KeyCheck();
    }

    function testEightTimesTheGeneratorIsTheBase() public view {
        (uint256 x, uint256 y) = affine(multiply(8, [FULL_X, FULL_Y, 1]));
        require(x == BASE_X && y == BASE_Y, "Base8");
    }

    function testFuzzMultiplesOfTheBaseArePublicKeys(uint256 scalar) public view {
        scalar = (scalar % (BabyJubjub.SUBGROUP_ORDER - 1)) + 1;
        (uint256 x, uint256 y) = affine(multiply(scalar, [BASE_X, BASE_Y, 1]));
        check.requirePublicKey(x, y);
    }

    function testFuzzRefusesPointsWithALowOrderComponent(uint256 scalar) public {
        scalar = (scalar % (8 * BabyJubjub.SUBGROUP_ORDER - 1)) + 1;
        if (scalar % 8 == 0) scalar += 1;
        (uint256 x, uint256 y) = affine(multiply(scalar, [FULL_X, FULL_Y, 1]));
        cheats.expectRevert(abi.encodeWithSelector(BabyJubjub.PointNotInPrimeSubgroup.selector, x, y));
        check.requirePublicKey(x, y);
    }

    /// @dev The seven points of order 2, 4 and 8, and the identity.
    function testRefusesEveryPointOfLowOrder() public {
        for (uint256 k; k < 8; ++k) {
            (uint256 x, uint256 y) = affine(multiply(k * BabyJubjub.SUBGROUP_ORDER, [FULL_X, FULL_Y, 1]));
            cheats.expectRevert(abi.encodeWithSelector(BabyJubjub.PointNotInPrimeSubgroup.selector, x, y));
            check.requirePublicKey(x, y);
        }
    }

    function testFuzzRefusesPointsOffTheCurve(uint256 x, uint256 y) public {
        cheats.expectRevert(abi.encodeWithSelector(BabyJubjub.PointNotOnCurve.selector, x, y));
        check.requirePublicKey(x, y);
    }

    function testFuzzRefusesUnreducedCoordinates(uint256 scalar, bool second) public {
        scalar = (scalar % (BabyJubjub.SUBGROUP_ORDER - 1)) + 1;
        (uint256 x, uint256 y) = affine(multiply(scalar, [BASE_X, BASE_Y, 1]));
        if (second) y += FIELD_ORDER;
        else x += FIELD_ORDER;
        cheats.expectRevert(abi.encodeWithSelector(BabyJubjub.PointNotOnCurve.selector, x, y));
        check.requirePublicKey(x, y);
    }

    function testFuzzAdditionIsAGroupLaw(uint256 a, uint256 b) public view {
        a %= 8 * BabyJubjub.SUBGROUP_ORDER;
        b %= 8 * BabyJubjub.SUBGROUP_ORDER;
        uint256[3] memory p = [FULL_X, FULL_Y, 1];
        (uint256 x, uint256 y) = affine(BabyJubjub.add(multiply(a, p), multiply(b, p)));
        (uint256 u, uint256 v) = affine(multiply(addmod(a, b, 8 * BabyJubjub.SUBGROUP_ORDER), p));
        require(x == u && y == v && BabyJubjub.isOnCurve(x, y), "sum");
    }

    function multiply(uint256 scalar, uint256[3] memory point) private pure returns (uint256[3] memory sum) {
        sum = [uint256(0), 1, 1];
        for (uint256 bit = 256; bit > 0; --bit) {
            sum = BabyJubjub.add(sum, sum);
            if ((scalar >> (bit - 1)) & 1 == 1) sum = BabyJubjub.add(sum, point);
        }
    }

    function affine(uint256[3] memory point) private view returns (uint256 x, uint256 y) {
        bytes memory call = abi.encode(32, 32, 32, point[2], FIELD_ORDER - 2, FIELD_ORDER);
        (bool success, bytes memory inverse) = address(5).staticcall(call);
        require(success, "modexp");
        uint256 scale = abi.decode(inverse, (uint256));
        x = mulmod(point[0], scale, FIELD_ORDER);
        y = mulmod(point[1], scale, FIELD_ORDER);
    }
}
