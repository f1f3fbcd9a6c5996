// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { BabyJubjub } from "./BabyJubjub.sol";
import { CommitmentQueue } from "./CommitmentQueue.sol";
import { Custody } from "./Custody.sol";
import { Refusal } from "./Refusal.sol";
import { SnapshotRules } from "./SnapshotRules.sol";
import {
    OpenSignals,
    Statements,
    TakeOver,
    TakeOverSignals,
    Terms,
    Transition,
    TransitionSignals
} from "./Statements.sol";
import { IComplianceRegistry } from "./interfaces/IComplianceRegistry.sol";

/// @title Admission
/// @notice Decides whether an item may be applied now, its proof aside: an opening, a transition, a trade, a take-over.
/// @dev Each check returns the refusal, empty if there is none ({Refusal}), and writes the item's words for the verifier. None changes
/// anything; what is found out is kept in the {Call} for the items that follow.
abstract contract Admission is Custody, SnapshotRules, CommitmentQueue, EIP712 {
    /// @dev A call under way. `end` is where the next accepted item's words go, `accepted` counts the items (a trade counts two) whose words
    /// stand from `start`. Looked up once: the last state and registry roots that were found good, and what {Market} holds. `payouts` has a
    /// place for each transition of the call, `place` is that of the next one; `paysOut` says that one of them is not 0.
    struct Call {
        uint256 start;
        uint256 end;
        uint256 accepted;
        Cursor queue;
        Market market;
        uint256 stateRoot;
        uint256 registryRoot;
        bool registryRootKnown;
        bool paysOut;
        uint256 fees;
        uint256 feesPromised;
        uint256[] payouts;
        uint256 place;
    }

    /// @notice Highest fee of a transition or a take-over, in micro-USDC: the fee leaves an account before every check of the margin rules.
    uint256 public constant FEE_CAP = 5_000_000;

    /// @notice What the payer of a deposit signs (EIP-712), unless the payer sends the transition.
    bytes32 public constant DEPOSIT_TYPEHASH = keccak256(
        "Deposit(uint256 nullifier,uint256 commitment,uint256 asset,uint256 amount,uint64 deadline)"
    );

    /// @notice Says which roots of admitted entities are accepted.
    IComplianceRegistry public immutable registry;

    /// @dev The risk committee's Baby Jubjub key, to which every account is escrowed.
    uint256 private immutable _committeeKeyX;
    uint256 private immutable _committeeKeyY;

    /// @dev 1 for the nullifier of a spent note: a whole word costs less to write than a boolean.
    mapping(uint256 nullifier => uint256) internal _spent;

    /// @notice Whether an account tag was used.
    mapping(uint256 accountTag => bool) public isTagUsed;

    /// @notice A public signal is not a field element, so that it would have a second representation.
    /// @dev Cure: reduce it modulo r; `index` counts the statement's public signals from 0.
    error SignalNotInField(uint256 index, uint256 value);

    /// @notice The terms' deadline has passed.
    /// @dev Cure: prove again with a later deadline.
    error DeadlinePassed(uint64 deadline);

    /// @notice The terms name another relayer.
    /// @dev Cure: let `relayer` submit, or prove again for relayer 0 (anybody).
    error NotTheRelayer(address relayer, address sender);

    /// @notice The fee is above the cap.
    /// @dev Cure: prove again with a fee of at most FEE_CAP micro-USDC.
    error FeeAboveCap(uint256 fee, uint256 cap);

    /// @notice The state root was never a root of this ledger's tree.
    /// @dev Cure: rebuild the tree from this ledger's events and prove on its root.
    error UnknownStateRoot(uint256 stateRoot);

    /// @notice The registry root is not accepted now.
    /// @dev Cure: prove with the registry's current root; 0 is accepted by an open registry only.
    error RegistryRootRefused(uint256 registryRoot);

    /// @notice The note is spent.
    /// @dev Cure: follow the account from chain events to its present note and prove for that one.
    error NullifierSpent(uint256 nullifier);

    /// @notice The account tag is used: the entity has opened an account with this number.
    /// @dev Cure: open with the next account number.
    error AccountTagUsed(uint256 accountTag);

    /// @notice A withdrawal names no recipient.
    /// @dev Cure: prove again with the recipient's address in the terms.
    error RecipientMissing();

    /// @notice The transition is one side of a trade.
    /// @dev Cure: submit it together with its partner through `submitTrade`, or in a batch with the partner directly after it.
    error PartnerMissing(uint256 tradeTag);

    /// @notice A transition without a trade was given as a side of one.
    /// @dev Cure: use `submit`.
    error NotATrade();

    /// @notice The two sides are of different trades.
    /// @dev Cure: pair the two transitions that were proven for the same package and salt.
    error TradeTagsDiffer(uint256 firstTag, uint256 secondTag);

    /// @notice The two transitions are the same side of the trade, or a side is not 0 or 1.
    /// @dev Cure: one owner proves side 0 and the other side 1.
    error SidesNotOpposite(uint256 firstSide, uint256 secondSide);

    /// @notice The two sides are proven on different snapshots.
    /// @dev Cure: prove both on the latest snapshot.
    error SnapshotsDiffer(uint256 firstRoot, uint256 secondRoot);

    /// @param admittedEntities Says which roots of admitted entities are accepted.
    /// @param key The risk committee's Baby Jubjub key, to which every account is escrowed.
    constructor(IComplianceRegistry admittedEntities, uint256[2] memory key) {
        BabyJubjub.requirePublicKey(key[0], key[1]);
        _committeeKeyX = key[0];
        _committeeKeyY = key[1];
        registry = admittedEntities;
    }

    /// @notice Whether a note was spent.
    /// @param nullifier The note's nullifier.
    function isSpent(uint256 nullifier) external view returns (bool) {
        return _spent[nullifier] != 0;
    }

    /// @notice The risk committee's Baby Jubjub key.
    function committeeKey() external view returns (uint256 x, uint256 y) {
        return (_committeeKeyX, _committeeKeyY);
    }

    /// @notice Separator of this ledger's EIP-712 domain: name "Solvus Ledger", version "1".
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev Why an account may not be opened; its words are written to `end` unless it is refused.
    function _refusalOfOpening(
        Call memory call,
        uint256[8] calldata proof,
        OpenSignals calldata signals,
        Terms calldata terms
    ) internal view returns (bytes memory refusal, uint256 end) {
        refusal = _refusalOfTerms(terms);
        if (refusal.length == 0) refusal = _refusalOfStateRoot(call, signals.stateRoot);
        if (refusal.length == 0) refusal = _refusalOfRegistryRoot(call, signals.registryRoot);
        if (refusal.length == 0) refusal = _refusalOfEpoch(signals.epoch);
        if (refusal.length != 0) return (refusal, end);
        if (isTagUsed[signals.accountTag]) {
            return (Refusal.by(AccountTagUsed.selector, signals.accountTag), end);
        }
        end = Statements.writeOpening(call.end, proof, signals, terms, _committeeKeyX, _committeeKeyY);
        refusal = _refusalOfSignals(call.end, end);
        if (refusal.length == 0) {
            refusal = _refusalOfLeaves(call.queue, signals.commitment, signals.accountTag);
        }
    }

    /// @dev Why a transition may not be applied, money aside; its words are written at `at`, to `end`, unless it is refused.
    function _refusalOfTransition(
        Call memory call,
        Transition calldata transition,
        uint256 at
    ) internal returns (bytes memory refusal, uint256 end) {
        TransitionSignals calldata signals = transition.signals;
        refusal = _refusalOfTerms(transition.terms);
        if (refusal.length != 0) return (refusal, end);
        if (signals.fee > FEE_CAP) {
            return (Refusal.by(FeeAboveCap.selector, signals.fee, FEE_CAP), end);
        }
        if (signals.withdrawal != 0) {
            if (transition.terms.recipient == address(0)) {
                return (Refusal.by(RecipientMissing.selector), end);
            }
            _promiseFees(call);
        }
        refusal = _refusalOfStateRoot(call, signals.stateRoot);
        if (refusal.length == 0) refusal = _refusalOfSnapshot(call.market, signals);
        // Without a deposit or a trade the statement asks for no membership: whoever leaves does not wait for the registry.
        if (refusal.length == 0 && (signals.deposit != 0 || signals.tradeTag != 0)) {
            refusal = _refusalOfRegistryRoot(call, signals.registryRoot);
        }
        if (refusal.length == 0) refusal = _refusalOfSpent(signals.nullifier);
        if (refusal.length != 0) return (refusal, end);
        end = Statements.writeTransition(at, transition);
        if (!Statements.isTransitionInField(at)) refusal = _refusalOfSignals(at, end);
        if (refusal.length == 0) {
            refusal = _refusalOfLeaves(call.queue, signals.commitment, signals.commitment);
        }
    }

    /// @dev Why a take-over may not be applied, with its snapshot's epoch; its words are written to `end` unless it is refused.
    function _refusalOfTakeOver(
        Call memory call,
        TakeOver calldata item
    ) internal returns (bytes memory refusal, uint256 epoch, uint256 end) {
        TakeOverSignals calldata signals = item.signals;
        refusal = _refusalOfTerms(item.terms);
        if (refusal.length != 0) return (refusal, epoch, end);
        if (signals.fee > FEE_CAP) {
            return (Refusal.by(FeeAboveCap.selector, signals.fee, FEE_CAP), epoch, end);
        }
        refusal = _refusalOfStateRoot(call, signals.stateRoot);
        if (refusal.length == 0) {
            (refusal, epoch) = _refusalOfTakeOverSnapshot(call.market, signals.snapshotRoot);
        }
        if (refusal.length == 0) refusal = _refusalOfRegistryRoot(call, signals.registryRoot);
        if (refusal.length == 0) refusal = _refusalOfSpent(signals.targetNullifier);
        if (refusal.length == 0) refusal = _refusalOfSpent(signals.keeperNullifier);
        if (refusal.length != 0) return (refusal, epoch, end);
        if (signals.targetNullifier == signals.keeperNullifier) {
            refusal = Refusal.by(NullifierSpent.selector, signals.keeperNullifier);
            return (refusal, epoch, end);
        }
        end = Statements.writeTakeOver(call.end, item, auction.restoration());
        refusal = _refusalOfSignals(call.end, end);
        if (refusal.length == 0) {
            refusal = _refusalOfLeaves(call.queue, signals.targetCommitment, signals.keeperCommitment);
        }
        if (refusal.length == 0) {
            refusal = auction.refusalOfTakeOver(
                signals.targetLeafIndex,
                signals.targetNullifier,
                epoch,
                signals.rate
            );
        }
        if (refusal.length == 0) {
            _promiseFees(call);
            refusal = fund.refusalOfPayment(signals.deficit, signals.reward, epoch);
        }
    }

    /// @dev Why a transition's withdrawal may not be paid, beside another one of the asset and after a deposit of it.
    function _refusalOfWithdrawal(
        Call memory call,
        TransitionSignals calldata signals,
        uint256 besides,
        uint256 arriving
    ) internal view returns (bytes memory refusal) {
        if (signals.withdrawal == 0) return refusal;
        // While the fund is impaired cash pays its share of holdings and deficit, which is in the holdings.
        if (signals.asset == CASH && _isImpaired(call)) arriving += fund.uncovered();
        refusal = _refusalOfPayout(signals.asset, signals.withdrawal + besides, arriving);
    }

    /// @dev Why two transitions are not the two sides of one trade; empty if they are.
    function _refusalOfPair(
        TransitionSignals calldata one,
        TransitionSignals calldata other
    ) internal pure returns (bytes memory refusal) {
        if (one.tradeTag == 0 || other.tradeTag == 0) return Refusal.by(NotATrade.selector);
        if (one.tradeTag != other.tradeTag) {
            return Refusal.by(TradeTagsDiffer.selector, one.tradeTag, other.tradeTag);
        }
        if (one.side > 1 || other.side > 1 || one.side == other.side) {
            return Refusal.by(SidesNotOpposite.selector, one.side, other.side);
        }
        if (one.snapshotRoot != other.snapshotRoot) {
            refusal = Refusal.by(SnapshotsDiffer.selector, one.snapshotRoot, other.snapshotRoot);
        }
    }

    /// @dev A transition's deposit. An allowance to the ledger alone must not let anybody spend it: the payer sends, or has signed for this
    /// very note.
    function _depositOf(Transition calldata transition) internal view returns (Deposit memory deposit) {
        TransitionSignals calldata signals = transition.signals;
        deposit.asset = signals.asset;
        deposit.amount = signals.deposit;
        deposit.payer = transition.terms.payer;
        if (deposit.payer == msg.sender) return deposit;
        deposit.digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    DEPOSIT_TYPEHASH,
                    signals.nullifier,
                    signals.commitment,
                    signals.asset,
                    signals.deposit,
                    transition.terms.deadline
                )
            )
        );
        deposit.signature = transition.payerSignature;
    }

    function _isImpaired(Call memory call) internal view returns (bool) {
        return !_isWhole(call.market) && fund.isImpaired();
    }

    /// @dev Promises the fees summed so far: whoever asks for the ledger's holdings in the middle of a call shall not count them.
    function _promiseFees(Call memory call) internal {
        uint256 fees = call.fees;
        if (fees == call.feesPromised) return;
        _promise(CASH, fees - call.feesPromised);
        call.feesPromised = fees;
    }

    function _refusalOfTerms(Terms calldata terms) private view returns (bytes memory refusal) {
        if (block.timestamp > terms.deadline) return Refusal.by(DeadlinePassed.selector, terms.deadline);
        address relayer = terms.relayer;
        if (relayer != address(0) && relayer != msg.sender) {
            refusal = Refusal.by(NotTheRelayer.selector, uint160(relayer), uint160(msg.sender));
        }
    }

    function _refusalOfStateRoot(Call memory call, uint256 root) private view returns (bytes memory refusal) {
        // No root is 0, which stands for none known yet.
        if (root == call.stateRoot && root != 0) return refusal;
        if (!isKnownRoot[root]) return Refusal.by(UnknownStateRoot.selector, root);
        call.stateRoot = root;
    }

    function _refusalOfRegistryRoot(
        Call memory call,
        uint256 root
    ) private view returns (bytes memory refusal) {
        if (call.registryRootKnown && root == call.registryRoot) return refusal;
        if (!registry.acceptsRoot(root)) return Refusal.by(RegistryRootRefused.selector, root);
        call.registryRoot = root;
        call.registryRootKnown = true;
    }

    function _refusalOfSpent(uint256 nullifier) private view returns (bytes memory refusal) {
        if (_spent[nullifier] != 0) refusal = Refusal.by(NullifierSpent.selector, nullifier);
    }

    function _refusalOfSignals(uint256 at, uint256 end) private pure returns (bytes memory refusal) {
        (uint256 index, uint256 value, bool outside) = Statements.firstOutsideField(at, end);
        if (outside) refusal = Refusal.by(SignalNotInField.selector, index, value);
    }
}
