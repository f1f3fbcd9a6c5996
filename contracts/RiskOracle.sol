// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { FIELD_ORDER } from "./Field.sol";
import { Observation, PriceAggregation, Reason, Round, Verdict } from "./PriceAggregation.sol";
import { Reporter, ReporterSet } from "./ReporterSet.sol";
import { IRiskOracle, SnapshotInfo } from "./interfaces/IRiskOracle.sol";

/// @dev What a quorum of reporters signs (EIP-712) once the prices are known. `pricesHash` is the Keccak-256 of the ABI encoding of keys and
/// aggregated prices, `inputsHash` that of the bytes from which, with the prices, anybody recomputes the snapshot.
// solhint-disable-next-line gas-struct-packing
struct SnapshotHeader {
    uint64 epoch;
    uint64 time;
    uint256 snapshotRoot;
    bytes32 pricesHash;
    bytes32 inputsHash;
    bool steady;
}

/// @title Risk oracle
/// @notice Takes one risk snapshot per epoch from a quorum of reporters and keeps them all. The prices in it are aggregated here, from each
/// reporter's own signed observations.
/// @dev A price has a key: place of the underlying times 2^54, plus 0 for its index or the expiry in milliseconds for a forward. Keys ascend.
contract RiskOracle is IRiskOracle, ReporterSet, EIP712 {
    /// @notice What a quorum signs.
    bytes32 public constant HEADER_TYPEHASH = keccak256(
        "SnapshotHeader(uint64 epoch,uint64 time,uint256 snapshotRoot,bytes32 pricesHash,bytes32 inputsHash,bool steady)"
    );

    /// @notice What each reporter signs.
    bytes32 public constant OBSERVATION_TYPEHASH = keccak256(
        "Observation(uint64 epoch,uint64 time,uint64[] keys,uint64[] prices,uint64[] tradedAt,bytes32 restHash)"
    );

    /// @notice Currency in which prices are wanted.
    bytes32 public constant DOLLAR = "USD";

    /// @notice Seconds by which a header's time may be ahead of the block's.
    uint256 public constant MAX_AHEAD = 5;

    /// @notice Seconds after which a signed header can no longer be posted.
    uint256 public constant MAX_DELAY = 180;

    /// @notice Most prices of an epoch.
    uint256 public constant MAX_PRICES = 256;

    uint64[] private _keys;
    uint64[] private _prices;

    SnapshotInfo private _latest;

    /// @notice Root of an epoch's snapshot; 0 if there is none.
    mapping(uint256 epoch => uint256) public rootOf;

    mapping(uint256 root => SnapshotInfo) private _infoOf;

    /// @notice A snapshot was posted: the aggregated prices by ascending key, and the other inputs that it was computed from.
    event SnapshotPosted(
        uint64 indexed epoch,
        uint64 time,
        uint256 snapshotRoot,
        bool steady,
        bytes32 inputsHash,
        bytes inputs,
        uint64[] priceKeys,
        uint64[] prices
    );

    /// @notice A reporter's observation does not count in a price of an epoch.
    event SourceLeftOut(uint64 indexed epoch, address indexed reporter, uint64 key, Reason reason);

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

    /// @notice Too few reporters signed the header, or too few observed.
    /// @dev Cure: collect signatures, or observations, of `quorum` reporters.
    error QuorumMissing(uint256 given, uint256 quorum);

    /// @notice The signatures are not in strictly ascending order of the signers' addresses; one signer counts once.
    /// @dev Cure: sort by signer and drop duplicates; an unexpected signer means that another vector, header or domain was signed.
    error SignersNotAscending(address previous, address signer);

    /// @notice There are no keys, too many, or they do not ascend.
    /// @dev Cure: name 1 to 256 prices by ascending key.
    error InvalidKeys(uint256 place);

    /// @notice An observation does not have one price and one time for each key.
    /// @dev Cure: give 0 for a price that the source does not have.
    error ObservationLength(uint256 observation);

    /// @notice Too few sources of a price are fresh.
    /// @dev Cure: wait for trades and observe again; if the instruments of the key are no longer traded, settle them.
    error PriceQuorumMissing(uint64 key, uint256 fresh, uint256 quorum);

    /// @notice All fresh sources of a price quote in one currency that is not the dollar, though the reporters have several.
    /// @dev Cure: wait for trades in another currency.
    error OneCurrency(uint64 key);

    /// @notice A price moved by more than a tenth a minute, and too few sources moved as far.
    /// @dev Cure: observe again; the bound grows by a tenth of the price a minute.
    error MoveNotConfirmed(uint64 key, uint256 last, uint256 price, uint256 confirmations);

    /// @notice The prices are not those that the reporters signed.
    /// @dev Cure: post the observations that the header was computed from.
    error PricesMismatch(bytes32 expected, bytes32 given);

    /// @param admin First administrator, who may rotate the reporters.
    /// @param firstReporters First set of reporters.
    constructor(address admin, Reporter[] memory firstReporters) EIP712("Solvus RiskOracle", "1") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(REPORTER_ADMIN_ROLE, admin);
        _initialize(firstReporters);
    }

    /// @notice Posts the next epoch's snapshot. Anybody may call: the signatures authorize it.
    /// @param header What a quorum of reporters signed.
    /// @param inputs All inputs of the snapshot as bytes.
    /// @param keys Keys of the prices.
    /// @param observations The reporters' observations, by strictly ascending signer address.
    /// @param signatures Signatures over the header, by strictly ascending signer address.
    function post(
        SnapshotHeader calldata header,
        bytes calldata inputs,
        uint64[] calldata keys,
        Observation[] calldata observations,
        bytes[] calldata signatures
    ) external {
        SnapshotInfo memory newest = _latest;
        _requireInTime(header, newest);
        uint256 root = header.snapshotRoot;
        if (root == 0 || root >= FIELD_ORDER) revert InvalidSnapshotRoot(root);
        uint64 usedIn = _infoOf[root].epoch;
        if (usedIn != 0) revert SnapshotRootReused(root, usedIn);
        bytes32 inputsHash = keccak256(inputs);
        if (inputsHash != header.inputsHash) revert InputsMismatch(header.inputsHash, inputsHash);

        (uint256 needed, uint256 fresh, bool severalCurrencies) = _currentSet();
        _requireQuorum(headerDigest(header), signatures, needed);
        _requireKeys(keys);
        address[] memory observers = _observers(header, keys, observations, fresh);
        Round memory round = _round(header.time, newest.time, fresh, severalCurrencies, observers);
        uint64[] memory prices = _aggregate(header.epoch, round, keys, observations, observers);
        bytes32 pricesHash = keccak256(abi.encode(keys, prices));
        if (pricesHash != header.pricesHash) revert PricesMismatch(header.pricesHash, pricesHash);

        _keys = keys;
        _prices = prices;
        SnapshotInfo memory info = SnapshotInfo(
            header.epoch,
            header.time,
            uint64(block.timestamp),
            header.steady
        );
        _latest = info;
        _infoOf[root] = info;
        rootOf[header.epoch] = root;
        emit SnapshotPosted(header.epoch, header.time, root, header.steady, inputsHash, inputs, keys, prices);
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

    /// @notice The latest epoch's prices by ascending key, micro-dollars for one unit; empty before the first.
    function latestPrices() external view returns (uint64[] memory priceKeys, uint64[] memory prices) {
        return (_keys, _prices);
    }

    /// @notice Digest that reporters sign for a header (EIP-712; name "Solvus RiskOracle", version "1").
    function headerDigest(SnapshotHeader calldata header) public view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        HEADER_TYPEHASH,
                        header.epoch,
                        header.time,
                        header.snapshotRoot,
                        header.pricesHash,
                        header.inputsHash,
                        header.steady
                    )
                )
            );
    }

    /// @notice Digest that a reporter signs for its observation (EIP-712, as for the header).
    function observationDigest(
        uint64 epoch,
        uint64 time,
        uint64[] calldata keys,
        Observation calldata observation
    ) external view returns (bytes32) {
        return _observationDigest(epoch, time, _hashOf(keys), observation);
    }

    /// @dev Epoch and time follow the latest snapshot's, and the time is near the block's.
    function _requireInTime(SnapshotHeader calldata header, SnapshotInfo memory newest) private view {
        if (header.epoch != newest.epoch + 1) revert EpochOutOfOrder(newest.epoch + 1, header.epoch);
        if (header.time <= newest.time) revert TimeNotIncreasing(newest.time, header.time);
        if (header.time > block.timestamp + MAX_AHEAD) revert HeaderInFuture(header.time, block.timestamp);
        if (block.timestamp > header.time + MAX_DELAY) revert HeaderTooOld(header.time, block.timestamp);
    }

    function _requireQuorum(bytes32 digest, bytes[] calldata signatures, uint256 needed) private view {
        if (signatures.length < needed) revert QuorumMissing(signatures.length, needed);
        address last;
        for (uint256 i; i < signatures.length; ++i) last = _signerAfter(last, digest, signatures[i]);
    }

    /// @dev The reporter who signed, whose address must be above the one before.
    function _signerAfter(
        address last,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (address signer) {
        signer = ECDSA.recoverCalldata(digest, signature);
        if (signer <= last) revert SignersNotAscending(last, signer);
        if (currencyOf[signer] == 0) revert NotAReporter(signer);
    }

    function _observationDigest(
        uint64 epoch,
        uint64 time,
        bytes32 keysHash,
        Observation calldata observation
    ) private view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        OBSERVATION_TYPEHASH,
                        epoch,
                        time,
                        keysHash,
                        _hashOf(observation.prices),
                        _hashOf(observation.tradedAt),
                        observation.restHash
                    )
                )
            );
    }

    /// @dev EIP-712 hash of an array: Keccak-256 of its words as they stand in calldata. A word of more than 64 bits is refused where it is read.
    function _hashOf(uint64[] calldata words) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := shl(5, words.length)
            calldatacopy(free, words.offset, length)
            hash := keccak256(free, length)
        }
    }

    function _requireKeys(uint64[] calldata keys) private pure {
        if (keys.length == 0 || keys.length > MAX_PRICES) revert InvalidKeys(keys.length);
        for (uint256 i = 1; i < keys.length; ++i) if (keys[i] <= keys[i - 1]) revert InvalidKeys(i);
    }

    /// @dev Who signed the observations: one each, and enough.
    function _observers(
        SnapshotHeader calldata header,
        uint64[] calldata keys,
        Observation[] calldata observations,
        uint256 needed
    ) private view returns (address[] memory observers) {
        if (observations.length < needed) revert QuorumMissing(observations.length, needed);
        observers = new address[](observations.length);
        bytes32 keysHash = _hashOf(keys);
        address last;
        for (uint256 k; k < observations.length; ++k) {
            Observation calldata observation = observations[k];
            if (observation.prices.length != keys.length || observation.tradedAt.length != keys.length) {
                revert ObservationLength(k);
            }
            bytes32 digest = _observationDigest(header.epoch, header.time, keysHash, observation);
            last = _signerAfter(last, digest, observation.signature);
            observers[k] = last;
        }
    }

    /// @dev What holds for every price: time, quorum, and which observers quote in the same currency.
    function _round(
        uint256 time,
        uint256 lastTime,
        uint256 fresh,
        bool severalCurrencies,
        address[] memory observers
    ) private view returns (Round memory round) {
        bytes32[] memory codes = new bytes32[](observers.length);
        round = Round({
            time: time,
            elapsedMinutes: (time - lastTime + 59) / 60,
            quorum: fresh,
            currency: new uint256[](observers.length),
            dollar: observers.length,
            severalCurrencies: severalCurrencies
        });
        for (uint256 k; k < observers.length; ++k) {
            codes[k] = currencyOf[observers[k]];
            uint256 first;
            while (codes[first] != codes[k]) ++first;
            round.currency[k] = first;
            if (first == k && codes[k] == DOLLAR) round.dollar = k;
        }
    }

    /// @dev Every price, with an event for each source that does not count in one.
    function _aggregate(
        uint64 epoch,
        Round memory round,
        uint64[] calldata keys,
        Observation[] calldata observations,
        address[] memory observers
    ) private returns (uint64[] memory prices) {
        prices = new uint64[](keys.length);
        uint64[] memory lastKeys = _keys;
        uint64[] memory lastPrices = _prices;
        uint256 before;
        for (uint256 i; i < keys.length; ++i) {
            while (before < lastKeys.length && lastKeys[before] < keys[i]) ++before;
            uint256 last = before < lastKeys.length && lastKeys[before] == keys[i] ? lastPrices[before] : 0;
            (uint256 price, Verdict verdict, uint256 count, Reason[] memory reasons) = PriceAggregation
                .aggregate(round, observations, i, last);
            if (verdict == Verdict.QuorumMissing) revert PriceQuorumMissing(keys[i], count, round.quorum);
            if (verdict == Verdict.CurrencyMissing) revert OneCurrency(keys[i]);
            if (verdict == Verdict.MoveNotConfirmed) revert MoveNotConfirmed(keys[i], last, price, count);
            for (uint256 k; k < reasons.length; ++k) {
                if (reasons[k] != Reason.Used) emit SourceLeftOut(epoch, observers[k], keys[i], reasons[k]);
            }
            prices[i] = uint64(price);
        }
    }
}
