// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { FIELD_ORDER } from "../../../contracts/Field.sol";
import {
    Opening,
    OpenSignals,
    TakeOver,
    TakeOverSignals,
    Terms,
    Transition,
    TransitionSignals
} from "../../../contracts/Statements.sol";
import { ILedgerState } from "../../../contracts/interfaces/ILedgerState.sol";
import { Deposit, Reporter } from "./Interfaces.sol";
import { Bookkeeping } from "./Bookkeeping.sol";

/// @title Items for the ledger
/// @notice Proven openings, transitions, trades and take-overs of the accounts, as their owners could prove them; some spoiled in one way.
abstract contract LedgerItems is Bookkeeping {
    bytes32 private constant DEPOSIT_TYPEHASH = keccak256(
        "Deposit(uint256 nullifier,uint256 commitment,uint256 asset,uint256 amount,uint64 deadline)"
    );

    /// @dev A trade: whose sides, what is wrong with it, the cash that changes hands, who deposits or withdraws beside it and how.
    struct Plan {
        uint256 one;
        uint256 other;
        uint256 fault;
        int256 moved;
        uint256 money;
        address actor;
    }

    /// @dev Whether the accounts' owners wind down once they may.
    bool internal _windsDown;

    function _spread(uint256 seed, string memory what) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what)));
    }

    function _spread(uint256 seed, string memory what, uint256 place) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, place)));
    }

    function _opening(uint256 random, uint256 actor) internal returns (Opening memory item, address sender) {
        sender = actors[actor];
        (, Posted memory newest) = _latest();
        uint256 fault = (random >> 32) % 32;
        item.signals.stateRoot = fault == 1 ? _unique() : _someRoot(random);
        item.signals.registryRoot = _someRegistryRoot(fault, random);
        item.signals.epoch = newest.epoch;
        if (fault == 2 && newest.epoch != 0) item.signals.epoch -= 1;
        if (fault == 3) item.signals.epoch = 1;
        item.signals.commitment =
            fault == 4
                ? 0
                : fault == 5
                    ? FIELD_ORDER + 1
                    : _unique();
        item.signals.accountTag = _unique();
        if (fault == 6 && tail > 1) item.signals.accountTag = leafAt[1];
        item.terms = _terms(fault, sender, address(0), address(0));
        item.proof = _proveOpening(item.signals, item.terms);
        if (item.signals.commitment != 0) {
            _openingOf[item.signals.commitment] = ProvenOpening(item.signals, item.terms);
        }
    }

    /// @dev Whether anybody tries to wind down: it ends all else, so most sequences go on without, though too early a try does no harm.
    function _mayWindDown() private view returns (bool) {
        (, Posted memory newest) = _latest();
        return _windsDown || block.timestamp < newest.time + 7 days;
    }

    function _transition(uint256 random) internal returns (Transition memory item, address sender) {
        return _transitionFor(random, actors[(random >> 200) % ACTORS]);
    }

    /// @dev An exit that pays a fee alone, of any account, for anybody to submit on any snapshot and for long.
    function _innocent(uint256 random) internal returns (Transition memory item, address sender) {
        return _transitionFor(random, address(0));
    }

    /// @dev A transition for `sender` to submit.
    function _transitionFor(
        uint256 random,
        address sender
    ) internal returns (Transition memory item, address) {
        uint256 account = _flaggedAccount(random, (random >> 60) % 8 == 0);
        uint256 fault = sender == address(0) ? 0 : (random >> 40) % 40;
        uint256 kind = (random >> 16) % 8;
        if (sender == address(0)) kind = 7;
        _fill(item.signals, account, fault, random);
        _setAmounts(item.signals, account, kind, random);
        if (kind > 4)
            item.signals.mode =
                kind == 5
                    ? 2 + ((random >> 230) % 2)
                    : kind == 6
                        ? 1
                        : 0;
        if (item.signals.mode == 3 && !_mayWindDown()) item.signals.mode = 2;
        if (kind == 5 && item.signals.mode == 2) item.signals.snapshotRoot = _anySnapshot(random);
        address other = actors[(random >> 24) % ACTORS];
        item.terms = _terms(
            fault,
            sender,
            kind == 0
                ? other
                : kind < 3
                    ? sender
                    : address(0),
            kind > 2 && kind < 6 && fault != 12 ? other : address(0)
        );
        if (sender == address(0)) {
            item.signals.mode = 2;
            item.terms.deadline += 1 hours;
        }
        _prove(item, account, 0, _sign(item, fault, random));
        return (item, sender);
    }

    function _trade(
        uint256 random
    ) internal returns (Transition memory first, Transition memory second, address sender) {
        return _tradeFor(random, actors[(random >> 200) % ACTORS]);
    }

    /// @dev The sides of a trade in which cash changes hands, one of them perhaps with a deposit or a withdrawal; or sides that are no pair.
    function _tradeFor(
        uint256 random,
        address sender
    ) internal returns (Transition memory first, Transition memory second, address) {
        Plan memory plan = _plan(random);
        _fill(first.signals, plan.one, 0, random);
        _fill(second.signals, plan.other, plan.fault, random);
        _pair(plan, first.signals, second.signals, random);
        // Without a tag no cash changes hands.
        if (first.signals.tradeTag == 0) plan.moved = 0;
        if (plan.money < 2) _setAmounts(second.signals, plan.other, 0, random);
        else if (plan.money < 4) _setAmounts(second.signals, plan.other, 3, random);
        if (plan.money == 5) _setAmounts(first.signals, plan.one, 0, random);
        first.terms = _terms(0, sender, plan.money == 5 ? plan.actor : address(0), address(0));
        second.terms = _terms(plan.fault, sender, plan.actor, plan.actor);
        _prove(first, plan.one, plan.moved, _sign(first, 0, random));
        _prove(second, plan.other, -plan.moved, _sign(second, plan.fault, random));
        return (first, second, sender);
    }

    function _plan(uint256 random) private view returns (Plan memory plan) {
        plan.one = (random >> 8) % accounts.length;
        plan.other = (plan.one + 1 + ((random >> 16) % (accounts.length - 1))) % accounts.length;
        plan.fault = (random >> 24) % 40;
        plan.moved = int256((random >> 32) % 8_000e6);
        plan.money = (random >> 72) % 8;
        plan.actor = actors[(random >> 80) % ACTORS];
    }

    /// @dev Makes two items the sides of one trade, or nearly.
    function _pair(
        Plan memory plan,
        TransitionSignals memory first,
        TransitionSignals memory second,
        uint256 random
    ) private {
        uint256 fault = plan.fault;
        first.tradeTag = second.tradeTag = _unique();
        first.side = (random >> 64) % 2;
        second.side = 1 - first.side;
        if (fault == 20) second.tradeTag = _unique();
        if (fault == 21) second.side = first.side;
        if (fault == 22) second.side = 2;
        if (fault == 23) second.snapshotRoot = _anySnapshot(random >> 3);
        if (fault == 24) second.nullifier = first.nullifier;
        if (fault == 25) second.tradeTag = first.tradeTag = 0;
    }

    /// @dev A take-over of an account that is flagged before, at a later epoch if `later`.
    function _takeOver(uint256 random, bool flagged) internal returns (TakeOver memory item, address sender) {
        uint256 target = _flaggedAccount(random, flagged);
        if (!_isFlagActive(_flagAt[accounts[target].place])) target = _bankrupt(random >> 8);
        uint256 keeper = (target + 1 + ((random >> 16) % (accounts.length - 1))) % accounts.length;
        uint256 fault = (random >> 24) % 32;
        sender = actors[(random >> 200) % ACTORS];
        _fillTakeOver(item.signals, target, keeper, random);
        int256 payment = _setPayments(item.signals, target, random);
        if (fault == 6) item.signals.fee = 5_000_001;
        else if (accounts[keeper].claims[CASH] > 5e6) item.signals.fee = (random >> 120) % 5e6;
        item.terms = _terms(fault, sender, address(0), address(0));
        item.proof = _proveTakeOver(item.signals, item.terms);
        _takeOverOf[item.signals.targetCommitment] = ProvenTakeOver(
            target,
            keeper,
            payment,
            item.signals,
            item.terms
        );
    }

    function _fillTakeOver(
        TakeOverSignals memory signals,
        uint256 target,
        uint256 keeper,
        uint256 random
    ) private {
        uint256 fault = (random >> 24) % 32;
        (uint256 root, ) = _latest();
        signals.stateRoot = fault == 1 ? _unique() : _someRoot(random);
        signals.snapshotRoot = fault == 2 ? _anySnapshot(random) : root;
        signals.registryRoot = _someRegistryRoot(fault, random);
        signals.targetNullifier = accounts[target].nullifier;
        signals.targetLeafIndex = accounts[fault == 3 ? keeper : target].place;
        signals.targetCommitment = _unique();
        signals.keeperNullifier = accounts[keeper].nullifier;
        if (fault == 4 || fault > 27) signals.keeperNullifier = signals.targetNullifier;
        if (fault == 5) signals.keeperNullifier = _oldNullifier(random);
        signals.keeperCommitment = _unique();
        signals.rate = (random >> 32) % 4 == 0 ? (random >> 36) % 40_000 : 3276;
        signals.cured = (random >> 112) % 2;
    }

    /// @dev Deficit or payment, and reward; returns what the target pays.
    function _setPayments(
        TakeOverSignals memory signals,
        uint256 target,
        uint256 random
    ) private view returns (int256 payment) {
        int256 equity = accounts[target].claims[CASH];
        uint256 part = 1 + ((random >> 56) % 4);
        if (equity < 0) signals.deficit = uint256(-equity) / part;
        else payment = (equity * int256(signals.rate)) / 65_536 / int256(part);
        uint256 pays = (random >> 64) % 4;
        if (pays == 0)
            signals.reward = (random >> 72) % 3_000e6;
            // Two of these are above what the fund pays in an epoch.
        else if (pays == 1) signals.reward = (fund.balance() * (51 + ((random >> 72) % 50))) / 1000;
    }

    /// @dev Changes something of a proven transition: the proof is no longer of it.
    function _forge(Transition memory item, uint256 random) internal pure {
        uint256 what = random % 8;
        if (what == 0) item.signals.withdrawal += 1;
        else if (what == 1) item.signals.nullifier ^= 1;
        else if (what == 2) item.terms.recipient = address(0xbad);
        else if (what == 3) item.terms.relayer = address(0);
        else if (what == 4) item.signals.deposit /= 2;
        else if (what == 5) item.signals.mode = 2;
        else if (what == 6) item.signals.fee /= 2;
        else item.terms.deadline += 1;
        // Where that changes nothing, another proof does.
        item.proof[7] ^= 1;
    }

    function _oldNullifier(uint256 random) internal view returns (uint256) {
        return spent.length == 0 ? 12345 : spent[(random >> 5) % spent.length];
    }

    /// @dev A call that the actor may not make.
    function _forbidden(
        uint256 which,
        uint256 random,
        address actor
    ) internal returns (address target, bytes memory data) {
        target = address(ledger);
        if (which == 0) data = abi.encodeCall(ledger.setEmergency, (random % 2 == 0));
        if (which == 1) data = abi.encodeCall(ledger.listAsset, (9, IERC20(address(verifier)), 1));
        if (which == 2) data = abi.encodeCall(ledger.grantRole, (ledger.GUARDIAN_ROLE(), actor));
        if (which == 3) data = abi.encodeCall(ledger.revokeRole, (ledger.LISTER_ROLE(), address(this)));
        if (which == 4) data = abi.encodeCall(ledger.renounceRole, (ledger.LISTER_ROLE(), address(this)));
        if (which == 5) {
            Deposit[] memory deposits = new Deposit[](1);
            deposits[0] = Deposit(CASH, 5, actors[random % ACTORS], 0, "");
            data = abi.encodeCall(ledger.takeDeposits, (deposits));
        }
        if (which > 5 && which < 13) target = address(fund);
        if (which == 6) data = abi.encodeCall(fund.setFloor, (random % 1e12));
        if (which == 7) data = abi.encodeCall(fund.release, (actor, 0));
        if (which == 8) data = abi.encodeCall(fund.payTakeOver, (random % 1e9, 0, 1e9));
        if (which == 9) data = abi.encodeCall(fund.settleWithdrawal, (actor, random % 1e9));
        if (which == 10) data = abi.encodeCall(fund.bind, (ILedgerState(actor)));
        if (which == 11) data = abi.encodeCall(fund.grantRole, (fund.PARAMETER_ROLE(), actor));
        if (which == 12) data = abi.encodeCall(fund.bind, (ILedgerState(address(ledger))));
        if (which > 12 && which < 15) target = address(auction);
        if (which == 13) data = abi.encodeCall(auction.onTakeOver, (random % 100, random % 77, true));
        if (which == 14) data = abi.encodeCall(auction.bind, (ILedgerState(address(ledger))));
        if (which > 14 && which < 18) target = address(registry);
        if (which == 15) data = abi.encodeCall(registry.postRoot, (registryRoot, _unique(), false));
        if (which == 16) data = abi.encodeCall(registry.grantRole, (registry.OFFICER_ROLE(), actor));
        if (which == 17) data = abi.encodeCall(registry.postRoot, (registryRoot, registryRoot, true));
        if (which > 17) target = address(oracle);
        if (which == 18) {
            Reporter[] memory own = new Reporter[](1);
            own[0] = Reporter(actor, "USD");
            data = abi.encodeCall(oracle.announceReporters, (own));
        }
        if (which == 19) {
            data = abi.encodeCall(oracle.removeReporter, (oracle.reporters()[0].account));
        }
        if (which == 20) data = abi.encodeCall(oracle.cancelAnnouncement, ());
    }

    /// @dev What an item of an account has in any case, with the fault that it may have.
    function _fill(
        TransitionSignals memory signals,
        uint256 account,
        uint256 fault,
        uint256 random
    ) private returns (TransitionSignals memory) {
        (uint256 root, ) = _latest();
        signals.stateRoot = fault == 1 ? _unique() : _someRoot(random);
        signals.snapshotRoot = root;
        uint256 age = (random >> 88) % 16;
        if (fault == 2) signals.snapshotRoot = _unique();
        else if (age < (_isFlagActive(_flagAt[accounts[account].place]) ? 8 : 3) && snapshots.length > 1)
            signals.snapshotRoot = snapshots[snapshots.length - 2];
        else if (age == 3) signals.snapshotRoot = _anySnapshot(random);
        signals.registryRoot = _someRegistryRoot(fault, random);
        signals.nullifier = accounts[account].nullifier;
        if (fault == 3) signals.nullifier = _oldNullifier(random);
        if (fault == 4) signals.nullifier = _oldNullifier(random) + FIELD_ORDER;
        signals.commitment = fault == 5 ? FIELD_ORDER : _unique();
        if (fault == 6) signals.mode = 4;
        if (fault == 7) signals.fee = 5_000_001;
        else if (accounts[account].claims[CASH] > 10e6) signals.fee = (random >> 96) % 5_000_001;
        if (random % 3 == 0) signals.fee = 0;
        signals.escrow = [random >> 10, random >> 11];
        return signals;
    }

    /// @dev Kinds 0 to 2 deposit, 3 to 5 withdraw no more than the account has, the others move nothing.
    function _setAmounts(
        TransitionSignals memory signals,
        uint256 account,
        uint256 kind,
        uint256 random
    ) private view {
        if (kind > 5) return;
        uint256 asset = (random >> 104) % 8;
        asset =
            asset < 4
                ? CASH
                : asset < 6
                    ? SPOT
                    : asset == 6
                        ? MOODY
                        : MOODY + ((random >> 112) % 2);
        signals.asset = asset;
        uint256 amount = (random >> 120) % ((random >> 116) % 4 == 0 ? 1 << 60 : 3_000e6);
        if (kind < 3) {
            signals.deposit = amount;
            return;
        }
        if (asset >= ASSETS) {
            signals.withdrawal = 1;
            return;
        }
        int256 claim = accounts[account].claims[asset];
        if (asset == CASH) claim -= int256(signals.fee);
        if (claim <= 0) return;
        signals.withdrawal = (random >> 180) % 4 == 0 ? uint256(claim) : amount % uint256(claim + 1);
    }

    function _terms(
        uint256 fault,
        address sender,
        address payer,
        address recipient
    ) private view returns (Terms memory terms) {
        terms.payer = payer;
        terms.recipient = recipient;
        if (fault % 2 == 1) terms.relayer = sender;
        if (fault == 10) terms.relayer = address(0xbad);
        terms.deadline = uint64(block.timestamp + (fault % 3) * 50);
        if (fault == 11) terms.deadline = uint64(block.timestamp - 1);
    }

    /// @dev The payer's signature: his own for this deposit, with a fault none, another's, or his for another deposit. Says whether it is good.
    function _sign(Transition memory item, uint256 fault, uint256 random) private view returns (bool good) {
        if (item.signals.deposit == 0 || fault == 13) return false;
        uint256 amount = fault == 14 ? item.signals.deposit + 1 : item.signals.deposit;
        bytes32 digest = keccak256(
            abi.encode(
                DEPOSIT_TYPEHASH,
                item.signals.nullifier,
                item.signals.commitment,
                item.signals.asset,
                amount,
                item.terms.deadline
            )
        );
        digest = keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), digest));
        uint256 signer;
        for (uint256 i; i < ACTORS; ++i) if (actors[i] == item.terms.payer) signer = i;
        good = fault != 14;
        if (fault == 15 || fault == 16) {
            uint256 another = (signer + 1 + (random % (ACTORS - 1))) % ACTORS;
            (signer, good) = (another, false);
        }
        item.payerSignature = _sign(_keyOf(signer), digest);
    }

    function _prove(Transition memory item, uint256 account, int256 moved, bool signed) private {
        item.proof = _proveTransition(item.signals, item.terms);
        _transitionOf[item.signals.commitment] = ProvenTransition(
            account,
            moved,
            signed,
            item.signals,
            item.terms
        );
    }

    function _someRoot(uint256 random) private view returns (uint256) {
        return roots[random % 4 == 0 ? (random >> 7) % roots.length : roots.length - 1];
    }

    function _someRegistryRoot(uint256 fault, uint256 random) private view returns (uint256) {
        if (fault == 8) return 0;
        if (fault == 9) return registryRoots[random % registryRoots.length];
        return fault == 17 && previousRegistryRoot != 0 ? previousRegistryRoot : registryRoot;
    }

    function _anySnapshot(uint256 random) private view returns (uint256) {
        return snapshots[(random >> 13) % snapshots.length];
    }

    /// @dev An account whose place is flagged, if there is one and it is wanted; otherwise any.
    function _flaggedAccount(uint256 random, bool flagged) internal view returns (uint256 account) {
        account = (random >> 8) % accounts.length;
        for (uint256 i; flagged && i < accounts.length; ++i) {
            uint256 candidate = (account + i) % accounts.length;
            if (_isFlagActive(_flagAt[accounts[candidate].place])) return candidate;
        }
    }

    /// @dev An account that owes, if there is one; otherwise any.
    function _bankrupt(uint256 random) internal view returns (uint256 account) {
        account = random % accounts.length;
        for (uint256 i; i < accounts.length; ++i) {
            uint256 candidate = (account + i) % accounts.length;
            if (accounts[candidate].claims[CASH] < 0) return candidate;
        }
    }
}
