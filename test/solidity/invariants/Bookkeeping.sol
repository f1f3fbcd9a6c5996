// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "../../../contracts/Field.sol";
import { OpenSignals, TakeOverSignals, Terms, TransitionSignals } from "../../../contracts/Statements.sol";
import { Log } from "../Cheats.sol";
import { FundCalls, LedgerCalls } from "./Interfaces.sol";
import { ProvenWorld } from "./ProvenWorld.sol";

/// @dev What a complaint is about.
enum Subject {
    Nullifiers,
    Snapshots,
    Lock,
    Roles,
    Consent,
    Terms,
    Flags,
    Reentrancy,
    Proofs,
    Registry,
    Queue,
    Holdings,
    Trades,
    Fund,
    Modes
}

/// @title Bookkeeping
/// @notice What everybody has, and what the rules are, kept and judged apart from the contracts: by what was proven and what the ledger says
/// (in events) that it applied. Whatever it applied against the rules is a complaint.
abstract contract Bookkeeping is ProvenWorld {
    /// @dev A private account, as its owner knows it. `claims` are signed: a bankrupt account owes.
    struct Account {
        uint256 nullifier;
        uint256 place;
        int256[ASSETS] claims;
    }

    /// @dev A proven transition. `moved` is the cash that its trade brings to the account, `signed` says that its payer signed the deposit.
    struct ProvenTransition {
        uint256 account;
        int256 moved;
        bool signed;
        TransitionSignals signals;
        Terms terms;
    }

    /// @dev A proven take-over. `payment` is what the target pays the keeper.
    struct ProvenTakeOver {
        uint256 target;
        uint256 keeper;
        int256 payment;
        TakeOverSignals signals;
        Terms terms;
    }

    struct ProvenOpening {
        OpenSignals signals;
        Terms terms;
    }

    struct Posted {
        uint256 epoch;
        uint256 time;
        uint256 postedAt;
        bool steady;
    }

    struct Flagged {
        uint256 clockStart;
        uint256 lastProven;
        uint256 firstEpoch;
        uint256 nullifier;
    }

    /// @dev The state in which a call begins, as far as rules ask for it; what changes on the way is followed from event to event. `available` are
    /// token units behind the accounts, `uncovered` is the fund's deficit, `uncoveredBefore` that before the item under way, whose payments became
    /// claims of `claimed`. `impairedBefore` is when the lock began that the item under way met, 0 for none. `pending` is the trade side that
    /// waits for its other.
    struct Present {
        address sender;
        bool restricted;
        bool impaired;
        uint256 uncovered;
        uint256 uncoveredBefore;
        uint256 impairedBefore;
        uint256 claimed;
        uint256 fundBalance;
        int256[ASSETS] available;
        uint256 pending;
    }

    Account[] public accounts;
    uint256[] public roots;
    uint256[] public spent;
    uint256[] public snapshots;
    uint256[] public registryRoots;

    /// @notice The first complaint about a subject; empty if there is none.
    mapping(Subject => string) public complaint;

    /// @notice Calls that were accepted and refused, by the selector of the handler's action.
    mapping(bytes32 kind => uint256) public accepted;

    /// @notice What is owed and was paid to an actor of an asset in token units, less what it gave: what it must have.
    mapping(address actor => mapping(uint256 asset => int256)) public due;

    /// @notice Calls in which an actor may have lost a fraction of a micro-USDC of its claim on the fund.
    mapping(address actor => uint256) public touches;

    /// @notice Token units sent to ledger and fund without a word.
    int256[ASSETS] public donated;
    uint256 public donatedToFund;

    /// @notice What the fund was given, less what it was to pay: its balance less what it owes.
    int256 public fundNet;

    /// @notice Claims beyond holdings and deficit, which no deficit stands for.
    int256 public unbacked;

    uint256 public rewardEpoch;
    uint256 public rewardCap;
    uint256 public rewarded;

    uint256 public tail;
    uint256 public openedAt;
    uint256 public inserted;
    mapping(uint256 place => uint256) public leafAt;

    bool public emergency;

    /// @notice Epoch of the snapshot on which somebody wound down first: the last that counts. 0 until then.
    uint256 public windDownEpoch;
    uint256 public floor;
    uint256 public registryRoot;
    uint256 public previousRegistryRoot;
    uint256 public previousRegistryUntil;
    uint256 public impairedSince;

    mapping(uint256 root => bool) internal _isRoot;
    mapping(uint256 root => Posted) internal _postedOf;
    mapping(uint256 place => Flagged) internal _flagAt;
    mapping(uint256 nullifier => uint256) internal _placeOf;
    mapping(uint256 nullifier => bool) internal _isSpent;
    mapping(uint256 tag => bool) internal _isTagUsed;
    mapping(uint256 commitment => ProvenTransition) internal _transitionOf;
    mapping(uint256 commitment => ProvenTakeOver) internal _takeOverOf;
    mapping(uint256 commitment => ProvenOpening) internal _openingOf;

    Present internal _present;

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function rootCount() external view returns (uint256) {
        return roots.length;
    }

    function spentCount() external view returns (uint256) {
        return spent.length;
    }

    function snapshotCount() external view returns (uint256) {
        return snapshots.length;
    }

    function postedOf(uint256 root) external view returns (Posted memory) {
        return _postedOf[root];
    }

    /// @notice An account's claims; of cash they may be below 0.
    function claimsOf(
        uint256 account
    ) external view returns (uint256 nullifier, int256[ASSETS] memory claims) {
        return (accounts[account].nullifier, accounts[account].claims);
    }

    function _complain(Subject subject, string memory text) internal {
        if (bytes(complaint[subject]).length == 0) complaint[subject] = text;
    }

    function _latest() internal view returns (uint256 root, Posted memory posted) {
        if (snapshots.length != 0) root = snapshots[snapshots.length - 1];
        posted = _postedOf[root];
    }

    function _isFlagActive(Flagged memory flagged) internal view returns (bool) {
        return flagged.clockStart != 0 && block.timestamp <= flagged.lastProven + 600;
    }

    /// @dev Notes the state in which a call of the sender begins.
    function _begin(address sender) internal {
        _present.sender = sender;
        _present.fundBalance = fund.balance();
        _present.restricted = emergency || _present.fundBalance < floor;
        _present.uncovered = _present.uncoveredBefore = fund.uncovered();
        _present.impaired = impairedSince != 0 || _exceeds(_held(CASH));
        _present.impairedBefore = impairedSince;
        _present.claimed = 0;
        _present.pending = 0;
        for (uint256 asset; asset < ASSETS; ++asset) _present.available[asset] = _held(asset);
    }

    /// @dev Takes in what ledger and fund say that a call did.
    function _absorb(Log[] memory logs) internal {
        for (uint256 i; i < logs.length; ++i) {
            Log memory log = logs[i];
            bytes32 topic = log.topics[0];
            if (log.emitter == address(ledger)) {
                if (topic == LedgerCalls.Opened.selector) _onOpened(log);
                else if (topic == LedgerCalls.Transitioned.selector) _onTransitioned(log);
                else if (topic == LedgerCalls.TakenOver.selector) _onTakenOver(log);
            } else if (log.emitter == address(fund)) {
                if (topic == FundCalls.ClaimAdded.selector) _onClaimAdded(log);
                else if (topic == FundCalls.TakeOverPaid.selector) _onTakeOverPaid(log);
                else if (topic == FundCalls.Deposited.selector) _onDeposited(log);
                else if (topic == FundCalls.Impaired.selector) _onImpaired();
                else if (topic == FundCalls.ImpairmentEnded.selector) impairedSince = 0;
            }
        }
        if (_present.pending != 0) _complain(Subject.Trades, "one side of a trade");
    }

    function _onOpened(Log memory log) private {
        uint256 commitment = uint256(log.topics[1]);
        uint256 tag = uint256(log.topics[2]);
        uint256 place = abi.decode(log.data, (uint256));
        ProvenOpening storage item = _openingOf[commitment];
        OpenSignals storage signals = item.signals;
        if (signals.accountTag != tag || tag == 0) return _complain(Subject.Proofs, "opening not proven");
        _judgeTerms(item.terms);
        if (!_isRoot[signals.stateRoot]) _complain(Subject.Proofs, "unknown state root");
        if (!_acceptsRegistryRoot(signals.registryRoot)) _complain(Subject.Registry, "opening");
        if (_isTagUsed[tag]) _complain(Subject.Nullifiers, "account tag used twice");
        (, Posted memory newest) = _latest();
        bool inGrace = signals.epoch + 1 == newest.epoch && block.timestamp <= newest.postedAt + 15;
        if (signals.epoch == 0 || !(signals.epoch == newest.epoch || inGrace)) {
            _complain(Subject.Snapshots, "opening of another epoch");
        }
        _isTagUsed[tag] = true;
        accounts.push();
        accounts[accounts.length - 1].nullifier = _unique();
        accounts[accounts.length - 1].place = place;
        _queued(place, commitment);
        _queued(place + 1, tag);
        ++accepted["opening"];
    }

    function _onTransitioned(Log memory log) private {
        uint256 commitment = uint256(log.topics[2]);
        ProvenTransition storage item = _transitionOf[commitment];
        TransitionSignals storage signals = item.signals;
        if (signals.nullifier == 0 || signals.nullifier != uint256(log.topics[1])) {
            return _complain(Subject.Proofs, "transition not proven");
        }
        uint256 place = _requireAsProven(log.data, signals);
        _judgeTerms(item.terms);
        _judgeTransition(item);
        _spend(signals.nullifier);
        _queued(place, commitment);

        Account storage account = accounts[item.account];
        account.nullifier = _unique();
        account.place = place;
        account.claims[CASH] += item.moved - int256(signals.fee);
        if (signals.asset < ASSETS) {
            account.claims[signals.asset] += int256(signals.deposit) - int256(signals.withdrawal);
            int256 unit = int256(unitOf(signals.asset));
            due[item.terms.payer][signals.asset] -= int256(signals.deposit) * unit;
            due[item.terms.recipient][signals.asset] += int256(signals.withdrawal) * unit;
        }
        due[_present.sender][CASH] += int256(signals.fee);
        _judgePair(commitment);
        ++accepted[signals.tradeTag != 0 ? bytes32("trade side") : bytes32("transition")];
        if (signals.withdrawal != 0) ++accepted["withdrawal"];
        if (signals.deposit != 0) ++accepted["deposit"];
        if (signals.mode == 3) {
            if (windDownEpoch == 0) windDownEpoch = _postedOf[signals.snapshotRoot].epoch;
            ++accepted["wind-down"];
        }
        if (signals.mode == 2) ++accepted["exit"];
        (uint256 newest, ) = _latest();
        if (signals.mode < 2 && signals.snapshotRoot != newest) ++accepted["on the snapshot before"];
    }

    /// @dev The event's amounts must be the proven ones. Returns the place in the tree.
    function _requireAsProven(
        bytes memory data,
        TransitionSignals storage signals
    ) private returns (uint256 place) {
        uint256[] memory words = _words(data);
        place = words[0];
        if (
            words[1] != signals.snapshotRoot ||
            words[2] != signals.mode ||
            words[3] != signals.asset ||
            words[4] != signals.deposit ||
            words[5] != signals.withdrawal ||
            words[6] != signals.fee ||
            words[7] != signals.tradeTag
        ) _complain(Subject.Proofs, "event differs from what was proven");
    }

    function _judgeTransition(ProvenTransition storage item) private {
        TransitionSignals storage signals = item.signals;
        if (signals.fee > 5_000_000) _complain(Subject.Terms, "fee above the cap");
        if (signals.nullifier >= FIELD_ORDER) _complain(Subject.Proofs, "nullifier outside the field");
        if (!_isRoot[signals.stateRoot]) _complain(Subject.Proofs, "unknown state root");
        if (signals.deposit != 0 || signals.tradeTag != 0) {
            if (!_acceptsRegistryRoot(signals.registryRoot)) _complain(Subject.Registry, "transition");
        }
        if (signals.deposit != 0 && item.terms.payer != _present.sender && !item.signed) {
            _complain(Subject.Consent, "the payer neither sent nor signed");
        }
        if (signals.withdrawal != 0) {
            if (item.terms.recipient == address(0)) _complain(Subject.Terms, "withdrawal to nobody");
            if (_isLocked()) _complain(Subject.Lock, "withdrawal while locked");
        }
        if (signals.mode == 0 && _present.restricted) _complain(Subject.Modes, "mode 0 while restricted");
        if (signals.mode > 3) _complain(Subject.Modes, "no such mode");
        if (!_mayUseSnapshot(signals)) _complain(Subject.Snapshots, "transition on a snapshot too old");
    }

    /// @dev Whether withdrawals are locked for the item under way, by what those before it left. Where nobody has recorded the impairment, cash that
    /// came before may have ended it.
    function _isLocked() private view returns (bool) {
        uint256 since = _present.impairedBefore;
        if (since != 0) return block.timestamp < since + 24 hours;
        int256 available = _present.available[CASH];
        return int256(_present.uncoveredBefore) * 1000 > (available > 0 ? available : int256(0));
    }

    /// @dev The rulebook's table of snapshots.
    function _mayUseSnapshot(TransitionSignals storage signals) private view returns (bool) {
        Posted storage posted = _postedOf[signals.snapshotRoot];
        (, Posted memory newest) = _latest();
        if (posted.epoch == 0) return false;
        if (signals.mode == 2) return true;
        uint256 cashIn = signals.asset == CASH ? signals.deposit : 0;
        bool paysIn =
            signals.deposit != 0 && signals.withdrawal == 0 && signals.tradeTag == 0 && signals.fee <= cashIn;
        if (windDownEpoch != 0) return posted.epoch == windDownEpoch && (signals.mode == 3 || paysIn);
        if (signals.mode == 3) {
            return posted.epoch == newest.epoch && block.timestamp >= newest.time + 7 days;
        }
        if (posted.epoch == newest.epoch) return paysIn || block.timestamp <= newest.time + 180;
        uint256 nullifier = signals.nullifier;
        bool flagged =
            _flagAt[_placeOf[nullifier]].nullifier == nullifier &&
                _isFlagActive(_flagAt[_placeOf[nullifier]]);
        return
            posted.epoch + 1 == newest.epoch &&
            newest.steady &&
            signals.withdrawal == 0 &&
            !flagged &&
            block.timestamp <= newest.postedAt + 15 &&
            block.timestamp <= posted.time + 180;
    }

    /// @dev A side of a trade waits for the other, which must follow; then, as for a transition by itself, what was paid must have been there.
    function _judgePair(uint256 commitment) private {
        ProvenTransition storage item = _transitionOf[commitment];
        uint256 pending = _present.pending;
        if (item.signals.tradeTag == 0) {
            if (pending != 0) _complain(Subject.Trades, "a trade's sides are apart");
            return _judgeHoldings(item, item);
        }
        if (pending == 0) {
            _present.pending = commitment;
            return;
        }
        _present.pending = 0;
        ProvenTransition storage first = _transitionOf[pending];
        if (first.signals.tradeTag != item.signals.tradeTag) _complain(Subject.Trades, "tags differ");
        if (first.signals.side + item.signals.side != 1) _complain(Subject.Trades, "same side twice");
        if (first.signals.snapshotRoot != item.signals.snapshotRoot) {
            _complain(Subject.Trades, "sides on two snapshots");
        }
        _judgeHoldings(first, item);
    }

    /// @dev Withdrawals are paid from what is there, deposits beside them counted, claims of others and what is owed not. For one transition both
    /// are the same.
    function _judgeHoldings(ProvenTransition storage first, ProvenTransition storage second) private {
        _move(first, true);
        if (second.signals.nullifier != first.signals.nullifier) {
            _move(second, true);
            _move(second, false);
        }
        _move(first, false);
        int256 fees = int256(first.signals.fee);
        if (second.signals.nullifier != first.signals.nullifier) fees += int256(second.signals.fee);
        // What was not paid but became a claim is still there.
        _present.available[CASH] += int256(_present.claimed) - fees;
        _endItem();
    }

    /// @dev What an item left is what the next one meets.
    function _endItem() private {
        _present.claimed = 0;
        _present.uncoveredBefore = _present.uncovered;
        _present.impairedBefore = impairedSince;
    }

    function _move(ProvenTransition storage item, bool arriving) private {
        uint256 asset = item.signals.asset;
        if (asset >= ASSETS) {
            if (item.signals.deposit != 0 || item.signals.withdrawal != 0) {
                _complain(Subject.Holdings, "unlisted asset");
            }
            return;
        }
        int256 unit = int256(unitOf(asset));
        if (arriving) {
            _present.available[asset] += int256(item.signals.deposit) * unit;
            return;
        }
        if (item.signals.withdrawal == 0) return;
        int256 there = _present.available[asset];
        if (there < 0) there = 0;
        if (asset == CASH && (_present.impaired || _exceeds(there))) {
            there += int256(_present.uncoveredBefore);
        }
        int256 units = int256(item.signals.withdrawal) * unit;
        if (units > there) _complain(Subject.Holdings, "more than was there");
        _present.available[asset] -= units;
    }

    function _onTakenOver(Log memory log) private {
        uint256[] memory words = _words(log.data);
        ProvenTakeOver storage item = _takeOverOf[words[1]];
        TakeOverSignals storage signals = item.signals;
        if (
            signals.targetNullifier == 0 ||
            signals.targetNullifier != uint256(log.topics[1]) ||
            signals.keeperNullifier != uint256(log.topics[2]) ||
            signals.keeperCommitment != words[2] ||
            signals.targetLeafIndex != words[0] ||
            signals.deficit != words[6] ||
            signals.reward != words[7]
        ) return _complain(Subject.Proofs, "take-over not proven");
        _judgeTerms(item.terms);
        _judgeTakeOver(signals);
        _spend(signals.targetNullifier);
        _spend(signals.keeperNullifier);
        uint256 place = words[3];
        _queued(place, signals.targetCommitment);
        _queued(place + 1, signals.keeperCommitment);
        _moveFlag(signals, place);

        Account storage target = accounts[item.target];
        Account storage keeper = accounts[item.keeper];
        (target.nullifier, target.place) = (_unique(), place);
        (keeper.nullifier, keeper.place) = (_unique(), place + 1);
        target.claims[CASH] += int256(signals.deficit) - item.payment;
        keeper.claims[CASH] += item.payment + int256(signals.reward) - int256(signals.fee);
        due[_present.sender][CASH] += int256(signals.fee);
        _endItem();
        fundNet -= int256(signals.deficit + signals.reward);
        ++accepted["take-over"];
        if (words[8] != 0) ++accepted["deficit not covered"];
    }

    function _moveFlag(TakeOverSignals storage signals, uint256 place) private {
        Flagged memory flagged = _flagAt[signals.targetLeafIndex];
        delete _flagAt[signals.targetLeafIndex];
        if (signals.cured == 0) {
            _flagAt[place] = Flagged(flagged.clockStart, block.timestamp, flagged.firstEpoch, 0);
        }
    }

    function _judgeTakeOver(TakeOverSignals storage signals) private {
        (uint256 root, Posted memory newest) = _latest();
        if (signals.fee > 5_000_000) _complain(Subject.Terms, "fee above the cap");
        if (!_isRoot[signals.stateRoot]) _complain(Subject.Proofs, "unknown state root");
        if (!_acceptsRegistryRoot(signals.registryRoot)) _complain(Subject.Registry, "take-over");
        if (signals.snapshotRoot != root || block.timestamp > newest.time + 180 || windDownEpoch != 0) {
            _complain(Subject.Snapshots, "take-over not on the latest snapshot, or on a stale one");
        }
        Flagged memory flagged = _flagAt[signals.targetLeafIndex];
        if (!_isFlagActive(flagged)) return _complain(Subject.Flags, "take-over without a flag");
        if (flagged.nullifier != 0 && flagged.nullifier != signals.targetNullifier) {
            _complain(Subject.Flags, "take-over of another note");
        }
        if (newest.epoch <= flagged.firstEpoch) _complain(Subject.Flags, "take-over at the flag's epoch");
        uint256 elapsed = block.timestamp - flagged.clockStart;
        // 5% to 30% in 900 s, to 50% at 3,600 s; Q16, compared without division.
        bool permitted =
            elapsed >= 3600
                ? signals.rate <= 32_768
                : elapsed > 900
                    ? signals.rate * 270_000 <= 65_536 * (81_000 + 20 * (elapsed - 900))
                    : signals.rate * 90_000 <= 65_536 * (4_500 + 25 * elapsed);
        if (!permitted) _complain(Subject.Flags, "rate above the curve");
        if (signals.reward != 0 || signals.deficit != 0) _judgeReward(signals.reward, newest.epoch);
    }

    /// @dev All rewards of an epoch are at most a tenth of the fund before the epoch's first payment.
    function _judgeReward(uint256 reward, uint256 epoch) private {
        if (epoch > rewardEpoch) {
            rewardEpoch = epoch;
            rewardCap = _present.fundBalance / 10;
            rewarded = 0;
        }
        rewarded += reward;
        if (rewarded > rewardCap) _complain(Subject.Fund, "rewards above a tenth of the fund");
    }

    function _onClaimAdded(Log memory log) private {
        address holder = address(uint160(uint256(log.topics[1])));
        uint256 amount = abi.decode(log.data, (uint256));
        ++touches[holder];
        _present.claimed += amount;
        uint256 backed = amount < _present.uncovered ? amount : _present.uncovered;
        _present.uncovered -= backed;
        unbacked += int256(amount - backed);
        ++accepted["claim on the fund"];
    }

    function _onTakeOverPaid(Log memory log) private {
        (, uint256 uncoveredPart, ) = abi.decode(log.data, (uint256, uint256, uint256));
        _present.uncovered += uncoveredPart;
    }

    function _onDeposited(Log memory log) private {
        (, uint256 toDeficit, ) = abi.decode(log.data, (uint256, uint256, uint256));
        _present.uncovered -= toDeficit;
    }

    /// @dev Whether the deficit is above a thousandth of these holdings.
    function _exceeds(int256 holdings) private view returns (bool) {
        return int256(_present.uncovered) * 1000 > (holdings > 0 ? holdings : int256(0));
    }

    function _onImpaired() private {
        if (impairedSince != 0) _complain(Subject.Lock, "the lock began anew");
        impairedSince = block.timestamp;
        ++accepted["impairment"];
    }

    function _judgeTerms(Terms storage terms) private {
        if (block.timestamp > terms.deadline) _complain(Subject.Terms, "after the deadline");
        if (terms.relayer != address(0) && terms.relayer != _present.sender) {
            _complain(Subject.Terms, "by another relayer");
        }
    }

    function _acceptsRegistryRoot(uint256 root) private view returns (bool) {
        if (root == 0) return false;
        return
            root == registryRoot ||
            (root == previousRegistryRoot && block.timestamp <= previousRegistryUntil);
    }

    function _spend(uint256 nullifier) private {
        if (_isSpent[nullifier]) _complain(Subject.Nullifiers, "spent twice");
        _isSpent[nullifier] = true;
        spent.push(nullifier);
    }

    function _queued(uint256 place, uint256 leaf) private {
        if (place != tail) _complain(Subject.Queue, "a leaf at another place");
        if (tail % 16 == 0) openedAt = block.timestamp;
        leafAt[tail] = leaf;
        ++tail;
    }

    /// @dev Token units behind the accounts; below 0 when more is owed.
    function _held(uint256 asset) private view returns (int256) {
        uint256 owed = ledger.totalOwed(asset) * unitOf(asset);
        return int256(tokenOf(asset).balanceOf(address(ledger))) - int256(owed);
    }
}
