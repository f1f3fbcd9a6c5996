// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { Admission } from "./Admission.sol";
import { Custody } from "./Custody.sol";
import { ProofChecks } from "./ProofChecks.sol";
import { Refusal } from "./Refusal.sol";
import { SnapshotRules } from "./SnapshotRules.sol";
import {
    Opening,
    OpenSignals,
    Statements,
    TakeOver,
    TakeOverSignals,
    Terms,
    Transition,
    TransitionSignals
} from "./Statements.sol";
import { IComplianceRegistry } from "./interfaces/IComplianceRegistry.sol";
import { IInsuranceFund } from "./interfaces/IInsuranceFund.sol";
import { ILiquidationAuction } from "./interfaces/ILiquidationAuction.sol";
import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";
import { IRiskOracle } from "./interfaces/IRiskOracle.sol";

/// @title Ledger
/// @notice Holds the tokens of private accounts and accepts a change of an account only with a proof that it follows the margin rules.
/// Accounts are commitments in a state tree; spending one publishes its nullifier and queues its successor.
/// @dev Every item (an opening, a transition, the two sides of a trade, a take-over) goes the same way, alone or in a batch: its refusal is
/// worked out, its deposits are taken, it is applied, and its words are added to those that the verifier sees at the end. Alone a refusal
/// is what the call reverts with; in a batch it is why the item is skipped. Payouts come last.
contract Ledger is Admission, ProofChecks {
    /// @dev Everything that is fixed when a ledger is deployed.
    struct Configuration {
        address admin;
        IProofVerifier verifier;
        IRiskOracle oracle;
        IComplianceRegistry registry;
        ILiquidationAuction auction;
        IInsuranceFund fund;
        IERC20Metadata cash;
        uint256[2] committeeKey;
    }

    /// @notice Most items of a batch.
    uint256 public constant BATCH_LIMIT = 16;

    /// @dev Kinds of items, as {Skipped} names them.
    uint8 private constant OPENING = 0;
    uint8 private constant TRANSITION = 1;
    uint8 private constant TAKE_OVER = 2;

    /// @notice An account was opened.
    /// @param leafIndex Place of the commitment; the account tag is the leaf queued next.
    /// @param escrow Ephemeral key and the opening's ciphertext for the risk committee.
    event Opened(
        uint256 indexed commitment,
        uint256 indexed accountTag,
        uint256 leafIndex,
        uint256[5] escrow
    );

    /// @notice An account changed: the note of `nullifier` is spent, `commitment` at `leafIndex` is its successor.
    event Transitioned(
        uint256 indexed nullifier,
        uint256 indexed commitment,
        uint256 leafIndex,
        uint256 snapshotRoot,
        uint256 mode,
        uint256 asset,
        uint256 deposit,
        uint256 withdrawal,
        uint256 fee,
        uint256 tradeTag,
        uint256[2] escrow
    );

    /// @notice A keeper took over a slice of an undermargined account: both notes are spent.
    /// @param leafIndex Place of the target's new note; the keeper's is the leaf queued next.
    /// @param rate Auction rate, Q16.
    /// @param deficit Negative equity credited to the target, in micro-USDC.
    /// @param reward What the fund paid to the keeper beside it.
    /// @param uncovered Part of the deficit that the fund could not pay.
    /// @param cured Whether the target meets its maintenance margin again.
    /// @param targetEscrow What changed in the target's note, for whoever knows its rho; `keeperEscrow` likewise.
    event TakenOver(
        uint256 indexed targetNullifier,
        uint256 indexed keeperNullifier,
        uint256 targetLeafIndex,
        uint256 targetCommitment,
        uint256 keeperCommitment,
        uint256 leafIndex,
        uint256 snapshotRoot,
        uint256 rate,
        uint256 deficit,
        uint256 reward,
        uint256 uncovered,
        bool cured,
        uint256 fee,
        uint256[4] targetEscrow,
        uint256[6] keeperEscrow
    );

    /// @notice An item of a batch was left out; nothing of it was applied.
    /// @param kind 0 an opening, 1 a transition, 2 a take-over.
    /// @param index Its place among the items of its kind.
    /// @param reason The encoded error that it would have reverted with alone.
    event Skipped(uint8 kind, uint256 index, bytes reason);

    /// @notice The batch has no item, or more than BATCH_LIMIT.
    /// @dev Cure: submit 1 to 16 items at once.
    error BatchSize(uint256 items);

    /// @param configuration The contracts it relies on, its cash token (6 decimals), the risk committee's key, the first administrator.
    constructor(
        Configuration memory configuration
    )
        Custody(configuration.cash)
        SnapshotRules(configuration.oracle, configuration.auction, configuration.fund)
        EIP712("Solvus Ledger", "1")
        Admission(configuration.registry, configuration.committeeKey)
        ProofChecks(configuration.verifier)
    {
        _grantRole(DEFAULT_ADMIN_ROLE, configuration.admin);
    }

    /// @notice Opens an empty account.
    /// @param proof Proof of `open`.
    /// @param signals Its public signals, without committee key and context.
    /// @param terms Relayer and deadline; payer and recipient are 0 in the proof's context.
    function open(
        uint256[8] calldata proof,
        OpenSignals calldata signals,
        Terms calldata terms
    ) external nonReentrant {
        Call memory call = _begin(Statements.OPEN_WORDS, 0);
        _require(_admitOpening(call, proof, signals, terms));
        _finishOne(call);
    }

    /// @notice Changes one account: deposit, withdrawal, settlement, exit, wind-down; everything but a trade.
    /// @param transition The proven transition.
    function submit(Transition calldata transition) external nonReentrant {
        uint256 tradeTag = transition.signals.tradeTag;
        if (tradeTag != 0) revert PartnerMissing(tradeTag);
        Call memory call = _begin(Statements.TRANSITION_WORDS, 1);
        _require(_admitTransition(call, transition));
        _finishOne(call);
        _payOut(call, transition, 0);
        _payFees(call);
    }

    /// @notice Changes the accounts of the two parties of a trade, together or not at all.
    /// @param first One side.
    /// @param second The other side, on the same snapshot.
    function submitTrade(Transition calldata first, Transition calldata second) external nonReentrant {
        _require(_refusalOfPair(first.signals, second.signals));
        Call memory call = _begin(2 * Statements.TRANSITION_WORDS, 2);
        _require(_admitTrade(call, first, second));
        _finish(call);
        _payOut(call, first, 0);
        _payOut(call, second, 1);
        _payFees(call);
    }

    /// @notice Lets a keeper take over a slice of an undermargined account, at the auction's rate.
    /// @param item The proven take-over.
    function takeOver(TakeOver calldata item) external nonReentrant {
        Call memory call = _begin(Statements.TAKE_OVER_WORDS, 0);
        _require(_admitTakeOver(call, item));
        _finishOne(call);
        _payFees(call);
    }

    /// @notice Applies 1 to 16 items in this order, with one verification of all their proofs. An item that would be refused alone at its
    /// turn is skipped ({Skipped}); a false proof among the others reverts the whole. The sides of a trade stand one directly after the other,
    /// and are applied or skipped together.
    /// @param openings Accounts to open.
    /// @param transitions Changes of accounts.
    /// @param takeOvers Take-overs.
    function submitBatch(
        Opening[] calldata openings,
        Transition[] calldata transitions,
        TakeOver[] calldata takeOvers
    ) external nonReentrant {
        uint256 items = openings.length + transitions.length + takeOvers.length;
        if (items == 0 || items > BATCH_LIMIT) revert BatchSize(items);
        Call memory call = _begin(
            openings.length * Statements.OPEN_WORDS +
                transitions.length * Statements.TRANSITION_WORDS +
                takeOvers.length * Statements.TAKE_OVER_WORDS,
            transitions.length
        );
        for (uint256 i; i < openings.length; ++i) {
            Opening calldata opening = openings[i];
            _note(OPENING, i, _admitOpening(call, opening.proof, opening.signals, opening.terms));
        }
        _admitTransitions(call, transitions);
        for (uint256 i; i < takeOvers.length; ++i) {
            _note(TAKE_OVER, i, _admitTakeOver(call, takeOvers[i]));
        }
        if (call.accepted == 0) return;
        _finish(call);
        if (call.paysOut) {
            for (uint256 i; i < transitions.length; ++i) _payOut(call, transitions[i], i);
        }
        _payFees(call);
    }

    /// @notice Writes the next closed node of the queue into the state tree. Anybody may call.
    /// @param nodeIndex Index of the node.
    /// @param leaves Its sixteen leaves, zeros after the last of a sealed node.
    /// @param newRoot Root of the tree with the node.
    /// @param proof Proof of `insertion` from the present root to `newRoot`.
    function insert(
        uint256 nodeIndex,
        uint256[16] calldata leaves,
        uint256 newRoot,
        uint256[8] calldata proof
    ) external nonReentrant {
        _requireNode(nodeIndex, leaves);
        _requireRoot(newRoot);
        uint256[] memory inputs = Statements.insertionInputs(stateRoot, newRoot, nodeIndex, leaves);
        if (!verifier.verify(Circuit.Insertion, proof, inputs)) revert ProofRejected(Circuit.Insertion);
        _recordRoot(nodeIndex, newRoot);
    }

    /// @dev Admits the transitions of a batch, trades as pairs.
    function _admitTransitions(Call memory call, Transition[] calldata transitions) private {
        uint256 count = transitions.length;
        for (uint256 i; i < count; ++i) {
            call.place = i;
            Transition calldata first = transitions[i];
            uint256 tradeTag = first.signals.tradeTag;
            if (tradeTag == 0) {
                _note(TRANSITION, i, _admitTransition(call, first));
                continue;
            }
            if (i + 1 < count) {
                Transition calldata second = transitions[i + 1];
                if (second.signals.tradeTag == tradeTag) {
                    bytes memory refusal = _refusalOfPair(first.signals, second.signals);
                    if (refusal.length == 0) {
                        refusal = _admitTrade(call, first, second);
                        _note(TRANSITION, i, refusal);
                        ++i;
                    }
                    _note(TRANSITION, i, refusal);
                    continue;
                }
            }
            _note(TRANSITION, i, Refusal.by(PartnerMissing.selector, tradeTag));
        }
    }

    /// @dev Opens an account, if nothing speaks against it; otherwise changes nothing and returns the refusal.
    function _admitOpening(
        Call memory call,
        uint256[8] calldata proof,
        OpenSignals calldata signals,
        Terms calldata terms
    ) private returns (bytes memory refusal) {
        uint256 end;
        (refusal, end) = _refusalOfOpening(call, proof, signals, terms);
        if (refusal.length != 0) return refusal;

        isTagUsed[signals.accountTag] = true;
        _accept(call, end, 1);
        uint256 leafIndex = _append(call.queue, signals.commitment);
        _append(call.queue, signals.accountTag);
        emit Opened(signals.commitment, signals.accountTag, leafIndex, signals.escrow);
    }

    /// @dev Applies a transition that is no trade, if nothing speaks against it; otherwise changes nothing and returns the refusal.
    function _admitTransition(
        Call memory call,
        Transition calldata transition
    ) private returns (bytes memory refusal) {
        uint256 end;
        (refusal, end) = _refusalOfTransition(call, transition, call.end);
        if (refusal.length == 0) refusal = _refusalOfWithdrawal(call, transition.signals, 0, 0);
        if (refusal.length == 0 && transition.signals.deposit != 0) {
            Deposit[] memory deposits = new Deposit[](1);
            deposits[0] = _depositOf(transition);
            refusal = _refusalOfDeposits(deposits);
        }
        if (refusal.length != 0) return refusal;
        _accept(call, end, 1);
        _apply(call, transition);
    }

    /// @dev Applies the two sides of a trade, if nothing speaks against either; otherwise changes nothing and returns the refusal.
    function _admitTrade(
        Call memory call,
        Transition calldata first,
        Transition calldata second
    ) private returns (bytes memory refusal) {
        uint256 end;
        (refusal, end) = _refusalOfTransition(call, first, call.end);
        if (refusal.length == 0) {
            if (first.signals.nullifier == second.signals.nullifier) {
                return Refusal.by(NullifierSpent.selector, second.signals.nullifier);
            }
            (refusal, end) = _refusalOfTransition(call, second, end);
        }
        if (refusal.length == 0) refusal = _takeMoneyOfTrade(call, first, second);
        if (refusal.length != 0) return refusal;
        _accept(call, end, 2);
        _apply(call, first);
        _apply(call, second);
    }

    /// @dev Checks that the withdrawals of a trade are there, counting its deposits, and takes these, both or none; returns why not.
    function _takeMoneyOfTrade(
        Call memory call,
        Transition calldata first,
        Transition calldata second
    ) private returns (bytes memory refusal) {
        TransitionSignals calldata one = first.signals;
        TransitionSignals calldata other = second.signals;
        if (one.withdrawal | other.withdrawal | one.deposit | other.deposit == 0) return refusal;
        bool same = one.asset == other.asset;
        refusal = _refusalOfWithdrawal(call, one, same ? other.withdrawal : 0, same ? other.deposit : 0);
        if (refusal.length == 0) {
            refusal = _refusalOfWithdrawal(call, other, same ? one.withdrawal : 0, same ? one.deposit : 0);
        }
        uint256 count = (one.deposit != 0 ? 1 : 0) + (other.deposit != 0 ? 1 : 0);
        if (refusal.length != 0 || count == 0) return refusal;
        Deposit[] memory deposits = new Deposit[](count);
        if (one.deposit != 0) deposits[0] = _depositOf(first);
        if (other.deposit != 0) deposits[count - 1] = _depositOf(second);
        return _refusalOfDeposits(deposits);
    }

    /// @dev Applies a take-over, if nothing speaks against it; otherwise changes nothing and returns the refusal.
    function _admitTakeOver(Call memory call, TakeOver calldata item) private returns (bytes memory refusal) {
        TakeOverSignals calldata signals = item.signals;
        uint256 epoch;
        uint256 end;
        (refusal, epoch, end) = _refusalOfTakeOver(call, item);
        if (refusal.length != 0) return refusal;

        _spent[signals.targetNullifier] = 1;
        _spent[signals.keeperNullifier] = 1;
        _accept(call, end, 1);
        uint256 leafIndex = _append(call.queue, signals.targetCommitment);
        _append(call.queue, signals.keeperCommitment);
        bool cured = signals.cured != 0;
        auction.onTakeOver(signals.targetLeafIndex, leafIndex, cured);
        uint256 uncovered = fund.payTakeOver(signals.deficit, signals.reward, epoch);
        call.market.whole = Answer.Unknown;
        if (signals.fee != 0) _addFee(call, signals.fee);
        emit TakenOver(
            signals.targetNullifier,
            signals.keeperNullifier,
            signals.targetLeafIndex,
            signals.targetCommitment,
            signals.keeperCommitment,
            leafIndex,
            signals.snapshotRoot,
            signals.rate,
            signals.deficit,
            signals.reward,
            uncovered,
            cured,
            signals.fee,
            signals.targetEscrow,
            signals.keeperEscrow
        );
    }

    /// @dev Makes the changes of an admitted transition, whose deposit is there, and notes its payout.
    function _apply(Call memory call, Transition calldata transition) private {
        TransitionSignals calldata signals = transition.signals;
        _spent[signals.nullifier] = 1;
        if (signals.withdrawal != 0) {
            uint256 asset = signals.asset;
            uint256 amount = signals.withdrawal;
            if (asset == CASH) amount = _settled(call, transition.terms.recipient, amount);
            _promise(asset, amount);
            call.payouts[call.place] = amount;
            call.paysOut = true;
        }
        ++call.place;
        if (signals.mode == MODE_WIND_DOWN) _windDown(call.market.found.epoch);
        if (signals.fee != 0) _addFee(call, signals.fee);
        uint256 leafIndex = _append(call.queue, signals.commitment);
        emit Transitioned(
            signals.nullifier,
            signals.commitment,
            leafIndex,
            signals.snapshotRoot,
            signals.mode,
            signals.asset,
            signals.deposit,
            signals.withdrawal,
            signals.fee,
            signals.tradeTag,
            signals.escrow
        );
    }

    /// @dev Adds a fee to what the sender is paid: the terms name him or nobody.
    function _addFee(Call memory call, uint256 fee) private {
        call.fees += _settled(call, msg.sender, fee);
    }

    /// @dev What is paid of an amount of cash: all of it, or while the fund is impaired the share that the ledger's holdings allow.
    function _settled(Call memory call, address recipient, uint256 amount) private returns (uint256) {
        if (_isWhole(call.market)) return amount;
        _promiseFees(call);
        return fund.settleWithdrawal(recipient, amount);
    }

    /// @dev Begins a call whose items have at most this many words in all.
    function _begin(uint256 words, uint256 places) private view returns (Call memory call) {
        uint256 start;
        assembly ("memory-safe") {
            start := add(mload(0x40), BATCH_HEADER)
            mstore(0x40, add(start, shl(5, words)))
        }
        call.start = call.end = start;
        call.queue = _openQueue();
        call.payouts = new uint256[](places);
    }

    function _accept(Call memory call, uint256 end, uint256 items) private pure {
        call.end = end;
        call.accepted += items;
    }

    /// @dev Ends a call of one item: reverts if its proof is false.
    function _finishOne(Call memory call) private {
        _requireProof(call.start, call.end);
        _closeQueue(call.queue);
    }

    /// @dev Ends a call of accepted items: reverts if one of their proofs is false.
    function _finish(Call memory call) private {
        _requireProofs(call.start, call.end, call.accepted);
        _closeQueue(call.queue);
    }

    /// @dev Pays what was noted at `place` for a transition.
    function _payOut(Call memory call, Transition calldata transition, uint256 place) private {
        uint256 amount = call.payouts[place];
        if (amount != 0) _pay(transition.signals.asset, transition.terms.recipient, amount);
    }

    function _payFees(Call memory call) private {
        if (call.fees == 0) return;
        _promiseFees(call);
        _pay(CASH, msg.sender, call.fees);
    }

    /// @dev Says that an item of a batch is skipped, if it was refused.
    function _note(uint8 kind, uint256 index, bytes memory refusal) private {
        if (refusal.length != 0) emit Skipped(kind, index, refusal);
    }

    /// @dev Reverts with a refusal, if there is one.
    function _require(bytes memory refusal) private pure {
        if (refusal.length == 0) return;
        assembly ("memory-safe") {
            revert(add(refusal, 0x20), mload(refusal))
        }
    }
}
