// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "./Field.sol";
import { LedgerBound } from "./LedgerBound.sol";
import { RateCurve } from "./RateCurve.sol";
import { Tier } from "./Statements.sol";
import { ILedgerState } from "./interfaces/ILedgerState.sol";
import { ILiquidationAuction } from "./interfaces/ILiquidationAuction.sol";
import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";
import { IRiskOracle, SnapshotInfo } from "./interfaces/IRiskOracle.sol";

/// @dev Public signals of `insolvency` that the submitter gives; the auction adds the point and the value of the disclosure.
struct InsolvencySignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 nullifier;
    uint256 leafIndex;
}

/// @dev Public signals of `solvency` that the submitter gives; the auction adds the context. `ratio` is Q16, `excess` micro-USDC.
struct SolvencySignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 nullifier;
    uint256 leafIndex;
    uint256 ratio;
    uint256 excess;
    uint256 entity;
}

/// @title Liquidation auction
/// @notice Flags notes that are below their maintenance margin and says at which rate a keeper may take them over.
/// @dev A flag belongs to a place in the state tree. The place is in the proof and no owner can choose it, so nothing that an owner can
/// repeat, as a twin of his note, touches a flag.
contract LiquidationAuction is ILiquidationAuction, LedgerBound {
    /// @notice A note below its margin. All zeros: never flagged.
    /// @dev `nullifier` is 0 from a take-over until somebody proves E < MM of the successor itself. Times are Unix seconds.
    struct Flag {
        uint64 clockStart;
        uint64 lastProven;
        uint64 firstEpoch;
        uint256 nullifier;
    }

    /// @notice Seconds after its last proof when a flag lapses.
    uint256 public constant LAPSES_AFTER = 10 minutes;

    /// @notice Seconds on the clock after which the note's opening may be published.
    uint256 public constant REVEAL_AFTER = 15 minutes;

    /// @notice Seconds after its time of observation when the latest snapshot is stale, as for the ledger.
    uint256 public constant STALE_AFTER = 180;

    /// @inheritdoc ILiquidationAuction
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant override restoration = 6553;

    /// @dev 1 in Q16, the solvency ratio that clears a flag.
    uint256 private constant ONE = 2 ** 16;

    /// @notice Publishes the snapshots; the ledger's.
    IRiskOracle public oracle;

    /// @notice Verifies the proofs; the ledger's.
    IProofVerifier public verifier;

    mapping(uint256 leafIndex => Flag) private _flagOf;

    mapping(uint256 nullifier => uint256) private _leafOf;

    /// @notice Whether a note's opening was published.
    mapping(uint256 leafIndex => bool) public isRevealed;

    /// @notice E < MM was proven of a note at an epoch. Its flag dates from `firstEpoch`, its clock from `clockStart`.
    event Flagged(
        uint256 indexed leafIndex,
        uint256 indexed nullifier,
        uint256 epoch,
        uint256 firstEpoch,
        uint256 clockStart
    );

    /// @notice E >= MM was proven of a flagged note at an epoch.
    event Cleared(uint256 indexed leafIndex, uint256 indexed nullifier, uint256 epoch);

    /// @notice A note's opening, proven: owner key, entity, rho, cash, twenty packed legs. Negative values are field elements.
    event Revealed(uint256 indexed leafIndex, uint256 indexed nullifier, uint256[24] words);

    /// @notice A note was taken over; its flag went to its successor, unless that is `cured`.
    event FlagMoved(uint256 indexed leafIndex, uint256 indexed newLeafIndex, bool cured);

    /// @notice A public signal is not a field element, so that it would have a second representation.
    /// @dev Cure: reduce it modulo r; `index` counts the statement's public signals from 0.
    error SignalNotInField(uint256 index, uint256 value);

    /// @notice A published word is not a field element, so that it would not be the note's.
    /// @dev Cure: publish the words of the opening reduced modulo r; `index` counts them from 0.
    error WordNotInField(uint256 index, uint256 value);

    /// @notice The state root was never a root of the ledger's tree.
    /// @dev Cure: rebuild the tree from the ledger's events and prove on its root.
    error UnknownStateRoot(uint256 stateRoot);

    /// @notice The note is spent.
    /// @dev Cure: follow the account to its present note and prove for that one.
    error NullifierSpent(uint256 nullifier);

    /// @notice The snapshot is not the latest.
    /// @dev Cure: prove again on the latest snapshot.
    error SnapshotNotLatest(uint256 snapshotRoot, uint256 latestEpoch);

    /// @notice The latest snapshot is too old to price a note.
    /// @dev Cure: wait for the next snapshot.
    error SnapshotStale(uint256 staleSince);

    /// @notice The ledger winds down on the snapshot of this epoch: nobody is taken over any more, and nobody's opening is published for it.
    /// @dev Cure: none; accounts leave by wind-downs and exits.
    error WindingDown(uint256 epoch);

    /// @notice The proof does not show the statement for these public signals on this auction.
    /// @dev Cure: prove for exactly these signals; a reveal for `disclosurePoint` of its words, a clearing for `clearContext`.
    error ProofRejected(Circuit circuit);

    /// @notice The note has no flag, or its flag lapsed.
    /// @dev Cure: flag the note first; a flag is good for ten minutes from its last proof.
    error NotFlagged(uint256 leafIndex);

    /// @notice The flag at this place was proven for another nullifier.
    /// @dev Cure: prove for the note at the flag's place in the state tree.
    error FlagOfAnotherNote(uint256 leafIndex, uint256 flagged, uint256 given);

    /// @notice The proven solvency ratio is below 1.
    /// @dev Cure: prove with a ratio of at least 65536 (Q16).
    error RatioTooLow(uint256 ratio);

    /// @notice The note's opening may not be published yet.
    /// @dev Cure: wait until `opensAt`, and keep the flag from lapsing until then.
    error RevealTooEarly(uint256 opensAt);

    /// @notice The note's opening was published before.
    /// @dev Cure: read it from the Revealed event.
    error AlreadyRevealed(uint256 leafIndex);

    /// @notice The take-over is proven at the epoch of the flag's first proof, or before: one price never liquidates.
    /// @dev Cure: prove the take-over again on a later snapshot.
    error EpochNotAfterFlag(uint256 firstEpoch, uint256 epoch);

    /// @notice The keeper asks more than the auction permits now.
    /// @dev Cure: prove with a rate of at most `permitted` (Q16), or wait until the clock permits more.
    error RateAboveCurve(uint256 rate, uint256 permitted);

    /// @notice Flags a note that is below its maintenance margin, or renews its flag. Anybody may call.
    /// @param tier Size of the insolvency circuit.
    /// @param proof Proof of `insolvency` with nothing disclosed: point and value 0.
    /// @param signals Its public signals, on the latest snapshot.
    function flag(Tier tier, uint256[8] calldata proof, InsolvencySignals calldata signals) external {
        _renew(signals, _requireInsolvent(tier, proof, signals, 0, 0));
    }

    /// @notice Ends the flag of a note that meets its maintenance margin again.
    /// @param tier Size of the solvency circuit.
    /// @param proof Proof of `solvency` with the context `clearContext`.
    /// @param signals Its public signals, on the latest snapshot, with a ratio of at least 1.
    function clear(Tier tier, uint256[8] calldata proof, SolvencySignals calldata signals) external {
        uint256 epoch = _requireStatement(signals.stateRoot, signals.snapshotRoot, signals.nullifier);
        Flag storage flagged = _flagOf[signals.leafIndex];
        if (!_isActive(flagged)) revert NotFlagged(signals.leafIndex);
        _requireSameNote(flagged, signals.leafIndex, signals.nullifier);
        if (signals.ratio < ONE) revert RatioTooLow(signals.ratio);

        uint256[] memory inputs = new uint256[](8);
        inputs[0] = signals.stateRoot;
        inputs[1] = signals.snapshotRoot;
        inputs[2] = signals.nullifier;
        inputs[3] = signals.leafIndex;
        inputs[4] = signals.ratio;
        inputs[5] = signals.excess;
        inputs[6] = signals.entity;
        inputs[7] = clearContext();
        _requireProof(tier == Tier.Small ? Circuit.SolvencySmall : Circuit.SolvencyLarge, proof, inputs);
        delete _flagOf[signals.leafIndex];
        emit Cleared(signals.leafIndex, signals.nullifier, epoch);
    }

    /// @notice Publishes the opening of a note whose auction ran for fifteen minutes, so that anybody can bid. Renews its flag.
    /// @param tier Size of the insolvency circuit.
    /// @param proof Proof of `insolvency` with the disclosure at `disclosurePoint` of the words.
    /// @param signals Its public signals, on the latest snapshot.
    /// @param words The note's opening: owner key, entity, rho, cash, twenty packed legs.
    function reveal(
        Tier tier,
        uint256[8] calldata proof,
        InsolvencySignals calldata signals,
        uint256[24] calldata words
    ) external {
        uint256 leafIndex = signals.leafIndex;
        Flag storage flagged = _flagOf[leafIndex];
        if (!_isActive(flagged)) revert NotFlagged(leafIndex);
        uint256 opensAt = flagged.clockStart + REVEAL_AFTER;
        if (block.timestamp < opensAt) revert RevealTooEarly(opensAt);
        if (isRevealed[leafIndex]) revert AlreadyRevealed(leafIndex);
        uint256 point = disclosurePoint(signals, words);
        _renew(signals, _requireInsolvent(tier, proof, signals, point, _disclosureValue(words, point)));
        isRevealed[leafIndex] = true;
        emit Revealed(leafIndex, signals.nullifier, words);
    }

    /// @inheritdoc ILiquidationAuction
    function onTakeOver(uint256 leafIndex, uint256 newLeafIndex, bool cured) external onlyLedger {
        Flag memory flagged = _flagOf[leafIndex];
        delete _flagOf[leafIndex];
        if (!cured) {
            _flagOf[newLeafIndex] = Flag(flagged.clockStart, uint64(block.timestamp), flagged.firstEpoch, 0);
        }
        emit FlagMoved(leafIndex, newLeafIndex, cured);
    }

    /// @notice A note's flag as it was last written; it may have lapsed.
    function flagOf(uint256 leafIndex) external view returns (Flag memory) {
        return _flagOf[leafIndex];
    }

    /// @notice The highest rate at which a note may be taken over now, as a Q16 ratio; 0 if it has no unlapsed flag.
    function permittedRate(uint256 leafIndex) external view returns (uint256) {
        Flag storage flagged = _flagOf[leafIndex];
        return _isActive(flagged) ? RateCurve.permitted(block.timestamp - flagged.clockStart) : 0;
    }

    /// @inheritdoc ILiquidationAuction
    function isFlagged(uint256 nullifier) external view returns (bool) {
        Flag storage flagged = _flagOf[_leafOf[nullifier]];
        return nullifier != 0 && flagged.nullifier == nullifier && _isActive(flagged);
    }

    /// @inheritdoc ILiquidationAuction
    function refusalOfTakeOver(
        uint256 leafIndex,
        uint256 nullifier,
        uint256 epoch,
        uint256 rate
    ) external view returns (bytes memory) {
        Flag memory flagged = _flagOf[leafIndex];
        if (!_isActive(flagged)) return abi.encodeWithSelector(NotFlagged.selector, leafIndex);
        if (flagged.nullifier != 0 && flagged.nullifier != nullifier) {
            return
                abi.encodeWithSelector(FlagOfAnotherNote.selector, leafIndex, flagged.nullifier, nullifier);
        }
        if (epoch <= flagged.firstEpoch) {
            return abi.encodeWithSelector(EpochNotAfterFlag.selector, flagged.firstEpoch, epoch);
        }
        uint256 permitted = RateCurve.permitted(block.timestamp - flagged.clockStart);
        if (rate > permitted) return abi.encodeWithSelector(RateAboveCurve.selector, rate, permitted);
        return "";
    }

    /// @notice The context of a solvency proof that clears a flag of this auction. No auditor's challenge equals it.
    function clearContext() public view returns (uint256) {
        return
            uint256(keccak256(abi.encode(block.chainid, address(this), "clear the liquidation flag"))) %
            FIELD_ORDER;
    }

    /// @notice Where the polynomial of a published opening is compared with that of the note: a hash of the words, so that words other
    /// than the note's, which state root and leaf index fix, agree with it at no point that anybody can find.
    function disclosurePoint(
        InsolvencySignals calldata signals,
        uint256[24] calldata words
    ) public view returns (uint256) {
        bytes32 digest = keccak256(
            abi.encode(
                block.chainid,
                address(this),
                signals.stateRoot,
                signals.nullifier,
                signals.leafIndex,
                words
            )
        );
        return uint256(digest) % FIELD_ORDER;
    }

    function _onBind(ILedgerState boundLedger) internal override {
        oracle = boundLedger.oracle();
        verifier = boundLedger.verifier();
    }

    /// @dev Starts a flag, or renews one that has not lapsed and leaves its clock and first epoch alone.
    function _renew(InsolvencySignals calldata signals, uint256 epoch) private {
        Flag storage flagged = _flagOf[signals.leafIndex];
        if (_isActive(flagged)) {
            _requireSameNote(flagged, signals.leafIndex, signals.nullifier);
        } else {
            flagged.clockStart = uint64(block.timestamp);
            flagged.firstEpoch = uint64(epoch);
        }
        flagged.lastProven = uint64(block.timestamp);
        flagged.nullifier = signals.nullifier;
        _leafOf[signals.nullifier] = signals.leafIndex;
        emit Flagged(signals.leafIndex, signals.nullifier, epoch, flagged.firstEpoch, flagged.clockStart);
    }

    /// @dev Reverts unless the note has E < MM on the latest snapshot.
    /// @return epoch The snapshot's.
    function _requireInsolvent(
        Tier tier,
        uint256[8] calldata proof,
        InsolvencySignals calldata signals,
        uint256 point,
        uint256 value
    ) private view returns (uint256 epoch) {
        epoch = _requireStatement(signals.stateRoot, signals.snapshotRoot, signals.nullifier);
        uint256[] memory inputs = new uint256[](6);
        inputs[0] = signals.stateRoot;
        inputs[1] = signals.snapshotRoot;
        inputs[2] = signals.nullifier;
        inputs[3] = signals.leafIndex;
        inputs[4] = point;
        inputs[5] = value;
        _requireProof(tier == Tier.Small ? Circuit.InsolvencySmall : Circuit.InsolvencyLarge, proof, inputs);
    }

    /// @dev Reverts unless a statement about an unspent note may be made on this snapshot now.
    /// @return The snapshot's epoch.
    function _requireStatement(
        uint256 stateRoot,
        uint256 snapshotRoot,
        uint256 nullifier
    ) private view returns (uint256) {
        (SnapshotInfo memory found, SnapshotInfo memory newest) = oracle.locate(snapshotRoot);
        if (found.epoch == 0 || found.epoch != newest.epoch) {
            revert SnapshotNotLatest(snapshotRoot, newest.epoch);
        }
        uint256 staleSince = newest.time + STALE_AFTER;
        if (block.timestamp > staleSince) revert SnapshotStale(staleSince);
        uint256 last = ledger.windDownEpoch();
        if (last != 0) revert WindingDown(last);
        if (!ledger.isKnownRoot(stateRoot)) revert UnknownStateRoot(stateRoot);
        if (ledger.isSpent(nullifier)) revert NullifierSpent(nullifier);
        return newest.epoch;
    }

    function _requireProof(Circuit circuit, uint256[8] calldata proof, uint256[] memory inputs) private view {
        for (uint256 i; i < inputs.length; ++i) {
            if (inputs[i] >= FIELD_ORDER) revert SignalNotInField(i, inputs[i]);
        }
        if (!verifier.verify(circuit, proof, inputs)) revert ProofRejected(circuit);
    }

    function _requireSameNote(Flag storage flagged, uint256 leafIndex, uint256 nullifier) private view {
        uint256 known = flagged.nullifier;
        if (known != 0 && known != nullifier) revert FlagOfAnotherNote(leafIndex, known, nullifier);
    }

    function _isActive(Flag memory flagged) private view returns (bool) {
        return flagged.clockStart != 0 && block.timestamp <= flagged.lastProven + LAPSES_AFTER;
    }

    /// @dev Sum of word_i · point^(i+1) by Horner's rule.
    function _disclosureValue(
        uint256[24] calldata words,
        uint256 point
    ) private pure returns (uint256 value) {
        for (uint256 i = 24; i != 0; --i) {
            uint256 word = words[i - 1];
            if (word >= FIELD_ORDER) revert WordNotInField(i - 1, word);
            value = mulmod(addmod(value, word, FIELD_ORDER), point, FIELD_ORDER);
        }
    }
}
