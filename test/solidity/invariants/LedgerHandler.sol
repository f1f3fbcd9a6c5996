// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { FIELD_ORDER } from "../../../contracts/Field.sol";
import { LedgerItems } from "./LedgerItems.sol";
import { Opening, TakeOver, Tier, Transition } from "../../../contracts/Statements.sol";
import { Circuit } from "../../../contracts/interfaces/IProofVerifier.sol";
import { cheats, Log } from "../Cheats.sol";
import { Mood } from "./MoodyToken.sol";
import { InsolvencySignals, Observation, SnapshotHeader, SolvencySignals } from "./Interfaces.sol";
import { Subject } from "./Bookkeeping.sol";

/// @title Handler of the ledger
/// @notice Every way into the contracts as an action of one random number. Most calls are sound, some are spoiled in one way or another; what is
/// accepted is judged by {Bookkeeping}. No action reverts.
contract LedgerHandler is LedgerItems {
    /// @dev The next snapshot without a fault, on which prices have not moved.
    uint256 private constant STEADY = 1 << 16;

    /// @dev The bits of a transition's kind in its random number.
    uint256 private constant KIND = 7 << 16;

    /// @dev The bit of its asset that cash does not have.
    uint256 private constant NOT_CASH = 4 << 104;

    /// @dev The bit that a wind-down has, and an exit has not.
    uint256 private constant WIND_DOWN = 1 << 230;

    /// @dev The fault of a snapshot that is posted too late; a while passes before it.
    uint256 private constant LATE = 3;

    /// @dev The bits of a take-over without a fault that cures nothing, at a low rate and with a reward of more than half of what an epoch has.
    uint256 private constant REWARDED_MASK = (1 << 112) | (3 << 64) | (0x3ff << 24);
    uint256 private constant REWARDED = (1 << 64) | (1 << 32) | (18 << 24);

    uint256 private _clock = 1_900_000_000;

    /// @dev What was accepted, to be sent again.
    bytes[] private _sent;
    uint256 private _callsOfMoody;

    modifier timed(uint256 random) {
        uint256 pause = (random >> 240) % 16;
        _clock +=
            pause < 8
                ? 1
                : pause < 15
                    ? pause
                    : 40;
        _play();
        _;
    }

    constructor() {
        cheats.warp(_clock);
        roots.push(ledger.stateRoot());
        _isRoot[ledger.stateRoot()] = true;
        for (uint256 i; i < ACTORS; ++i) {
            cash.mint(actors[i], 1_000_000e6);
            spot.mint(actors[i], 1_000_000e6);
            moody.mint(actors[i], 1_000_000e6);
            for (uint256 asset; asset < ASSETS; ++asset) due[actors[i]][asset] = 1_000_000e6;
        }
        _postRegistryRoot(_unique(), true);
        _postSnapshot(0);
        for (uint256 i; i < ACTORS; ++i) {
            (Opening memory item, address sender) = _opening(0, i);
            _send(sender, abi.encodeCall(ledger.open, (item.proof, item.signals, item.terms)));
        }
        fundDeposit(50_000e6);
    }

    function open(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "open");
        (Opening memory item, address sender) = _opening(random, (random >> 8) % ACTORS);
        if (random % 16 == 0) item.signals.commitment = _unique();
        _send(sender, abi.encodeCall(ledger.open, (item.proof, item.signals, item.terms)));
    }

    function submit(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "submit");
        if (random % 4 != 0) _refresh();
        if ((random >> 4) % 8 < 2) _postSnapshot(STEADY);
        (Transition memory item, address sender) = _transition(random);
        uint256 spoiled = (random >> 4) % 12;
        if (spoiled == 4) _forge(item, random >> 8);
        if (spoiled == 5) (item, , sender) = _trade(random);
        _send(sender, abi.encodeCall(ledger.submit, (item)));
    }

    function submitTrade(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "trade");
        if (random % 4 != 0) _refresh();
        (Transition memory first, Transition memory second, address sender) = _trade(random);
        if ((random >> 4) % 12 == 0) _forge(second, random >> 8);
        _send(sender, abi.encodeCall(ledger.submitTrade, (first, second)));
    }

    function takeOver(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "takeOver");
        // Some find the fund empty, so that nothing covers what the target owes.
        if ((random >> 212) % 4 == 0) _release(actors[seed % ACTORS], fund.balance());
        (TakeOver memory item, address sender) = _takeOver(random, random % 4 != 0);
        if ((random >> 4) % 12 == 0) item.signals.reward += 1;
        bool done = _send(sender, abi.encodeCall(ledger.takeOver, (item)));
        _outlast(seed);
        // What is not cured may be taken over again, in the same epoch.
        if (!done || item.signals.cured == 1) return;
        for (uint256 i; i < 2; ++i) {
            (item, sender) = _takeOver((_spread(seed, "again", i) & ~REWARDED_MASK) | REWARDED, true);
            _send(sender, abi.encodeCall(ledger.takeOver, (item)));
        }
    }

    function submitBatch(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "batch");
        if (random % 8 != 0) _refresh();
        Opening[] memory openings = new Opening[]((random >> 8) % 3);
        TakeOver[] memory takeOvers = new TakeOver[]((random >> 16) % 3);
        uint256 count = (random >> 24) % 13;
        Transition[] memory transitions = new Transition[](count);
        address sender = actors[(random >> 32) % ACTORS];
        for (uint256 i; i < takeOvers.length; ++i)
            (takeOvers[i], ) = _takeOver(_spread(random, "t", i), true);
        for (uint256 i; i < openings.length; ++i) {
            (openings[i], ) = _opening(_spread(random, "o", i), (random >> 32) % ACTORS);
        }
        for (uint256 i; i < count; ++i) {
            uint256 part = _spread(random, "i", i);
            if (part % 2 == 0 || i + 1 == count) {
                (transitions[i], ) = _transitionFor(part, sender);
            } else {
                (transitions[i], transitions[i + 1], ) = _tradeFor(part, sender);
                if ((part >> 4) % 8 != 0) ++i;
            }
        }
        if (count > 1 && (random >> 48) % 8 == 0) transitions[count - 1] = transitions[0];
        if (count > 0 && (random >> 56) % 16 == 0) _forge(transitions[count / 2], random >> 60);
        _send(sender, abi.encodeCall(ledger.submitBatch, (openings, transitions, takeOvers)));
    }

    /// @notice Sends again what was accepted before, by whomever.
    function replay(uint256 seed) external timed(seed) {
        if (_sent.length == 0) return;
        uint256 random = _spread(seed, "replay");
        uint256 back = random % (_sent.length < 20 ? _sent.length : 20);
        _send(actors[(random >> 8) % ACTORS], _sent[_sent.length - 1 - back]);
    }

    function seal(uint256 seed) external timed(seed) {
        uint256 before = tail;
        bool early = before % 16 == 0 || block.timestamp < openedAt + 30;
        if (!_send(actors[seed % ACTORS], abi.encodeCall(ledger.seal, ()))) return;
        if (early) _complain(Subject.Queue, "sealed too early");
        tail = (before / 16 + 1) * 16;
        ++accepted["seal"];
    }

    function insert(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "insert");
        // All that is closed, sometimes, so that the next node is open.
        if (random % 4 == 0) for (uint256 closed = tail / 16 - inserted; closed != 0; --closed) _insert(15);
        _insert(_spread(seed, "node"));
    }

    function _insert(uint256 random) private {
        uint256 node = inserted;
        if (random % 8 == 0) node = (random >> 8) % (tail / 16 + 2);
        uint256[16] memory leaves;
        for (uint256 i; i < 16; ++i) leaves[i] = leafAt[16 * node + i];
        if (random % 8 == 1) leaves[(random >> 16) % 16] = _unique();
        uint256 newRoot = random % 16 == 2 ? FIELD_ORDER : _unique();
        uint256[8] memory proof = _proveInsertion(ledger.stateRoot(), newRoot, node, leaves);
        bool forged = random % 8 == 3;
        if (forged) newRoot = _unique();
        bool sound = node == inserted && node < tail / 16 && random % 8 != 1 && newRoot < FIELD_ORDER;
        bytes memory data = abi.encodeCall(ledger.insert, (node, leaves, newRoot, proof));
        if (!_send(actors[(random >> 24) % ACTORS], data)) return;
        if (forged) _complain(Subject.Proofs, "inserted without a proof");
        if (!sound) _complain(Subject.Queue, "inserted another node");
        ++inserted;
        roots.push(newRoot);
        _isRoot[newRoot] = true;
        ++accepted["insertion"];
    }

    function post(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "post");
        if (random % 24 == LATE) {
            _clock += 400;
            _play();
        }
        _postSnapshot(random);
    }

    function flag(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "flag");
        if (random % 8 != 0) _refresh();
        Account storage account = accounts[
            (random >> 4) % 2 == 0 ? _bankrupt(random >> 8) : (random >> 8) % accounts.length
        ];
        _flag(account.place, random % 16 == 1 ? _oldNullifier(random) : account.nullifier, random >> 16);
    }

    function clear(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "clear");
        if (random % 8 != 0) _refresh();
        Account storage account = accounts[_flaggedAccount(random, (random >> 4) % 2 == 0)];
        (uint256 root, Posted memory newest) = _latest();
        SolvencySignals memory signals = SolvencySignals(
            roots[roots.length - 1],
            random % 8 == 1 ? snapshots[0] : root,
            account.nullifier,
            account.place,
            random % 8 == 2 ? 65_535 : 65_536,
            0,
            7
        );
        uint256[] memory inputs = _words(abi.encode(signals, auction.clearContext()));
        uint256[8] memory proof = _anyProof();
        bool forged = random % 8 == 3;
        if (!forged) verifier.prove(Circuit.SolvencySmall, proof, inputs);
        cheats.prank(actors[(random >> 16) % ACTORS]);
        try auction.clear(Tier.Small, proof, signals) {
            if (forged) _complain(Subject.Proofs, "cleared without a proof");
            if (signals.ratio < 65_536) _complain(Subject.Flags, "cleared below 1");
            _requireLatest(signals.snapshotRoot, newest);
            if (!_isFlagActive(_flagAt[signals.leafIndex]))
                _complain(Subject.Flags, "cleared without a flag");
            delete _flagAt[signals.leafIndex];
            ++accepted["clearing"];
        } catch {}
    }

    function reveal(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "reveal");
        if (random % 8 != 0) _refresh();
        Account storage account = accounts[_flaggedAccount(random, (random >> 4) % 2 == 0)];
        (uint256 root, Posted memory newest) = _latest();
        InsolvencySignals memory signals = InsolvencySignals(
            roots[roots.length - 1],
            root,
            account.nullifier,
            account.place
        );
        uint256[24] memory words;
        words[0] = account.nullifier;
        uint256 point = auction.disclosurePoint(signals, words);
        uint256[] memory inputs = _words(abi.encode(signals, point, mulmod(words[0], point, FIELD_ORDER)));
        uint256[8] memory proof = _anyProof();
        verifier.prove(Circuit.InsolvencySmall, proof, inputs);
        bool forged = random % 8 == 3;
        if (forged) words[1] = 1;
        cheats.prank(actors[(random >> 16) % ACTORS]);
        try auction.reveal(Tier.Small, proof, signals, words) {
            if (forged) _complain(Subject.Proofs, "revealed without a proof");
            _requireLatest(root, newest);
            Flagged storage flagged = _flagAt[signals.leafIndex];
            if (!_isFlagActive(flagged)) _complain(Subject.Flags, "revealed without a flag");
            if (block.timestamp < flagged.clockStart + 900) _complain(Subject.Flags, "revealed too early");
            flagged.lastProven = block.timestamp;
            flagged.nullifier = signals.nullifier;
            _placeOf[signals.nullifier] = signals.leafIndex;
            ++accepted["reveal"];
        } catch {}
    }

    function fundDeposit(uint256 seed) public timed(seed) {
        _fundDeposit(_spread(seed, "fund"));
    }

    function _fundDeposit(uint256 random) private {
        address actor = actors[random % ACTORS];
        uint256 debt = fund.uncovered() + fund.totalClaims();
        uint256 amount = (random >> 8) % 4 == 0 ? debt : (random >> 16) % 3_000e6;
        if (amount > cash.balanceOf(actor)) amount = cash.balanceOf(actor);
        _begin(actor);
        cheats.recordLogs();
        cheats.prank(actor);
        try fund.deposit(amount) {
            due[actor][CASH] -= int256(amount);
            fundNet += int256(amount);
            ++accepted["deposit into the fund"];
            _absorb(cheats.getRecordedLogs());
        } catch {}
    }

    function collectRecovery(uint256 seed) external timed(seed) {
        _collectRecoveries(seed);
    }

    function _collectRecoveries(uint256 seed) private {
        if (fund.totalClaims() != 0) _fundDeposit(_spread(seed, "recovery"));
        // Everybody, one twice.
        for (uint256 i; i <= ACTORS; ++i) {
            address actor = actors[((seed % ACTORS) + i) % ACTORS];
            cheats.prank(actor);
            try fund.collectRecovery() {
                ++touches[actor];
                ++accepted["recovery"];
            } catch {}
        }
    }

    function recordImpairment(uint256 seed) external timed(seed) {
        _begin(actors[seed % ACTORS]);
        cheats.recordLogs();
        cheats.prank(actors[seed % ACTORS]);
        fund.recordImpairment();
        _absorb(cheats.getRecordedLogs());
        _outlast(seed);
    }

    /// @dev While the fund is impaired some try to withdraw; most often they wait for the lock's end, so that what they withdraw becomes a claim
    /// in part, and is collected.
    function _outlast(uint256 seed) private {
        if (impairedSince == 0) return;
        _refresh();
        _tryAll(seed, KIND | NOT_CASH | WIND_DOWN, 5 << 16);
        if (seed % 4 == 0 || _clock >= impairedSince + 24 hours) return;
        _clock = impairedSince + 24 hours;
        _play();
        _refresh();
        _tryAll(_spread(seed, "after"), KIND | NOT_CASH | WIND_DOWN, 5 << 16);
        _collectRecoveries(seed);
    }

    function setFloor(uint256 seed) external timed(seed) {
        floor = seed % 4 == 0 ? _spread(seed, "floor") % 100_000e6 : 0;
        fund.setFloor(floor);
    }

    function release(uint256 seed) external timed(seed) {
        uint256 before = fund.balance();
        _release(actors[seed % ACTORS], _spread(seed, "release") % (before + before / 4 + 1));
    }

    function _release(address to, uint256 amount) private {
        uint256 before = fund.balance();
        bool owes = fund.uncovered() + fund.totalClaims() != 0;
        try fund.release(to, amount) {
            // Nothing may be released at any time but while the fund owes.
            if (owes || (amount != 0 && before < floor + amount))
                _complain(Subject.Fund, "released what is needed");
            due[to][CASH] += int256(amount);
            fundNet -= int256(amount);
            ++accepted["release"];
        } catch {}
    }

    function collect(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "collect");
        address actor = actors[random % ACTORS];
        uint256 asset = (random >> 8) % ASSETS;
        cheats.prank(actor);
        try ledger.collect(asset) {
            ++accepted["collection"];
        } catch {}
    }

    function setEmergency(uint256 seed) external timed(seed) {
        emergency = _spread(seed, "emergency") % 4 == 0;
        ledger.setEmergency(emergency);
    }

    function postRegistry(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "registry");
        uint256 root = random % 8 == 0 ? registryRoots[(random >> 8) % registryRoots.length] : _unique();
        _postRegistryRoot(root, (random >> 16) % 2 == 0);
    }

    function setBlocked(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "blocked");
        cash.setBlocked(actors[random % ACTORS], (random >> 8) % 3 == 0);
    }

    /// @notice Changes what the moody token does; in the mood to call, it tries one of the ways into the ledger that anybody has.
    function setMood(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "mood");
        moody.setMood(
            random % 3 == 0
                ? Mood((random >> 8) % 8)
                : random % 3 == 1
                    ? Mood.Call
                    : Mood.Honest
        );
        uint256 what = (random >> 16) % 6;
        bytes memory data = abi.encodeCall(ledger.seal, ());
        if (what == 0) data = abi.encodeCall(ledger.collect, (MOODY));
        else if (what < 4) {
            (Transition memory item, ) = _innocent(random);
            data = abi.encodeCall(ledger.submit, (item));
            if (what == 2) {
                Transition[] memory items = new Transition[](1);
                items[0] = item;
                data = abi.encodeCall(ledger.submitBatch, (new Opening[](0), items, new TakeOver[](0)));
            }
        } else if (what == 4 && _sent.length != 0) data = _sent[_sent.length - 1];
        moody.arm(address(ledger), data);
        if (what != 1 && what != 3) return;
        // Deposits of the token itself, in the middle of which it calls.
        Mood before = moody.mood();
        moody.setMood(Mood.Call);
        _refresh();
        _tryAll(seed, KIND | (7 << 104), (1 << 16) | (6 << 104));
        moody.setMood(before);
    }

    /// @notice Sends tokens without a word, to ledger or fund.
    function donate(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "donate");
        uint256 units = (random >> 8) % 1_000e6;
        uint256 asset = (random >> 48) % 2;
        if ((random >> 56) % 4 == 0) {
            cash.mint(address(fund), units);
            donatedToFund += units;
            return;
        }
        if (asset == CASH) cash.mint(address(ledger), units);
        else spot.mint(address(ledger), units);
        donated[asset] += int256(units);
    }

    /// @notice Lets much time pass; after a week without a snapshot some wind down, after a lock some withdraw.
    function rest(uint256 seed) external {
        uint256 random = _spread(seed, "rest") % 16;
        _clock +=
            random < 10
                ? 61
                : random < 12
                    ? 600
                    : random < 14
                        ? 1 days
                        : 7 days;
        // While withdrawals are locked the end of the lock is what everybody waits for.
        if (impairedSince != 0 && random % 4 != 0 && _clock < impairedSince + 24 hours) {
            _clock = impairedSince + 24 hours;
        }
        _play();
        if (random > 13) {
            // One long rest in eight is the last.
            if (_spread(seed, "last") % 8 == 4) _windsDown = true;
            _tryAll(seed, KIND, (5 << 16) | WIND_DOWN);
        }
        if (impairedSince != 0 && _clock >= impairedSince + 24 hours) {
            _refresh();
            _tryAll(seed, KIND | NOT_CASH | WIND_DOWN, 5 << 16);
        }
    }

    /// @dev Some submit transitions whose random numbers have these bits under a mask.
    function _tryAll(uint256 seed, uint256 mask, uint256 chosen) private {
        for (uint256 i; i < 4; ++i) {
            uint256 random = (_spread(seed, "all", i) & ~mask) | chosen;
            (Transition memory item, address sender) = _transition(random);
            _send(sender, abi.encodeCall(ledger.submit, (item)));
        }
    }

    /// @notice What only others may do: administrators, ledger, deployer, token holders.
    function trespass(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "trespass");
        address actor = actors[random % ACTORS];
        (address target, bytes memory data) = _forbidden((random >> 8) % 21, random >> 16, actor);
        cheats.prank(actor);
        (bool done, ) = target.call(data);
        if (done) _complain(Subject.Roles, "somebody did what is not his to do");
    }

    /// @dev The administrator may list an asset, once, and no token twice.
    function relist(uint256 seed) external timed(seed) {
        uint256 random = _spread(seed, "relist");
        uint256 asset = random % 4;
        try ledger.listAsset(asset, tokenOf((random >> 8) % ASSETS), uint96(1 + ((random >> 16) % 9))) {
            _complain(Subject.Roles, "listed again");
        } catch {}
    }

    /// @dev Calls the ledger, takes in what it did, and says whether it was accepted.
    function _send(address sender, bytes memory data) private returns (bool done) {
        if (sender == address(0)) sender = actors[0];
        _begin(sender);
        cheats.recordLogs();
        cheats.prank(sender);
        (done, ) = address(ledger).call(data);
        Log[] memory logs = cheats.getRecordedLogs();
        if (done) {
            // Sealing is the one call that may be made again.
            if (bytes4(data) != ledger.seal.selector) _sent.push(data);
            _absorb(logs);
        } else ++accepted["refused"];
        if (moody.calls() != _callsOfMoody) {
            _callsOfMoody = moody.calls();
            _complain(Subject.Reentrancy, "the ledger was entered twice");
        }
    }

    function _play() private {
        cheats.warp(_clock);
    }

    /// @dev Posts a snapshot if the latest one is stale or about to be.
    function _refresh() private {
        (, Posted memory newest) = _latest();
        if (block.timestamp > newest.time + 120) _postSnapshot((block.timestamp % 2) * STEADY);
    }

    function _requireLatest(uint256 root, Posted memory newest) private {
        (uint256 latest, ) = _latest();
        if (root != latest || block.timestamp > newest.time + 180) {
            _complain(Subject.Snapshots, "auction on a snapshot too old");
        }
    }

    function _flag(uint256 place, uint256 nullifier, uint256 random) private {
        (uint256 root, Posted memory newest) = _latest();
        InsolvencySignals memory signals = InsolvencySignals(
            roots[random % roots.length],
            random % 16 == 1 ? snapshots[0] : root,
            nullifier,
            place
        );
        uint256[8] memory proof = _anyProof();
        bool forged = random % 16 == 2;
        if (!forged) {
            verifier.prove(
                Circuit.InsolvencySmall,
                proof,
                _words(abi.encode(signals, uint256(0), uint256(0)))
            );
        }
        cheats.prank(actors[(random >> 8) % ACTORS]);
        try auction.flag(Tier.Small, proof, signals) {
            if (forged) _complain(Subject.Proofs, "flagged without a proof");
            if (_isSpent[nullifier]) _complain(Subject.Nullifiers, "flagged a spent note");
            _requireLatest(signals.snapshotRoot, newest);
            Flagged storage flagged = _flagAt[place];
            if (!_isFlagActive(flagged)) {
                flagged.clockStart = block.timestamp;
                flagged.firstEpoch = newest.epoch;
            } else if (flagged.nullifier != 0 && flagged.nullifier != nullifier) {
                _complain(Subject.Flags, "a flag of two notes");
            }
            flagged.lastProven = block.timestamp;
            flagged.nullifier = nullifier;
            _placeOf[nullifier] = place;
            ++accepted["flag"];
        } catch {}
    }

    function _postRegistryRoot(uint256 root, bool removal) private {
        uint256 current = registryRoot;
        bool known;
        for (uint256 i; i < registryRoots.length; ++i) known = known || registryRoots[i] == root;
        try registry.postRoot(current, root, removal) {
            if (known && !(root == current && removal)) _complain(Subject.Registry, "an old list came back");
            previousRegistryRoot = removal ? 0 : current;
            previousRegistryUntil = removal ? 0 : block.timestamp + 300;
            registryRoot = root;
            registryRoots.push(root);
            ++accepted["registry root"];
        } catch {}
    }

    /// @dev Posts the next snapshot, or one with some fault.
    function _postSnapshot(uint256 random) private {
        uint256 fault = random % 24;
        SnapshotHeader memory header = _header(fault, random);
        uint64[] memory keys = new uint64[](1);
        Observation[] memory observations = _observations(header, keys, fault);
        if (fault == 12) header.pricesHash = keccak256("other");
        bytes[] memory signatures = new bytes[](fault == 9 ? 0 : 1);
        if (fault != 9) {
            signatures[0] = _sign(fault == 8 ? _keyOf(0) : REPORTER_KEY, oracle.headerDigest(header));
        }
        if (fault == 10) observations[0].prices[0] += 1;
        bytes memory inputs = fault == 11 ? bytes("other") : bytes("inputs");
        cheats.prank(actors[(random >> 24) % ACTORS]);
        try oracle.post(header, inputs, keys, observations, signatures) {
            _judgePosting(header);
            if (fault > 5 && fault < 13)
                _complain(Subject.Snapshots, "posted without a quorum, or a false one");
            snapshots.push(header.snapshotRoot);
            _postedOf[header.snapshotRoot] = Posted(
                header.epoch,
                header.time,
                block.timestamp,
                header.steady
            );
            ++accepted["snapshot"];
        } catch {}
    }

    function _header(uint256 fault, uint256 random) private returns (SnapshotHeader memory header) {
        (uint256 lastRoot, Posted memory newest) = _latest();
        uint256 time = block.timestamp - ((random >> 8) % 3);
        if (time <= newest.time) time = newest.time + 1;
        if (fault == 1) time = newest.time;
        if (fault == 2) time = block.timestamp + 6;
        if (fault == LATE) time = block.timestamp - 181;
        header.epoch = uint64(newest.epoch + 1);
        if (fault == 4) header.epoch += 1;
        if (fault == 5 && newest.epoch != 0) header.epoch -= 1;
        header.time = uint64(time);
        header.snapshotRoot =
            fault == 6
                ? lastRoot
                : fault == 7
                    ? FIELD_ORDER
                    : _unique();
        header.inputsHash = keccak256("inputs");
        header.steady = (random >> 16) % 4 != 0;
    }

    /// @dev The reporter's one observation, with which the header's prices agree.
    function _observations(
        SnapshotHeader memory header,
        uint64[] memory keys,
        uint256 fault
    ) private view returns (Observation[] memory observations) {
        observations = new Observation[](1);
        Observation memory seen = observations[0];
        seen.prices = new uint64[](1);
        seen.tradedAt = new uint64[](1);
        seen.prices[0] = 50_000_000_000;
        seen.tradedAt[0] = header.time;
        header.pricesHash = keccak256(abi.encode(keys, seen.prices));
        bytes32 digest = oracle.observationDigest(header.epoch, header.time, keys, seen);
        seen.signature = _sign(fault == 8 ? _keyOf(0) : REPORTER_KEY, digest);
    }

    function _judgePosting(SnapshotHeader memory header) private {
        (, Posted memory newest) = _latest();
        uint256 time = header.time;
        bool inTime = time > newest.time && time <= block.timestamp + 5 && block.timestamp <= time + 180;
        if (!inTime || header.epoch != newest.epoch + 1) {
            _complain(Subject.Snapshots, "posted out of order or out of time");
        }
    }
}
