// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev Order r of the BN254 scalar field: every public signal, commitment and root is below it.
uint256 constant FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

/// @dev Modulus q of the BN254 base field: every coordinate of a proof point is below it.
uint256 constant BASE_FIELD_ORDER =
    21888242871839275222246405745257275088696311157297823662689037894645226208583;
