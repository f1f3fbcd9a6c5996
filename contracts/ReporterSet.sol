// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { LocalChain } from "./LocalChain.sol";

/// @dev A reporter's address and the currency in which its source quotes prices: an ASCII code such as "USD", "USDT" or "USDC", padded with
/// zeros on the right.
struct Reporter {
    address account;
    bytes32 currency;
}

/// @title Set of reporters
/// @notice Who may observe and sign for the oracle. A new set is announced and takes effect after a delay; one reporter may be removed at once.
/// @dev The delay lets everybody see who will set prices. Removal at once is for a key that is lost or stolen: it cannot add anybody, cannot
/// go below the least number, and can be used once per delay, so that it is no way around it.
abstract contract ReporterSet is AccessControl {
    /// @dev One storage slot: read once for each posting.
    struct State {
        uint16 count;
        bool severalCurrencies;
        uint64 effectiveAt;
        uint64 removalAllowedAt;
    }

    /// @notice May announce a new set, call an announcement off, and remove a reporter.
    bytes32 public constant REPORTER_ADMIN_ROLE = keccak256("REPORTER_ADMIN_ROLE");

    /// @notice Fewest reporters on a chain that is not local: two may be faulty.
    uint256 public constant MIN_REPORTERS = 7;

    /// @notice Most reporters, which bounds the cost of a posting.
    uint256 public constant MAX_REPORTERS = 64;

    /// @notice Seconds from the announcement of a set until it takes effect, and between two removals.
    uint256 public constant ROTATION_DELAY = 2 days;

    /// @notice Currency of a reporter's source; 0 for everybody who is not a reporter.
    mapping(address account => bytes32) public currencyOf;

    address[] private _accounts;
    Reporter[] private _announced;
    State private _state;

    /// @notice A set of reporters took effect.
    event ReportersSet(Reporter[] reporters, uint256 quorum);

    /// @notice A set of reporters was announced.
    event ReportersAnnounced(Reporter[] reporters, uint256 effectiveAt);

    /// @notice The announced set was called off.
    event AnnouncementCancelled();

    /// @notice A reporter was removed at once.
    event ReporterRemoved(address reporter, uint256 quorum);

    /// @notice The set of reporters is too small or too large.
    /// @dev Cure: name 7 to 64 reporters (1 to 64 on a local chain).
    error InvalidReporterCount(uint256 count);

    /// @notice An address is 0 or named twice, or its currency is empty.
    /// @dev Cure: name each reporter once, with the currency in which its source quotes.
    error InvalidReporter(address reporter);

    /// @notice So few reporters quote in some currencies that as many as may be faulty could choose the median across currencies.
    /// @dev Cure: register more sources in the currencies that have the fewest, so that more than `faults` are needed.
    error CurrenciesTooThin(uint256 needed, uint256 faults);

    /// @notice No set is announced.
    /// @dev Cure: announce one first.
    error NothingAnnounced();

    /// @notice The announced set is not in effect yet.
    /// @dev Cure: wait until `effectiveAt`.
    error AnnouncementNotDue(uint256 effectiveAt);

    /// @notice The address is not a reporter now.
    /// @dev Cure: drop the signature; an unknown signer may mean that another vector, header or domain was signed.
    error NotAReporter(address signer);

    /// @notice A reporter was removed a short while ago.
    /// @dev Cure: wait until `allowedAt`, or announce a new set.
    error RemovalTooSoon(uint256 allowedAt);

    /// @notice Announces the whole next set of reporters, in place of any announced before. It takes effect after the delay.
    /// @param next The reporters and their currencies.
    function announceReporters(Reporter[] calldata next) external onlyRole(REPORTER_ADMIN_ROLE) {
        _check(next);
        _announced = next;
        uint256 effectiveAt = block.timestamp + ROTATION_DELAY;
        _state.effectiveAt = uint64(effectiveAt);
        emit ReportersAnnounced(next, effectiveAt);
    }

    /// @notice Calls the announced set off.
    function cancelAnnouncement() external onlyRole(REPORTER_ADMIN_ROLE) {
        if (_state.effectiveAt == 0) revert NothingAnnounced();
        _cancel();
    }

    /// @notice Puts the announced set into effect once it is due. Anybody may call; a posting does it by itself.
    function rotateReporters() external {
        uint256 effectiveAt = _state.effectiveAt;
        if (effectiveAt == 0) revert NothingAnnounced();
        if (block.timestamp < effectiveAt) revert AnnouncementNotDue(effectiveAt);
        _rotate();
    }

    /// @notice Removes one reporter at once, if enough remain; calls off an announced set, which may name him.
    /// @param reporter The reporter whose signatures no longer count.
    function removeReporter(address reporter) external onlyRole(REPORTER_ADMIN_ROLE) {
        if (currencyOf[reporter] == 0) revert NotAReporter(reporter);
        uint256 allowedAt = _state.removalAllowedAt;
        if (block.timestamp < allowedAt) revert RemovalTooSoon(allowedAt);
        Reporter[] memory next = new Reporter[](_accounts.length - 1);
        uint256 count;
        for (uint256 i; i < _accounts.length; ++i) {
            address account = _accounts[i];
            if (account != reporter) next[count++] = Reporter(account, currencyOf[account]);
        }
        _check(next);
        if (_state.effectiveAt != 0) _cancel();
        _set(next);
        _state.removalAllowedAt = uint64(block.timestamp + ROTATION_DELAY);
        emit ReporterRemoved(reporter, quorum());
    }

    /// @notice The reporters and their currencies.
    function reporters() external view returns (Reporter[] memory list) {
        list = new Reporter[](_accounts.length);
        for (uint256 i; i < list.length; ++i) list[i] = Reporter(_accounts[i], currencyOf[_accounts[i]]);
    }

    /// @notice The announced set and when it takes effect; empty and 0 if there is none.
    function announcedReporters() external view returns (Reporter[] memory list, uint256 effectiveAt) {
        return (_announced, _state.effectiveAt);
    }

    /// @notice Whether an address is a reporter.
    function isReporter(address account) external view returns (bool) {
        return currencyOf[account] != 0;
    }

    /// @notice Signatures that a snapshot needs: 2f + 1 of n = 3f + 1, and more than two thirds of any n.
    function quorum() public view returns (uint256) {
        return _quorumOf(_state.count);
    }

    /// @notice Fresh sources that a price needs: 2f + 1 with f the faults that n reporters stand, the third of n - 1; and a majority of any n.
    function freshQuorum() public view returns (uint256) {
        return _freshQuorumOf(_state.count);
    }

    /// @dev The set that is in effect now, after any rotation that is due.
    function _currentSet() internal returns (uint256 needed, uint256 fresh, bool severalCurrencies) {
        State memory state = _state;
        if (state.effectiveAt != 0 && block.timestamp >= state.effectiveAt) {
            _rotate();
            state = _state;
        }
        return (_quorumOf(state.count), _freshQuorumOf(state.count), state.severalCurrencies);
    }

    /// @dev The first set, in effect at once.
    function _initialize(Reporter[] memory first) internal {
        _check(first);
        _set(first);
    }

    function _rotate() private {
        Reporter[] memory next = _announced;
        delete _announced;
        _state.effectiveAt = 0;
        _set(next);
    }

    function _cancel() private {
        delete _announced;
        _state.effectiveAt = 0;
        emit AnnouncementCancelled();
    }

    function _set(Reporter[] memory next) private {
        for (uint256 i; i < _accounts.length; ++i) delete currencyOf[_accounts[i]];
        delete _accounts;
        bool several;
        for (uint256 i; i < next.length; ++i) {
            currencyOf[next[i].account] = next[i].currency;
            _accounts.push(next[i].account);
            if (next[i].currency != next[0].currency) several = true;
        }
        _state.count = uint16(next.length);
        _state.severalCurrencies = several;
        emit ReportersSet(next, _quorumOf(next.length));
    }

    /// @dev Whether a set may be in effect. A local chain may have any number of reporters and currencies.
    function _check(Reporter[] memory next) private view {
        bool local = LocalChain.here();
        uint256 fewest = local ? 1 : MIN_REPORTERS;
        if (next.length < fewest || next.length > MAX_REPORTERS) revert InvalidReporterCount(next.length);
        for (uint256 i; i < next.length; ++i) {
            address account = next[i].account;
            if (account == address(0) || next[i].currency == 0) revert InvalidReporter(account);
            for (uint256 j; j < i; ++j) if (next[j].account == account) revert InvalidReporter(account);
        }
        if (local) return;
        uint256 needed = _captureCost(next);
        uint256 faults = _faultsOf(next.length);
        if (needed <= faults) revert CurrenciesTooThin(needed, faults);
    }

    /// @dev How many reporters it takes to choose the median across currencies: more than half of those of each of the currencies that have
    /// the fewest, in as many currencies as make half of them.
    function _captureCost(Reporter[] memory set) private pure returns (uint256 cost) {
        uint256[] memory costs = new uint256[](set.length);
        uint256 currencies;
        for (uint256 i; i < set.length; ++i) {
            uint256 first;
            while (set[first].currency != set[i].currency) ++first;
            if (first != i) continue;
            uint256 size;
            for (uint256 j = i; j < set.length; ++j) if (set[j].currency == set[i].currency) ++size;
            uint256 place = currencies++;
            for (; place > 0 && costs[place - 1] > size / 2 + 1; --place) costs[place] = costs[place - 1];
            costs[place] = size / 2 + 1;
        }
        for (uint256 i; i < (currencies + 1) / 2; ++i) cost += costs[i];
    }

    function _faultsOf(uint256 count) private pure returns (uint256) {
        return (count - 1) / 3;
    }

    function _quorumOf(uint256 count) private pure returns (uint256) {
        return (count * 2) / 3 + 1;
    }

    function _freshQuorumOf(uint256 count) private pure returns (uint256) {
        uint256 honestMajority = 2 * _faultsOf(count) + 1;
        uint256 majority = count / 2 + 1;
        return honestMajority > majority ? honestMajority : majority;
    }
}
