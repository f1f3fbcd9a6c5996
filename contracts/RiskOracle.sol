// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { FIELD_ORDER } from "./Field.sol";
import { LocalChain } from "./LocalChain.sol";
import { IRiskOracle, SnapshotInfo } from "./interfaces/IRiskOracle.sol";

/// @dev What the reporters sign (EIP-712). `inputsHash` is the Keccak-256 of the inputs from which anybody can recompute the snapshot.
// solhint-disable-next-line gas-struct-packing
struct SnapshotHeader {
    uint64 epoch;
    uint64 time;
    uint256 snapshotRoot;
    bytes32 inputsHash;
    bool steady;
}

/// @title Risk oracle
/// @notice Takes one risk snapshot per epoch from a quorum of reporters and keeps them all.
contract RiskOracle is IRiskOracle, AccessControl, EIP712 {
    /// @notice May replace the set of reporters.
    bytes32 public constant REPORTER_ADMIN_ROLE = keccak256("REPORTER_ADMIN_ROLE");

    /// @notice What a reporter signs.
    bytes32 public constant HEADER_TYPEHASH = keccak256(
        "SnapshotHeader(uint64 epoch,uint64 time,uint256 snapshotRoot,bytes32 inputsHash,bool steady)"
    );

    /// @notice Seconds by which a header's time may be ahead of the block's.
    uint256 public constant MAX_AHEAD = 5;

    /// @notice Seconds after which a signed header can no longer be posted.
    uint256 public constant MAX_DELAY = 180;

    /// @notice Fewest reporters on a chain that is not local: two may be faulty.
    uint256 public constant MIN_REPORTERS = 7;

    /// @notice Most reporters, which bounds the cost of a posting.
    uint256 public constant MAX_REPORTERS = 64;

    address[] private _reporters;

    /// @notice Whether an address is a reporter.
    mapping(address reporter => bool) public isReporter;

    SnapshotInfo private _latest;

    /// @notice Root of an epoch's snapshot; 0 if there is none.
    mapping(uint256 epoch => uint256) public rootOf;

    mapping(uint256 root => SnapshotInfo) private _infoOf;

    /// @notice A snapshot was posted, with the inputs that it was computed from.
    event SnapshotPosted(
        uint64 indexed epoch,
        uint64 time,
        uint256 snapshotRoot,
        bool steady,
        bytes32 inputsHash,
        bytes inputs
    );

    /// @notice The set of reporters was replaced.
    event ReportersSet(address[] reporters, uint256 quorum);

    /// @notice The epoch is not the one after the latest.
    /// @dev Cure: sign and post epoch `expected`; if it is larger than yours, somebody has posted yours.
    error EpochOutOfOrder(uint256 expected, uint256 given);

    /// @notice The time of observation is not after the latest snapshot's.
    /// @dev Cure: observe again.
    error TimeNotIncreasing(uint256 latestTime, uint256 given);

    /// @notice The time of observation is ahead of the chain's.
    /// @dev Cure: correct the reporters' clocks.
    error HeaderInFuture(uint256 time, uint256 blockTime);

    /// @notice The header was signed too long ago.
    /// @dev Cure: observe and sign the same epoch again.
    error HeaderTooOld(uint256 time, uint256 blockTime);

    /// @notice The snapshot root is 0 or not a field element.
    /// @dev Cure: post the root of a committed snapshot.
    error InvalidSnapshotRoot(uint256 snapshotRoot);

    /// @notice The snapshot root was posted for an earlier epoch.
    /// @dev Cure: commit to a snapshot with its own epoch.
    error SnapshotRootReused(uint256 snapshotRoot, uint256 epoch);

    /// @notice The inputs are not those that the reporters signed.
    /// @dev Cure: post the bytes whose Keccak-256 is the header's `inputsHash`.
    error InputsMismatch(bytes32 expected, bytes32 given);

    /// @notice Too few reporters signed.
    /// @dev Cure: collect signatures of `quorum` reporters.
    error QuorumMissing(uint256 signatures, uint256 quorum);

    /// @notice The signatures are not in strictly ascending order of the signers' addresses; one signer counts once.
    /// @dev Cure: sort by signer and drop duplicates; an unexpected signer means that another header or domain was signed.
    error SignersNotAscending(address previous, address signer);

    /// @notice A signer is not a reporter now.
    /// @dev Cure: drop the signature; an unknown signer may mean that another header or domain was signed.
    error NotAReporter(address signer);

    /// @notice The set of reporters is too small or too large.
    /// @dev Cure: name 7 to 64 reporters (1 to 64 on a local chain).
    error InvalidReporterCount(uint256 count);

    /// @notice An address is 0 or named twice.
    /// @dev Cure: name each reporter once.
    error InvalidReporter(address reporter);

    /// @param admin First administrator, who may replace the reporters.
    /// @param firstReporters First set of reporters.
    constructor(address admin, address[] memory firstReporters) EIP712("Solvus RiskOracle", "1") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(REPORTER_ADMIN_ROLE, admin);
        _setReporters(firstReporters);
    }

    /// @notice Posts the next epoch's snapshot. Anybody may call: the signatures authorize it.
    /// @param header What the reporters signed.
    /// @param inputs Aggregated inputs of the snapshot.
    /// @param signatures Signatures of a quorum of reporters, by strictly ascending signer address.
    function post(
        SnapshotHeader calldata header,
        bytes calldata inputs,
        bytes[] calldata signatures
    ) external {
        SnapshotInfo memory newest = _latest;
        if (header.epoch != newest.epoch + 1) revert EpochOutOfOrder(newest.epoch + 1, header.epoch);
        if (header.time <= newest.time) revert TimeNotIncreasing(newest.time, header.time);
        if (header.time > block.timestamp + MAX_AHEAD) revert HeaderInFuture(header.time, block.timestamp);
        if (block.timestamp > header.time + MAX_DELAY) revert HeaderTooOld(header.time, block.timestamp);
        uint256 root = header.snapshotRoot;
        if (root == 0 || root >= FIELD_ORDER) revert InvalidSnapshotRoot(root);
        uint64 usedIn = _infoOf[root].epoch;
        if (usedIn != 0) revert SnapshotRootReused(root, usedIn);
        bytes32 inputsHash = keccak256(inputs);
        if (inputsHash != header.inputsHash) revert InputsMismatch(header.inputsHash, inputsHash);
        _requireQuorum(header, signatures);

        SnapshotInfo memory info = SnapshotInfo(
            header.epoch,
            header.time,
            uint64(block.timestamp),
            header.steady
        );
        _latest = info;
        _infoOf[root] = info;
        rootOf[header.epoch] = root;
        emit SnapshotPosted(header.epoch, header.time, root, header.steady, inputsHash, inputs);
    }

    /// @notice Replaces the set of reporters at once; signatures of reporters who left no longer count.
    /// @param next The whole new set.
    function setReporters(address[] calldata next) external onlyRole(REPORTER_ADMIN_ROLE) {
        _setReporters(next);
    }

    /// @inheritdoc IRiskOracle
    function latest() external view returns (uint256 root, SnapshotInfo memory info) {
        info = _latest;
        root = rootOf[info.epoch];
    }

    /// @notice The snapshot before the latest; all zeros if there is none.
    function previous() external view returns (uint256 root, SnapshotInfo memory info) {
        uint64 epoch = _latest.epoch;
        if (epoch > 1) {
            root = rootOf[epoch - 1];
            info = _infoOf[root];
        }
    }

    /// @inheritdoc IRiskOracle
    function locate(
        uint256 root
    ) external view returns (SnapshotInfo memory found, SnapshotInfo memory newest) {
        return (_infoOf[root], _latest);
    }

    /// @notice Epoch of a snapshot root; 0 if it was never posted.
    function epochOf(uint256 root) external view returns (uint64) {
        return _infoOf[root].epoch;
    }

    /// @notice The snapshot of an epoch; all zeros if there is none.
    function snapshotAt(uint256 epoch) external view returns (uint256 root, SnapshotInfo memory info) {
        root = rootOf[epoch];
        if (root != 0) info = _infoOf[root];
    }

    /// @notice The reporters.
    function reporters() external view returns (address[] memory) {
        return _reporters;
    }

    /// @notice Signatures that a snapshot needs: 2f + 1 of n = 3f + 1, and more than two thirds of any n.
    function quorum() public view returns (uint256) {
        return (_reporters.length * 2) / 3 + 1;
    }

    /// @notice Digest that a reporter signs for a header (EIP-712; name "Solvus RiskOracle", version "1").
    function headerDigest(SnapshotHeader calldata header) public view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        HEADER_TYPEHASH,
                        header.epoch,
                        header.time,
                        header.snapshotRoot,
                        header.inputsHash,
                        header.steady
                    )
                )
            );
    }

    function _requireQuorum(SnapshotHeader calldata header, bytes[] calldata signatures) private view {
        uint256 needed = quorum();
        if (signatures.length < needed) revert QuorumMissing(signatures.length, needed);
        bytes32 digest = headerDigest(header);
        address last;
        for (uint256 i; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (signer <= last) revert SignersNotAscending(last, signer);
            if (!isReporter[signer]) revert NotAReporter(signer);
            last = signer;
        }
    }

    function _setReporters(address[] memory next) private {
        uint256 fewest = LocalChain.here() ? 1 : MIN_REPORTERS;
        if (next.length < fewest || next.length > MAX_REPORTERS) revert InvalidReporterCount(next.length);
        address[] memory old = _reporters;
        for (uint256 i; i < old.length; ++i) isReporter[old[i]] = false;
        for (uint256 i; i < next.length; ++i) {
            if (next[i] == address(0) || isReporter[next[i]]) revert InvalidReporter(next[i]);
            isReporter[next[i]] = true;
        }
        _reporters = next;
        emit ReportersSet(next, quorum());
    }
}
