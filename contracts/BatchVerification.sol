// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";
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
    //   0x40  −sum of r_i·C_i over the circuit's items (x, y)
    //   0x80  term: the next point to add, and its scalar (x, y, scalar)
    //   0xe0  scalars of the input points: sum of r_i, then for each public signal the sum of r_i·signal_i, modulo r
    //    …    the key
    uint256 private constant PART_HASH = 0x20;
    uint256 private constant PART_SUM = 0x40;
    uint256 private constant PART_TERM = 0x80;
    uint256 private constant PART_SCALARS = 0xe0;

    /// @inheritdoc IProofVerifier
    function verifyBatch(uint256[] calldata words) external view returns (bool) {
        uint256[] memory parts = new uint256[](uint256(type(Circuit).max) + 1);
        (uint256 count, bytes32 seed) = _read(words, parts);
        uint256[] memory coefficients = _draw(count, seed);
        _combineInputs(words, parts, coefficients);
        return _holds(words, parts, coefficients);
    }

    /// @dev Data contract of a circuit's verifying key.
    function _keyOf(Circuit circuit) internal view virtual returns (address);

    /// @dev Divides the words into items, loads the key of each circuit present into `parts`, and hashes what the coefficients must depend
    /// on: the domain, then each item with its circuit named by the hash of its key.
    function _read(
        uint256[] calldata words,
        uint256[] memory parts
    ) private view returns (uint256 count, bytes32 seed) {
        bytes32[] memory transcript;
        assembly ("memory-safe") {
            transcript := mload(0x40)
            let length := shl(5, words.length)
            mstore(0x40, add(add(transcript, 0x40), length))
            mstore(transcript, add(words.length, 1))
            calldatacopy(add(transcript, 0x40), words.offset, length)
        }
        transcript[0] = COEFFICIENT_DOMAIN;
        unchecked {
            for (uint256 start; start < words.length; ++count) {
                if (count == BATCH_LIMIT) revert BatchTooLarge(BATCH_LIMIT);
                uint256 circuit = words[start];
                if (circuit >= parts.length) revert UnknownCircuit(circuit);
                uint256 part = parts[circuit];
                if (part == 0) {
                    part = _loadPart(Circuit(circuit));
                    parts[circuit] = part;
                }
                uint256 next;
                assembly ("memory-safe") {
                    mstore(add(add(transcript, 0x40), shl(5, start)), mload(add(part, PART_HASH)))
                    next := add(add(start, ITEM_HEAD), mload(part))
                }
                if (next > words.length) revert BatchLengthMismatch(next, words.length);
                start = next;
            }
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
            let vk := add(add(part, PART_SCALARS), shl(5, add(inputs, 1)))
            let length := add(KEY_HEAD, shl(6, add(inputs, 1)))
            mstore(0x40, add(vk, length))
            // Copying from beyond the end of calldata writes zeros.
            calldatacopy(part, calldatasize(), sub(vk, part))
            extcodecopy(key, vk, 1, length)
            mstore(part, inputs)
            mstore(add(part, PART_HASH), keccak256(vk, length))
        }
    }

    /// @dev Coefficient i: the low 128 bits of the hash of seed and i, 1 in place of 0.
    function _draw(uint256 count, bytes32 seed) private pure returns (uint256[] memory coefficients) {
        coefficients = new uint256[](count);
        assembly ("memory-safe") {
            mstore(0x00, seed)
            for {
                let i := 0
            } lt(i, count) {
                i := add(i, 1)
            } {
                mstore(0x20, i)
                let coefficient := and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffff)
                mstore(add(add(coefficients, 0x20), shl(5, i)), or(coefficient, iszero(coefficient)))
            }
        }
    }

    /// @dev Adds up each circuit's input points' scalars over its items, and refuses a public signal >= r.
    function _combineInputs(
        uint256[] calldata words,
        uint256[] memory parts,
        uint256[] memory coefficients
    ) private pure {
        uint256 refused;
        assembly ("memory-safe") {
            let item := words.offset
            for {
                let at := add(coefficients, 0x20)
                let last := add(at, shl(5, mload(coefficients)))
            } lt(at, last) {
                at := add(at, 0x20)
            } {
                let coefficient := mload(at)
                let part := mload(add(add(parts, 0x20), shl(5, calldataload(item))))
                let scalar := add(part, PART_SCALARS)
                mstore(scalar, add(mload(scalar), coefficient))
                scalar := add(scalar, 0x20)
                let input := add(item, shl(5, ITEM_HEAD))
                item := add(input, shl(5, mload(part)))
                for {} lt(input, item) {
                    input := add(input, 0x20)
                    scalar := add(scalar, 0x20)
                } {
                    let value := calldataload(input)
                    refused := or(refused, lt(sub(FIELD_ORDER, 1), value))
                    value := mulmod(coefficient, value, FIELD_ORDER)
                    mstore(scalar, addmod(mload(scalar), value, FIELD_ORDER))
                }
            }
        }
        if (refused != 0) _refuseInput(words);
    }

    /// @dev Names the first public signal >= r.
    function _refuseInput(uint256[] calldata words) private pure {
        for (uint256 start; start < words.length;) {
            uint256 inputs = PublicSignals.count(Circuit(words[start]));
            start += ITEM_HEAD;
            for (uint256 i; i < inputs; ++i) {
                if (words[start + i] >= FIELD_ORDER) revert InputNotInField(i, words[start + i]);
            }
            start += inputs;
        }
    }

    /// @dev Forms the points of both sides and asks for the product. False when a precompile fails, or is missing and returns nothing: it
    /// fails for coordinates >= q and for points off the curve or off the subgroup.
    function _holds(
        uint256[] calldata words,
        uint256[] memory parts,
        uint256[] memory coefficients
    ) private view returns (bool valid) {
        assembly ("memory-safe") {
            let total := 0 // sum of all r_i
            let item := words.offset
            let pairs := mload(0x40) // what the pairing precompile is given: 0xc0 bytes a pair
            let pair := pairs
            valid := 1

            // Each item: the pair (r·A, B); −r·C into its circuit's sum. A precompile that fails takes almost all gas with it, so the first
            // bad point ends the work.
            for {
                let at := add(coefficients, 0x20)
                let last := add(at, shl(5, mload(coefficients)))
            } lt(at, last) {
                at := add(at, 0x20)
            } {
                let coefficient := mload(at)
                total := add(total, coefficient)
                let part := mload(add(add(parts, 0x20), shl(5, calldataload(item))))

                calldatacopy(pair, add(item, 0x20), 0x40)
                mstore(add(pair, 0x40), coefficient)
                valid := staticcall(gas(), 0x07, pair, 0x60, pair, 0x40)
                valid := and(valid, eq(returndatasize(), 0x40))
                if iszero(valid) {
                    break
                }
                calldatacopy(add(pair, 0x40), add(item, 0x60), 0x80)
                pair := add(pair, 0xc0)

                let sum := add(part, PART_SUM)
                let term := add(part, PART_TERM)
                calldatacopy(term, add(item, 0xe0), 0x40)
                mstore(add(term, 0x40), sub(FIELD_ORDER, coefficient))
                valid := staticcall(gas(), 0x07, term, 0x60, term, 0x40)
                valid := and(valid, eq(returndatasize(), 0x40))
                if iszero(valid) {
                    break
                }
                valid := staticcall(gas(), 0x06, sum, 0x80, sum, 0x40)
                valid := and(valid, eq(returndatasize(), 0x40))
                item := add(item, shl(5, add(ITEM_HEAD, mload(part))))
            }

            // Each circuit present: the pair (−sum of r·C, delta), and its input points into one sum for all circuits.
            // This sum stands beyond all the pairs that may come.
            let inputSum := add(pair, mul(0xc0, add(mload(parts), 2)))
            let term := add(inputSum, 0x40)
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

                mcopy(pair, add(part, PART_SUM), 0x40)
                mcopy(add(pair, 0x40), add(vk, 0x140), 0x80) // delta
                pair := add(pair, 0xc0)

                for {
                    let point := add(vk, KEY_HEAD)
                } lt(scalar, vk) {
                    scalar := add(scalar, 0x20)
                    point := add(point, 0x40)
                } {
                    let value := mload(scalar)
                    if value {
                        mcopy(term, point, 0x40)
                        mstore(add(term, 0x40), sub(FIELD_ORDER, value))
                        valid := and(valid, staticcall(gas(), 0x07, term, 0x60, term, 0x40))
                        valid := and(valid, eq(returndatasize(), 0x40))
                        valid := and(valid, staticcall(gas(), 0x06, inputSum, 0x80, inputSum, 0x40))
                        valid := and(valid, eq(returndatasize(), 0x40))
                    }
                }
            }

            // (−sum of r · alpha, beta) and (−sum of r·L, gamma), from whichever key was read last: they are the same in all.
            if valid {
                mcopy(pair, vk, 0x40)
                mstore(add(pair, 0x40), sub(FIELD_ORDER, total))
                valid := staticcall(gas(), 0x07, pair, 0x60, pair, 0x40)
                valid := and(valid, eq(returndatasize(), 0x40))
                mcopy(add(pair, 0x40), add(vk, 0x40), 0x80) // beta
                mcopy(add(pair, 0xc0), inputSum, 0x40)
                mcopy(add(pair, 0x100), add(vk, 0xc0), 0x80) // gamma
                pair := add(pair, 0x180)
                valid := and(valid, staticcall(gas(), 0x08, pairs, sub(pair, pairs), 0x00, 0x20))
                valid := and(valid, eq(returndatasize(), 0x20))
                valid := and(valid, eq(mload(0x00), 1))
            }
        }
    }
}
