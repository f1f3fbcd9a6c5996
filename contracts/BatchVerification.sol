// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { BASE_FIELD_ORDER, FIELD_ORDER } from "./Field.sol";
import { PublicSignals } from "./PublicSignals.sol";
import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";

/// @title Batch verification of Groth16 proofs
/// @notice Checks up to sixteen proofs of any circuits in one pairing product, over keys that share alpha, beta and gamma.
/// @dev A proof i of circuit c is valid when e(A_i, B_i) = e(alpha, beta) · e(L_i, gamma) · e(C_i, delta_c), L_i being the sum of the key's
/// input points by the public signals. Each equation is raised to a random power r_i and all are multiplied:
///
///     prod_i e(r_i·A_i, B_i) · e(−sum r_i·alpha, beta) · e(−sum r_i·L_i, gamma) · prod_c e(−sum_{i in c} r_i·C_i, delta_c) = 1
///
/// If every proof is valid this holds. If one is not, it holds for at most one value of its r_i whatever the others are; and since the
/// coefficients are a hash of all keys, proofs and signals, whoever makes the proofs cannot aim at it: one try succeeds with 2^-128.
///
/// Cost: per proof a pairing and two scalar multiplications; per batch two pairings and a multiplication; per circuit present a
/// pairing and a multiplication for each public signal, because these are combined in the scalar field first.
abstract contract BatchVerification is IProofVerifier {
    /// @notice Most items that a batch may have.
    uint256 public constant BATCH_LIMIT = 16;

    /// @dev Begins what the coefficients are hashed from, so that nothing hashed elsewhere can be passed off as it.
    bytes32 private constant COEFFICIENT_DOMAIN = keccak256("Solvus batch verification coefficients");

    /// @dev Words of an item before its public signals: circuit and proof.
    uint256 private constant ITEM_HEAD = 9;

    /// @dev Bytes of a key before its input points: alpha (0x40), beta, gamma, delta (0x80 each).
    uint256 private constant KEY_HEAD = 0x1c0;

    // Memory of a circuit that is present in the batch. `term` follows `sum` so that the addition precompile finds both in place.
    //   0x00  number of public signals
    //   0x20  hash of the key
    //   0x40  sum of r_i·C_i over the circuit's items (x, y)
    //   0x80  term: the next point to add, and its scalar (x, y, scalar)
    //   0xe0  scalars of the input points: sum of r_i, then for each public signal the sum of r_i·signal_i, modulo r
    //    …    the key
    uint256 private constant PART_HASH = 0x20;
    uint256 private constant PART_SUM = 0x40;
    uint256 private constant PART_SCALARS = 0xe0;

    /// @inheritdoc IProofVerifier
    function verifyBatch(uint256[] calldata words) external view returns (bool) {
        uint256[] memory parts = new uint256[](uint256(type(Circuit).max) + 1);
        (uint256 count, bytes32 seed) = _read(words, parts);
        return _holds(words, parts, count, seed);
    }

    /// @dev Data contract of a circuit's verifying key.
    function _keyOf(Circuit circuit) internal view virtual returns (address);

    /// @dev First pass: checks the form of the batch, loads the key of each circuit present into `parts`, and hashes what the
    /// coefficients must depend on: the domain, then each item with its circuit named by the hash of its key.
    function _read(
        uint256[] calldata words,
        uint256[] memory parts
    ) private view returns (uint256 count, bytes32 seed) {
        bytes32[] memory transcript = new bytes32[](1 + words.length);
        transcript[0] = COEFFICIENT_DOMAIN;
        assembly ("memory-safe") {
            calldatacopy(add(transcript, 0x40), words.offset, shl(5, words.length))
        }
        for (uint256 start; start < words.length; ++count) {
            if (count == BATCH_LIMIT) revert BatchTooLarge(BATCH_LIMIT);
            uint256 circuit = words[start];
            if (circuit >= parts.length) revert UnknownCircuit(circuit);
            uint256 part = parts[circuit];
            if (part == 0) {
                part = _loadPart(Circuit(circuit));
                parts[circuit] = part;
            }
            uint256 inputs;
            assembly ("memory-safe") {
                inputs := mload(part)
                mstore(add(add(transcript, 0x40), shl(5, start)), mload(add(part, PART_HASH)))
            }
            uint256 end = start + ITEM_HEAD + inputs;
            if (end > words.length) revert BatchLengthMismatch(end, words.length);
            for (uint256 i = start + ITEM_HEAD; i < end; ++i) {
                if (words[i] >= FIELD_ORDER) revert InputNotInField(i - start - ITEM_HEAD, words[i]);
            }
            start = end;
        }
        if (count == 0) revert EmptyBatch();
        assembly ("memory-safe") {
            seed := keccak256(add(transcript, 0x20), shl(5, mload(transcript)))
        }
    }

    /// @dev Lays out the memory of a circuit: sums and scalars 0, then the key.
    function _loadPart(Circuit circuit) private view returns (uint256 part) {
        uint256 inputs = PublicSignals.count(circuit);
        address key = _keyOf(circuit);
        assembly ("memory-safe") {
            part := mload(0x40)
            let scalars := add(part, PART_SCALARS)
            let vk := add(scalars, shl(5, add(inputs, 1)))
            let length := add(KEY_HEAD, shl(6, add(inputs, 1)))
            mstore(0x40, add(vk, length))
            // Copying from beyond the end of calldata writes zeros.
            calldatacopy(part, calldatasize(), sub(vk, part))
            extcodecopy(key, vk, 1, length)
            mstore(part, inputs)
            mstore(add(part, PART_HASH), keccak256(vk, length))
        }
    }

    /// @dev Second pass: draws the coefficients, forms both sides' points and asks for the product. False as soon as a precompile fails,
    /// or is missing and returns nothing: it fails for coordinates >= q and for points off the curve or off the subgroup.
    function _holds(
        uint256[] calldata words,
        uint256[] memory parts,
        uint256 count,
        bytes32 seed
    ) private view returns (bool valid) {
        assembly ("memory-safe") {
            // term (x, y, scalar) becomes scalar · (x, y), in place.
            function multiply(term) -> success {
                success := staticcall(gas(), 0x07, term, 0x60, term, 0x40)
                success := and(success, eq(returndatasize(), 0x40))
            }

            // sum (x, y) becomes the sum and the term that stands behind it.
            function accumulate(sum) -> success {
                success := staticcall(gas(), 0x06, sum, 0x80, sum, 0x40)
                success := and(success, eq(returndatasize(), 0x40))
            }

            valid := 1
            let total := 0 // sum of all r_i
            let item := words.offset
            let pairs := mload(0x40) // what the pairing precompile is given: 0xc0 bytes a pair
            let pair := pairs
            mstore(0x00, seed)

            // Each item: the pair (r·A, B); r·C and the scalars into its circuit's part.
            for {
                let i := 0
            } and(valid, lt(i, count)) {
                i := add(i, 1)
            } {
                mstore(0x20, i)
                let coefficient := and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffff)
                coefficient := or(coefficient, iszero(coefficient))
                total := add(total, coefficient)

                calldatacopy(pair, add(item, 0x20), 0x40)
                mstore(add(pair, 0x40), coefficient)
                valid := multiply(pair)
                calldatacopy(add(pair, 0x40), add(item, 0x60), 0x80)
                pair := add(pair, 0xc0)

                let part := mload(add(add(parts, 0x20), shl(5, calldataload(item))))
                let sum := add(part, PART_SUM)
                calldatacopy(add(sum, 0x40), add(item, 0xe0), 0x40)
                mstore(add(sum, 0x80), coefficient)
                if valid {
                    valid := multiply(add(sum, 0x40))
                }
                if valid {
                    valid := accumulate(sum)
                }

                let scalar := add(part, PART_SCALARS)
                mstore(scalar, add(mload(scalar), coefficient))
                item := add(item, shl(5, ITEM_HEAD))
                for {
                    let end := add(item, shl(5, mload(part)))
                } lt(item, end) {
                    item := add(item, 0x20)
                } {
                    scalar := add(scalar, 0x20)
                    mstore(
                        scalar,
                        addmod(
                            mload(scalar),
                            mulmod(coefficient, calldataload(item), FIELD_ORDER),
                            FIELD_ORDER
                        )
                    )
                }
            }

            // Each circuit present: the pair (−sum of r·C, delta), and its input points into one sum for all circuits.
            // This sum grows at `inputSum`, beyond all the pairs that may come.
            let inputSum := add(pair, mul(0xc0, add(mload(parts), 2)))
            calldatacopy(inputSum, calldatasize(), 0x40)
            let vk := 0
            for {
                let slot := add(parts, 0x20)
                let end := add(slot, shl(5, mload(parts)))
            } and(valid, lt(slot, end)) {
                slot := add(slot, 0x20)
            } {
                let part := mload(slot)
                if iszero(part) {
                    continue
                }
                let scalar := add(part, PART_SCALARS)
                vk := add(scalar, shl(5, add(mload(part), 1)))

                mstore(pair, mload(add(part, PART_SUM)))
                let y := mload(add(part, add(PART_SUM, 0x20)))
                mstore(add(pair, 0x20), mul(iszero(iszero(y)), sub(BASE_FIELD_ORDER, y)))
                mcopy(add(pair, 0x40), add(vk, 0x140), 0x80) // delta
                pair := add(pair, 0xc0)

                for {
                    let point := add(vk, KEY_HEAD)
                } and(valid, lt(scalar, vk)) {
                    scalar := add(scalar, 0x20)
                    point := add(point, 0x40)
                } {
                    let value := mload(scalar)
                    if value {
                        mcopy(add(inputSum, 0x40), point, 0x40)
                        mstore(add(inputSum, 0x80), sub(FIELD_ORDER, value))
                        valid := multiply(add(inputSum, 0x40))
                        if valid {
                            valid := accumulate(inputSum)
                        }
                    }
                }
            }

            // (−sum of r · alpha, beta) and (−sum of r·L, gamma), from whichever key was read last: they are the same in all.
            if valid {
                mcopy(pair, vk, 0x40)
                mstore(add(pair, 0x40), sub(FIELD_ORDER, total))
                valid := multiply(pair)
                mcopy(add(pair, 0x40), add(vk, 0x40), 0x80) // beta
                mcopy(add(pair, 0xc0), inputSum, 0x40)
                mcopy(add(pair, 0x100), add(vk, 0xc0), 0x80) // gamma
                pair := add(pair, 0x180)
            }
            if valid {
                valid := staticcall(gas(), 0x08, pairs, sub(pair, pairs), 0x00, 0x20)
                valid := and(valid, and(eq(returndatasize(), 0x20), eq(mload(0x00), 1)))
            }
        }
    }
}
