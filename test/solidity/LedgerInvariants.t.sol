// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Subject } from "./invariants/Bookkeeping.sol";
import { LedgerHandler } from "./invariants/LedgerHandler.sol";

/// @dev Where the runner finds the handler's code.
contract Handler is LedgerHandler {}

/// @notice What holds after any sequence of calls by anybody to ledger, fund, auction, oracle and registry, with a token among the listed that
/// misbehaves in every way.
contract LedgerInvariantsTest {
    uint256 private constant ACTIONS = 30;

    /// @dev Enough for every kind of call.
    uint256 internal constant STEPS = ACTIONS * 60;

    Handler private handler;

    function setUp() public {
        handler = new Handler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Cash held and the uncovered deficit are what accounts claim and what is owed; exactly. So for every other asset, in its units.
    function invariantEveryTokenIsAccountedFor() external view {
        for (uint256 asset; asset < 3; ++asset) {
            int256 claims;
            for (uint256 i; i < handler.accountCount(); ++i) {
                (, int256[3] memory own) = handler.claimsOf(i);
                claims += own[asset];
            }
            uint256 owed = handler.ledger().totalOwed(asset);
            int256 expected =
                (claims + int256(owed)) * int256(handler.unitOf(asset)) + handler.donated(asset);
            int256 held = int256(handler.tokenOf(asset).balanceOf(address(handler.ledger())));
            if (asset == 0) {
                held += int256(uint256(handler.fund().uncovered()));
                expected -= handler.unbacked();
            }
            // A token that says it paid, and did not, leaves more than is claimed.
            if (asset == 2) expected += int256(handler.moody().unmoved(address(handler.ledger())));
            require(held == expected, "tokens are missing, or too many");
        }
        free(Subject.Holdings);
    }

    /// @notice Nobody has more than he had, less what he gave with his consent, plus what was proven for him; nor less.
    function invariantEverybodyHasWhatWasProvenForHim() external view {
        for (uint256 i; i < 5; ++i) {
            address actor = handler.actors(i);
            for (uint256 asset; asset < 3; ++asset) {
                int256 has = int256(handler.tokenOf(asset).balanceOf(actor));
                has += int256(handler.ledger().balanceOwed(asset, actor) * handler.unitOf(asset));
                uint256 lost;
                if (asset == 0) {
                    has += int256(handler.fund().claimOf(actor) + handler.fund().collectableBy(actor));
                    lost = handler.touches(actor) + 2;
                }
                require(has <= handler.due(actor, asset), "more than was proven");
                // The moody token may keep a part of what it pays.
                if (asset < 2)
                    require(has + int256(lost) >= handler.due(actor, asset), "less than was proven");
            }
        }
        free(Subject.Consent);
        free(Subject.Proofs);
    }

    /// @notice A note is spent once, stays spent, and nobody spends another's.
    function invariantNotesAreSpentOnce() external view {
        for (uint256 i; i < handler.spentCount(); ++i) {
            require(handler.ledger().isSpent(handler.spent(i)), "spent note is unspent again");
        }
        for (uint256 i; i < handler.accountCount(); ++i) {
            (uint256 nullifier, ) = handler.claimsOf(i);
            require(!handler.ledger().isSpent(nullifier), "a note was spent by nobody");
        }
        free(Subject.Nullifiers);
        free(Subject.Trades);
        free(Subject.Terms);
    }

    /// @notice Every root ever known stays known; the queue gives places in order and forgets no leaf.
    function invariantRootsAndLeavesOnlyGrow() external view {
        uint256 count = handler.rootCount();
        for (uint256 i; i < count; ++i) {
            require(handler.ledger().isKnownRoot(handler.roots(i)), "root forgotten");
        }
        require(handler.ledger().stateRoot() == handler.roots(count - 1), "state root");
        (uint256 tail, uint256 openedAt, uint256 inserted) = handler.ledger().queue();
        require(tail == handler.tail() && inserted == handler.inserted(), "queue");
        if (tail % 16 != 0) require(openedAt == handler.openedAt(), "age of the open node");
        for (uint256 node = inserted; 16 * node < tail; ++node) {
            bytes32 chain;
            for (uint256 place = 16 * node; place < 16 * (node + 1); ++place) {
                uint256 leaf = handler.leafAt(place);
                if (leaf != 0) chain = keccak256(abi.encode(chain, leaf));
            }
            require(handler.ledger().accumulatorOf(node) == chain, "leaves of a node");
        }
        free(Subject.Queue);
    }

    /// @notice The fund holds what it says, saves nothing while it owes, and its balance less its debts is what it was given less what it paid.
    function invariantTheFundIsNeverBelowZero() external view {
        uint256 balance = handler.fund().balance();
        uint256 uncovered = handler.fund().uncovered();
        uint256 claims = handler.fund().totalClaims();
        uint256 held = handler.cash().balanceOf(address(handler.fund()));
        require(
            held == balance + handler.fund().collectable() + handler.donatedToFund(),
            "tokens of the fund"
        );
        require(balance == 0 || uncovered + claims == 0, "saves while it owes");
        require(
            int256(balance) - int256(uncovered) - int256(claims) == handler.fundNet() - handler.unbacked(),
            "given less paid"
        );
        free(Subject.Fund);
    }

    /// @notice No withdrawal while the deficit locks them; the lock begins once and ends with the deficit.
    function invariantTheLockHolds() external view {
        require(handler.fund().impairedSince() == handler.impairedSince(), "start of the lock");
        if (handler.fund().uncovered() == 0) require(!handler.fund().isImpaired(), "locked for nothing");
        free(Subject.Lock);
        free(Subject.Modes);
    }

    /// @notice Nothing is priced by a stale snapshot, nor by one that another epoch has replaced; what was posted never changes.
    function invariantNoStaleEpochIsAccepted() external view {
        uint256 count = handler.snapshotCount();
        for (uint256 i; i < count; ++i) {
            uint256 root = handler.snapshots(i);
            require(handler.oracle().rootOf(i + 1) == root, "root of an epoch");
            require(handler.oracle().epochOf(root) == i + 1, "epoch of a root");
        }
        (uint256 latest, ) = handler.oracle().latest();
        require(latest == handler.snapshots(count - 1), "latest");
        free(Subject.Snapshots);
        free(Subject.Flags);
        free(Subject.Registry);
    }

    /// @notice Only its holder uses a role; what is settled at the start stays: listings, reporters, bindings.
    function invariantRolesAndSettingsAreKept() external view {
        require(handler.ledger().emergency() == handler.emergency(), "emergency");
        require(handler.fund().floor() == handler.floor(), "floor");
        require(handler.registry().currentRoot() == handler.registryRoot(), "registry root");
        require(handler.oracle().quorum() == 1, "reporters");
        require(address(handler.fund().ledger()) == address(handler.ledger()), "the fund's ledger");
        require(address(handler.auction().ledger()) == address(handler.ledger()), "the auction's ledger");
        for (uint256 asset; asset < 3; ++asset) {
            (address token, uint96 unit) = listing(asset);
            require(token == address(handler.tokenOf(asset)) && unit == handler.unitOf(asset), "listing");
        }
        (address none, ) = listing(9);
        require(none == address(0), "listed by nobody");
        for (uint256 i; i < 5; ++i) {
            require(!handler.ledger().hasRole(0, handler.actors(i)), "administrator");
            require(
                !handler.ledger().hasRole(handler.ledger().GUARDIAN_ROLE(), handler.actors(i)),
                "guardian"
            );
        }
        free(Subject.Roles);
        free(Subject.Reentrancy);
    }

    /// @dev A long run of all actions by turns comes to everything that the invariants are about; so they hold of something.
    function testTheHandlerReachesEveryKindOfCall() external {
        for (uint256 i; i < STEPS; ++i) act(i);
        string[21] memory kinds = [
            "opening",
            "transition",
            "trade side",
            "deposit",
            "withdrawal",
            "exit",
            "wind-down",
            "on the snapshot before",
            "take-over",
            "deficit not covered",
            "impairment",
            "claim on the fund",
            "recovery",
            "deposit into the fund",
            "release",
            "collection",
            "seal",
            "insertion",
            "flag",
            "clearing",
            "refused"
        ];
        for (uint256 i; i < kinds.length; ++i) {
            require(handler.accepted(bytes32(bytes(kinds[i]))) != 0, string.concat("never: ", kinds[i]));
        }
    }

    /// @dev The step of a long run with this number.
    function act(uint256 step) internal {
        uint256 random = uint256(keccak256(abi.encode("step", step)));
        (bool done, ) = address(handler).call(abi.encodeWithSelector(actions()[step % ACTIONS], random));
        require(done, "the handler reverted");
    }

    function actions() private view returns (bytes4[ACTIONS] memory) {
        return
            [
                handler.open.selector,
                handler.submit.selector,
                handler.submit.selector,
                handler.submit.selector,
                handler.submitTrade.selector,
                handler.submitBatch.selector,
                handler.post.selector,
                handler.flag.selector,
                handler.submitBatch.selector,
                handler.post.selector,
                handler.takeOver.selector,
                handler.clear.selector,
                handler.seal.selector,
                handler.insert.selector,
                handler.replay.selector,
                handler.reveal.selector,
                handler.fundDeposit.selector,
                handler.collectRecovery.selector,
                handler.recordImpairment.selector,
                handler.release.selector,
                handler.collect.selector,
                handler.postRegistry.selector,
                handler.setBlocked.selector,
                handler.setMood.selector,
                handler.trespass.selector,
                handler.setEmergency.selector,
                handler.setFloor.selector,
                handler.donate.selector,
                handler.relist.selector,
                handler.rest.selector
            ];
    }

    function listing(uint256 asset) private view returns (address, uint96) {
        (bool done, bytes memory data) = address(handler.ledger()).staticcall(
            abi.encodeWithSignature("assetOf(uint256)", asset)
        );
        require(done, "assetOf");
        return abi.decode(data, (address, uint96));
    }

    function free(Subject subject) private view {
        string memory complaint = handler.complaint(subject);
        require(bytes(complaint).length == 0, complaint);
    }
}
