// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";
import { Custody } from "../../contracts/Custody.sol";
import { Opening, TakeOver, Transition } from "../../contracts/Statements.sol";
import { ILedgerState } from "../../contracts/interfaces/ILedgerState.sol";
import { BurningWallet } from "../../contracts/test/BurningWallet.sol";
import { cheats, Log } from "./Cheats.sol";
import { Deposit, FundCalls, Observation, SnapshotHeader } from "./invariants/Interfaces.sol";
import { Mood, MoodyToken } from "./invariants/MoodyToken.sol";
import { ProvenWorld } from "./invariants/ProvenWorld.sol";

/// @notice What a listed token that turns hostile can do to its own holders, to others and to the gas of a batch; and re-entrancy from every
/// call that the contracts make to a token.
contract HostileTokensTest is ProvenWorld {
    uint256 private constant BLOCK_GAS = 30_000_000;
    bytes4 private immutable REENTERED = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;

    uint256 private snapshot;

    constructor() {
        cheats.warp(1_900_000_000);
        registry.postRoot(0, _unique(), true);
        snapshot = _unique();
        SnapshotHeader memory header;
        header.epoch = 1;
        header.time = uint64(block.timestamp);
        header.snapshotRoot = snapshot;
        header.inputsHash = keccak256("");
        uint64[] memory keys = new uint64[](1);
        Observation[] memory observations = new Observation[](1);
        observations[0].prices = new uint64[](1);
        observations[0].tradedAt = new uint64[](1);
        (observations[0].prices[0], observations[0].tradedAt[0]) = (1e6, header.time);
        header.pricesHash = keccak256(abi.encode(keys, observations[0].prices));
        observations[0].signature = _sign(
            REPORTER_KEY,
            oracle.observationDigest(1, header.time, keys, observations[0])
        );
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = _sign(REPORTER_KEY, oracle.headerDigest(header));
        oracle.post(header, "", keys, observations, signatures);
        cash.mint(actors[0], 1e12);
        moody.mint(actors[0], 1e12);
        _submit(_deposit(CASH, 1e9));
        _submit(_deposit(MOODY, 1e9));
    }

    /// @dev What a token does instead of moving a deposit.
    function testNoDepositCountsThatDidNotArriveInFull() external {
        Mood[7] memory moods = [
            Mood.Fee,
            Mood.False,
            Mood.Revert,
            Mood.Nothing,
            Mood.Bomb,
            Mood.Burn,
            Mood.BalanceRevert
        ];
        for (uint256 i; i < moods.length; ++i) {
            Transition[] memory items = _items(3);
            items[1] = _deposit(MOODY, 1000);
            moody.setMood(moods[i]);
            _batch(items);
            require(ledger.isSpent(items[0].signals.nullifier), "the item before");
            require(!ledger.isSpent(items[1].signals.nullifier), "the deposit");
            require(ledger.isSpent(items[2].signals.nullifier), "the item after");
            moody.setMood(Mood.Honest);
            require(moody.balanceOf(address(ledger)) == 1e9, "tokens of the ledger");
            require(moody.balanceOf(actors[0]) == 1e12 - 1e9, "tokens of the payer");
        }
    }

    function testTokensThatAnswerNothingOrTooMuchAreTakenAndPaid() external {
        for (uint256 i; i < 2; ++i) {
            uint256 before = moody.balanceOf(actors[1]);
            moody.setMood(i == 0 ? Mood.Mute : Mood.Chatty);
            _submit(_deposit(MOODY, 500));
            _submit(_withdrawal(MOODY, 500, actors[1]));
            require(moody.balanceOf(actors[1]) == before + 500, "paid");
        }
        require(ledger.totalOwed(MOODY) == 0, "owed");
    }

    /// @dev What a token does instead of paying: it is owed, once, and everybody else is paid.
    function testAPayoutThatItsTokenRefusesIsOwedAndNobodyElseWaits() external {
        Mood[4] memory moods = [Mood.False, Mood.Revert, Mood.Bomb, Mood.Call];
        for (uint256 i; i < moods.length; ++i) {
            // In the middle of its transfer the token asks for what is owed, which the ledger refuses; then it moves the tokens all the same.
            moody.arm(address(ledger), abi.encodeCall(ledger.collect, (MOODY)));
            Transition[] memory items = _items(3);
            items[0] = _withdrawal(MOODY, 10, actors[1]);
            items[1] = _withdrawal(CASH, 7, actors[2]);
            uint256 before = cash.balanceOf(actors[2]);
            moody.setMood(moods[i]);
            _batch(items);
            require(cash.balanceOf(actors[2]) == before + 7, "somebody else");
            require(moody.calls() == 0, "entered");
            uint256 owed = moods[i] == Mood.Call ? 0 : 10;
            require(ledger.balanceOwed(MOODY, actors[1]) == owed, "owed");
            moody.setMood(Mood.Honest);
            if (owed != 0) {
                cheats.prank(actors[1]);
                ledger.collect(MOODY);
                cheats.prank(actors[1]);
                (bool again, ) = address(ledger).call(abi.encodeCall(ledger.collect, (MOODY)));
                require(!again, "collected twice");
            }
            require(moody.balanceOf(actors[1]) == 10 * (i + 1), "paid once");
        }
    }

    /// @dev A token that takes from the ledger's balance: its own holders bear it, whoever withdraws last; cash stays as it was.
    function testARebasedTokenHurtsItsOwnHoldersAlone() external {
        moody.burn(address(ledger), 6e8);
        require(!_accepts(_withdrawal(MOODY, 4e8 + 1, actors[1])), "more than is there");
        require(_accepts(_withdrawal(MOODY, 4e8, actors[1])), "what is there");
        require(_accepts(_withdrawal(CASH, 1e9, actors[1])), "cash");
        moody.mint(address(ledger), 5);
        require(moody.balanceOf(actors[1]) == 4e8 && cash.balanceOf(actors[1]) == 1e9, "paid as proven");
    }

    function testABlockedLedgerOwesAndABlockedRecipientToo() external {
        cash.setBlocked(actors[3], true);
        _submit(_withdrawal(CASH, 5, actors[3]));
        require(ledger.balanceOwed(CASH, actors[3]) == 5, "recipient");
        cash.setBlocked(address(ledger), true);
        Transition memory deposit = _deposit(CASH, 9);
        require(!_accepts(deposit), "deposit into a blocked ledger");
    }

    /// @dev Who withdraws what cannot tell the ledger's balance is refused by name, for little gas, and skipped in a batch; the others are paid.
    function testATokenWithoutABalanceStopsItsOwnWithdrawalsAlone() external {
        Mood[3] memory moods = [Mood.BalanceRevert, Mood.BalanceBurn, Mood.BalanceMute];
        for (uint256 i; i < 3; ++i) {
            moody.setMood(Mood.Honest);
            Transition[] memory items = new Transition[](3);
            items[0] = _withdrawal(MOODY, 1, actors[1]);
            items[1] = _withdrawal(CASH, 1, actors[2]);
            items[2] = _plain();
            moody.setMood(moods[i]);
            cheats.prank(actors[0]);
            (bool done, bytes memory reason) = address(ledger).call{ gas: 800_000 }(
                abi.encodeCall(ledger.submit, (items[0]))
            );
            require(!done && bytes4(reason) == Custody.BalanceUnknown.selector, "withdrawal");
            cheats.prank(actors[0]);
            ledger.submitBatch{ gas: 1_200_000 }(new Opening[](0), items, new TakeOver[](0));
            require(!ledger.isSpent(items[0].signals.nullifier), "skipped");
            require(ledger.isSpent(items[2].signals.nullifier), "the others");
            require(cash.balanceOf(actors[2]) == i + 1, "paid");
        }
    }

    /// @dev A trade that deposits and withdraws a token which boasts of more than there can be is skipped; the others are paid.
    function testATokenThatBoastsSinksNoBatch() external {
        Transition[] memory items = new Transition[](3);
        for (uint256 side; side < 2; ++side) {
            items[side] = side == 0 ? _deposit(MOODY, 7) : _withdrawal(MOODY, 5, actors[1]);
            (items[side].signals.tradeTag, items[side].signals.side) = (77, side);
            _prove(items[side]);
        }
        items[2] = _withdrawal(CASH, 1, actors[2]);
        moody.setMood(Mood.BalanceBoast);
        _batch(items);
        for (uint256 side; side < 2; ++side) {
            require(!ledger.isSpent(items[side].signals.nullifier), "not skipped");
        }
        require(cash.balanceOf(actors[2]) == 1, "paid");
    }

    /// @dev From inside every token call of ledger and fund, every way into the same contract is closed.
    function testNoTokenCallLetsAnybodyInAgain() external {
        bytes[7] memory ways = [
            abi.encodeCall(ledger.submit, (_plain())),
            abi.encodeCall(ledger.submitBatch, (new Opening[](0), _items(1), new TakeOver[](0))),
            abi.encodeCall(ledger.submitTrade, (_plain(), _plain())),
            abi.encodeCall(ledger.collect, (CASH)),
            abi.encodeCall(ledger.seal, ()),
            abi.encodeCall(ledger.takeDeposits, (new Deposit[](0))),
            abi.encodeCall(
                ledger.insert,
                (0, [uint256(1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1, _anyProof())
            )
        ];
        cash.setBlocked(actors[3], true);
        _submit(_withdrawal(CASH, 5, actors[3]));
        cheats.warp(block.timestamp + 31);
        for (uint256 i; i < ways.length; ++i) {
            bool isInner = bytes4(ways[i]) == ledger.takeDeposits.selector;
            bytes4 refusal = isInner ? Custody.OnlyTheLedger.selector : REENTERED;
            moody.setMood(Mood.Call);
            moody.arm(address(ledger), ways[i]);
            _submit(_deposit(MOODY, 10));
            _requireRefused(refusal);
            moody.arm(address(ledger), ways[i]);
            _submit(_withdrawal(MOODY, 10, actors[1]));
            _requireRefused(refusal);
            moody.setMood(Mood.Revert);
            _submit(_withdrawal(MOODY, 1, actors[4]));
            moody.setMood(Mood.Call);
            moody.arm(address(ledger), ways[i]);
            cheats.prank(actors[4]);
            ledger.collect(MOODY);
            _requireRefused(refusal);
        }
    }

    /// @dev The token called in the middle of its transfer, and was refused for that and for no other fault of the call.
    function _requireRefused(bytes4 refusal) private view {
        require(moody.calls() == 0, "entered twice");
        require(moody.refusal() == refusal, "not called, or refused for something else");
    }

    function testTheFundLetsNobodyInAgain() external {
        (FundCalls other, StandIn standIn) = _hostileFund();
        bytes[4] memory ways = [
            abi.encodeCall(other.deposit, (1)),
            abi.encodeCall(other.collectRecovery, ()),
            abi.encodeCall(other.recordImpairment, ()),
            abi.encodeCall(other.release, (address(moody), 0))
        ];
        other.grantRole(other.PARAMETER_ROLE(), address(moody));
        for (uint256 i; i < ways.length; ++i) {
            moody.setMood(Mood.Call);
            moody.arm(address(other), ways[i]);
            other.deposit(100);
            _requireRefused(REENTERED);
            moody.arm(address(other), ways[i]);
            other.release(actors[1], 1);
            _requireRefused(REENTERED);
            moody.arm(address(other), ways[i]);
            standIn.payTakeOver(address(other), 10, 0, 1 + i);
            _requireRefused(REENTERED);
            moody.setMood(Mood.Honest);
        }
    }

    function testTheFundTakesNoDepositThatDidNotArrive() external {
        (FundCalls other, ) = _hostileFund();
        Mood[3] memory moods = [Mood.Fee, Mood.False, Mood.Nothing];
        for (uint256 i; i < moods.length; ++i) {
            moody.setMood(moods[i]);
            (bool done, ) = address(other).call(abi.encodeCall(other.deposit, (1000)));
            require(!done && other.balance() == 0, "counted");
        }
    }

    /// @dev Sixteen items that fail in the dearest way that a payer has cost their DEPOSIT_GAS each, and are skipped.
    function testSixteenBurningWalletsAreBounded() external {
        BurningWallet wallet = new BurningWallet();
        Transition[] memory items = _items(16);
        for (uint256 i; i < 16; ++i) {
            items[i] = _item();
            items[i].signals.deposit = 5;
            items[i].terms.payer = address(wallet);
            items[i].payerSignature = hex"00";
            _prove(items[i]);
        }
        _requireGas(items, 8_000_000, 8_300_000);
    }

    function testSixteenDepositsOfAHostileTokenAreBounded() external {
        Mood[3] memory moods = [Mood.Burn, Mood.Bomb, Mood.Revert];
        uint256[3] memory most = [uint256(8_300_000), 1_500_000, 1_500_000];
        for (uint256 i; i < moods.length; ++i) {
            Transition[] memory items = _items(16);
            for (uint256 k; k < 16; ++k) items[k] = _deposit(MOODY, 10);
            moody.setMood(moods[i]);
            _requireGas(items, 0, most[i]);
            moody.setMood(Mood.Honest);
        }
    }

    function testSixteenItemsThatAreRefusedAtOnceCostLittle() external {
        Transition[] memory items = _items(16);
        for (uint256 i; i < 16; ++i) items[i].terms.deadline = uint64(block.timestamp - 1);
        _requireGas(items, 0, 150_000);
    }

    /// @dev Sixteen payouts of a token that reverts with 100 kB or answers 100 kB, of which nothing is copied, or that burns what it is given.
    function testSixteenPayoutsOfAHostileTokenAreBounded() external {
        Mood[3] memory moods = [Mood.Bomb, Mood.Chatty, Mood.Burn];
        uint256[3] memory most = [uint256(1_500_000), 1_500_000, 5_800_000];
        for (uint256 i; i < moods.length; ++i) {
            Transition[] memory items = _items(16);
            for (uint256 k; k < 16; ++k) items[k] = _withdrawal(MOODY, 1, actors[1]);
            moody.setMood(moods[i]);
            uint256 before = gasleft();
            _batch(items);
            uint256 used = before - gasleft();
            require(used < most[i], string.concat("gas: ", Strings.toString(used)));
            require(ledger.isSpent(items[15].signals.nullifier), "applied");
            moody.setMood(Mood.Honest);
        }
    }

    /// @dev Sixteen withdrawals of a token that burns what it is given when it is asked for a balance: each is skipped for BALANCE_GAS.
    function testSixteenBurningBalancesAreBounded() external {
        Transition[] memory items = _items(16);
        for (uint256 k; k < 16; ++k) items[k] = _withdrawal(MOODY, 1, actors[1]);
        moody.setMood(Mood.BalanceBurn);
        _requireGas(items, 1_600_000, 2_200_000);
    }

    /// @dev Whatever gas its sender gives, a token that needs nearly all of BALANCE_GAS to tell a balance pays, or nothing is done at all.
    function testNoGasLimitTurnsABalanceIntoARefusal() external {
        moody.setMood(Mood.BalanceHungry);
        uint256 reverted;
        uint256 paid;
        Transition[] memory items = new Transition[](1);
        items[0] = _withdrawal(MOODY, 1, actors[1]);
        for (uint256 gas = 100_000; gas < 800_000; gas += 1_000) {
            cheats.prank(actors[0]);
            (bool done, ) = address(ledger).call{ gas: gas }(
                abi.encodeCall(ledger.submitBatch, (new Opening[](0), items, new TakeOver[](0)))
            );
            require(ledger.isSpent(items[0].signals.nullifier) == done, "blamed");
            if (done) items[0] = _withdrawal(MOODY, 1, actors[1]);
            if (done) ++paid;
            else ++reverted;
        }
        require(reverted > 100 && paid > 100, "not tried");
    }

    /// @dev A token that burns what it is given is given PAYOUT_GAS and no more: its withdrawal is owed for little gas.
    function testAPayoutThatBurnsItsGasIsOwed() external {
        Transition memory item = _withdrawal(MOODY, 1, actors[1]);
        moody.setMood(Mood.Burn);
        ledger.submit{ gas: 1_000_000 }(item);
        require(ledger.balanceOwed(MOODY, actors[1]) == 1, "owed");
    }

    /// @dev Fourteen others are paid beside two such payouts.
    function testBurningPayoutsSinkNoBatch() external {
        Transition[] memory items = new Transition[](16);
        for (uint256 i; i < 2; ++i) items[i] = _withdrawal(MOODY, 1, actors[1]);
        for (uint256 i = 2; i < 16; ++i) items[i] = _withdrawal(CASH, 1, actors[2]);
        moody.setMood(Mood.Burn);
        cheats.prank(actors[0]);
        ledger.submitBatch{ gas: 3_000_000 }(new Opening[](0), items, new TakeOver[](0));
        require(ledger.balanceOwed(MOODY, actors[1]) == 2, "owed");
        require(ledger.isSpent(items[15].signals.nullifier), "applied");
        require(cash.balanceOf(actors[2]) == 14, "the others are paid");
    }

    /// @dev Whatever gas its sender gives, a payout whose token takes nearly all of PAYOUT_GAS is paid, or nothing is done at all.
    function testNoGasLimitTurnsAPayoutIntoADebt() external {
        moody.setMood(Mood.Hungry);
        uint256 refused;
        uint256 paid;
        for (uint256 gas = 200_000; gas < 700_000; gas += 2_000) {
            Transition memory item = _withdrawal(MOODY, 1, actors[1]);
            cheats.prank(actors[0]);
            (bool done, bytes memory reason) = address(ledger).call{ gas: gas }(
                abi.encodeCall(ledger.submit, (item))
            );
            if (done) ++paid;
            else if (bytes4(reason) == Custody.TooLittleGas.selector) ++refused;
            require(ledger.isSpent(item.signals.nullifier) == done, "half done");
            require(moody.balanceOf(actors[1]) == paid && ledger.totalOwed(MOODY) == 0, "owed");
        }
        require(refused > 50 && paid > 50, "not tried");
    }

    /// @dev Gas that a batch of refused items may take; all are skipped.
    function _requireGas(Transition[] memory items, uint256 least, uint256 most) private {
        cheats.recordLogs();
        uint256 before = gasleft();
        _batch(items);
        uint256 used = before - gasleft();
        Log[] memory logs = cheats.getRecordedLogs();
        require(logs.length == items.length, "not all were skipped");
        for (uint256 i; i < items.length; ++i) {
            require(!ledger.isSpent(items[i].signals.nullifier), "not skipped");
        }
        require(used >= least && used <= most, string.concat("gas: ", Strings.toString(used)));
    }

    /// @dev A fund whose cash is the moody token, and a stand-in for its ledger; this contract administers both and has deposited nothing.
    function _hostileFund() private returns (FundCalls other, StandIn standIn) {
        standIn = StandIn(
            _create("contracts/test/LedgerStandIn.sol:LedgerStandIn", abi.encode(verifier, moody))
        );
        other = FundCalls(
            _create("contracts/InsuranceFund.sol:InsuranceFund", abi.encode(address(this), moody, 0))
        );
        other.bind(ILedgerState(address(standIn)));
        moody.mint(address(this), 1e12);
        moody.approve(address(other), type(uint256).max);
    }

    function _create(string memory artifact, bytes memory parameters) private returns (address made) {
        bytes memory code = bytes.concat(cheats.getCode(artifact), parameters);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(made != address(0), artifact);
    }

    function _items(uint256 count) private returns (Transition[] memory items) {
        items = new Transition[](count);
        for (uint256 i; i < count; ++i) items[i] = _plain();
    }

    function _item() private returns (Transition memory item) {
        item.signals.stateRoot = ledger.stateRoot();
        item.signals.snapshotRoot = snapshot;
        item.signals.registryRoot = registry.currentRoot();
        item.signals.nullifier = _unique();
        item.signals.commitment = _unique();
        item.terms.deadline = uint64(block.timestamp + 100);
    }

    function _plain() private returns (Transition memory item) {
        item = _item();
        _prove(item);
    }

    /// @dev A deposit of the first actor, who sends it.
    function _deposit(uint256 asset, uint256 amount) private returns (Transition memory item) {
        item = _item();
        (item.signals.asset, item.signals.deposit) = (asset, amount);
        item.terms.payer = actors[0];
        _prove(item);
    }

    function _withdrawal(
        uint256 asset,
        uint256 amount,
        address recipient
    ) private returns (Transition memory item) {
        item = _item();
        (item.signals.asset, item.signals.withdrawal) = (asset, amount);
        item.terms.recipient = recipient;
        _prove(item);
    }

    function _prove(Transition memory item) private {
        item.proof = _proveTransition(item.signals, item.terms);
    }

    function _submit(Transition memory item) private {
        cheats.prank(actors[0]);
        ledger.submit(item);
    }

    function _accepts(Transition memory item) private returns (bool done) {
        cheats.prank(actors[0]);
        (done, ) = address(ledger).call{ gas: BLOCK_GAS }(abi.encodeCall(ledger.submit, (item)));
    }

    function _batch(Transition[] memory items) private {
        cheats.prank(actors[0]);
        ledger.submitBatch{ gas: BLOCK_GAS }(new Opening[](0), items, new TakeOver[](0));
    }
}

/// @dev What the tests call of LedgerStandIn.
interface StandIn {
    function payTakeOver(address fund, uint256 deficit, uint256 reward, uint256 epoch) external;
}
