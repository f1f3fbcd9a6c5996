// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { InsuranceFund } from "../../contracts/InsuranceFund.sol";
import { ILedgerState } from "../../contracts/interfaces/ILedgerState.sol";
import { IdealVerifier } from "../../contracts/test/IdealVerifier.sol";
import { LedgerStandIn } from "../../contracts/test/LedgerStandIn.sol";
import { TestToken } from "../../contracts/test/TestToken.sol";
import { cheats } from "./Cheats.sol";

/// @dev Somebody whose withdrawals were paid in part. `touches` counts the calls in which a fraction of a micro-USDC may be lost.
contract Claimant {
    uint256 public claimed;
    uint256 public collected;
    uint256 public touches;

    function noteClaim(uint256 amount) external {
        claimed += amount;
        ++touches;
    }

    function collect(InsuranceFund fund) external {
        uint256 before = fund.cash().balanceOf(address(this));
        fund.collectRecovery();
        collected += fund.cash().balanceOf(address(this)) - before;
        ++touches;
    }
}

/// @notice The fund's accounts balance, and nobody receives more than the loss that he bore, whatever is done in whatever order.
contract InsuranceFundTest {
    uint256 private constant CLAIMANTS = 7;

    TestToken private cash;
    LedgerStandIn private ledger;
    InsuranceFund private fund;
    Claimant[] private claimants;

    uint256 private deposited;
    uint256 private toLedger;
    uint256 private epoch;

    function setUp() public {
        cash = new TestToken("USD Coin", "USDC", 6);
        ledger = new LedgerStandIn(new IdealVerifier(), cash);
        fund = new InsuranceFund(address(this), cash, 0);
        fund.bind(ILedgerState(address(ledger)));
        for (uint256 i; i < CLAIMANTS; ++i) claimants.push(new Claimant());
        cash.approve(address(fund), type(uint256).max);
    }

    function testFuzzAccountsBalanceInAnyOrder(uint256 seed) public {
        for (uint256 step; step < 40; ++step) {
            uint256 random = uint256(keccak256(abi.encode(seed, step)));
            // Amounts of every magnitude up to 2^50.
            uint256 amount = (random >> 16) % 2 ** (1 + ((random >> 8) % 50));
            uint256 which = random % 8;
            Claimant claimant = claimants[(random >> 3) % CLAIMANTS];
            if (which == 0) {
                cash.mint(address(ledger), amount);
            } else if (which == 1) {
                _deposit(amount);
            } else if (which == 2) {
                _deposit(_part(random >> 80, fund.uncovered() + fund.totalClaims()));
            } else if (which == 3) {
                _takeOver(amount, random);
            } else if (which < 7) {
                _withdraw(claimant, amount);
            } else {
                claimant.collect(fund);
            }
            _checkAccounts();
        }
        _recapitalise();
    }

    function testFuzzEverybodyIsPaidAlikeInAnyOrder(uint256 seed, uint64 held, uint64 missing) public {
        uint256 holdings = uint256(held) + 1;
        cash.mint(address(ledger), holdings);
        ledger.payTakeOver(fund, missing, 0, 1);
        if (!fund.isImpaired()) return;
        uint256 total = holdings + missing;
        uint256 left = total;
        for (uint256 i; left != 0; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 amount = i < 40 ? _part(random, left) : left;
            Claimant claimant = claimants[i % CLAIMANTS];
            uint256 before = cash.balanceOf(address(claimant));
            _withdraw(claimant, amount);
            uint256 paid = cash.balanceOf(address(claimant)) - before;
            // At least the first ratio, floored; at most what is there.
            require(paid + 1 > (amount * holdings) / total, "less than the others");
            require(paid <= amount, "more than asked");
            left -= amount;
        }
        require(cash.balanceOf(address(ledger)) == 0, "left in the ledger");
        require(fund.uncovered() == 0, "left uncovered");
        _recapitalise();
    }

    function _deposit(uint256 amount) private {
        cash.mint(address(this), amount);
        uint256 before = fund.uncovered();
        try fund.deposit(amount) {
            deposited += amount;
            toLedger += before - fund.uncovered();
        } catch (bytes memory reason) {
            require(
                bytes4(reason) == bytes4(keccak256("RecoveryTooNearlyComplete(uint256,uint256)")),
                "deposit"
            );
        }
    }

    function _takeOver(uint256 deficit, uint256 random) private {
        epoch += (random >> 100) % 2;
        uint256 reward = _part(random >> 120, fund.balance() / 8);
        uint256 before = fund.balance();
        if (fund.refusalOfPayment(deficit, reward, epoch).length != 0) reward = 0;
        ledger.payTakeOver(fund, deficit, reward, epoch);
        toLedger += before - fund.balance();
    }

    function _withdraw(Claimant claimant, uint256 amount) private {
        fund.recordImpairment();
        cheats.warp(block.timestamp + fund.LOCK_FOR());
        uint256 holdings = ledger.cashHoldings();
        uint256 total = holdings + fund.uncovered();
        if (amount > total) amount = total;
        bool impaired = fund.isImpaired();
        if (!impaired && amount > holdings) amount = holdings;
        uint256 before = cash.balanceOf(address(claimant));
        ledger.withdraw(fund, address(claimant), amount);
        uint256 paid = cash.balanceOf(address(claimant)) - before;
        claimant.noteClaim(amount - paid);
        if (impaired) {
            // The ratio of those who stay: not less, and not more by a whole micro-USDC.
            uint256 gain = ledger.cashHoldings() * total - holdings * (total - amount);
            require(gain < total, "ratio moved");
            require(ledger.cashHoldings() + fund.uncovered() == total - amount, "sum moved");
        } else {
            require(paid == amount, "not in full");
        }
    }

    function _recapitalise() private {
        uint256 debt = fund.uncovered() + fund.totalClaims();
        _deposit(debt);
        require(fund.uncovered() == 0 && fund.totalClaims() == 0 && !fund.isImpaired(), "not whole");
        for (uint256 i; i < CLAIMANTS; ++i) claimants[i].collect(fund);
        _checkAccounts();
        for (uint256 i; i < CLAIMANTS; ++i) {
            require(fund.claimOf(address(claimants[i])) == 0, "claim left");
        }
    }

    function _checkAccounts() private view {
        uint256 held = fund.balance() + fund.collectable();
        require(cash.balanceOf(address(fund)) == held, "balance");
        uint256 collected;
        uint256 collectable;
        uint256 claims;
        for (uint256 i; i < CLAIMANTS; ++i) {
            address claimant = address(claimants[i]);
            uint256 open = fund.claimOf(claimant);
            uint256 ready = fund.collectableBy(claimant);
            claims += open;
            collectable += ready;
            uint256 claimed = claimants[i].claimed();
            uint256 received = claimants[i].collected();
            require(received + ready + open <= claimed, "more than the claim");
            require(received + ready + open + claimants[i].touches() + 2 >= claimed, "less than the claim");
            collected += received;
        }
        require(claims <= fund.totalClaims(), "claims exceed their sum");
        require(collectable <= fund.collectable(), "collectable exceeds what came in");
        require(deposited == held + toLedger + collected, "deposits are not balance and payments");
        if (fund.uncovered() + fund.totalClaims() != 0) require(fund.balance() == 0, "owing and saving");
    }

    function _part(uint256 random, uint256 whole) private pure returns (uint256) {
        return random % (whole + 1);
    }
}
