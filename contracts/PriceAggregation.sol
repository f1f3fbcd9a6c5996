// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @dev What one reporter saw: an integer of micro-units of its quote currency and the Unix second of the last trade for each price of the
/// vector, 0 for a price that it does not have; the Keccak-256 of its other inputs (volatilities, funding); its signature over all of it.
struct Observation {
    uint64[] prices;
    uint64[] tradedAt;
    bytes32 restHash;
    bytes signature;
}

/// @dev Why a source does not count in a price. In this order: the first that applies.
enum Reason {
    Used,
    Absent,
    OutOfBounds,
    TradedLater,
    Late,
    FarOff
}

/// @dev What came of the aggregation of a price; `Priced` is the good one.
enum Verdict {
    Priced,
    QuorumMissing,
    CurrencyMissing,
    MoveNotConfirmed
}

/// @dev What holds for every price of an epoch. `currency[k]` is the place of the first observation whose source quotes in the same
/// currency as that of observation k; `dollar` that place for US dollars, or more than any if nobody quotes in them.
struct Round {
    uint256 time;
    uint256 elapsedMinutes;
    uint256 quorum;
    uint256[] currency;
    uint256 dollar;
    bool severalCurrencies;
}

/// @title Aggregation of observations
/// @notice One price out of the observations of an epoch: the median within each quote currency, then the median across currencies, or the
/// dollar's own median if that is near.
/// @dev A pure function of observations, their currencies and the price before, the same integer for everybody. `protocol/priceAggregation.ts`
/// is its equal.
library PriceAggregation {
    /// @dev Prices are below 2^47 micro-dollars, 140 million dollars.
    uint256 internal constant PRICE_BOUND = 1 << 47;

    /// @dev Seconds before the epoch's time after which the last trade is too old. A trade in the 300th second still counts.
    uint256 internal constant FRESH_FOR = 300;

    /// @dev A source is far off when it is more than a twentieth away from the price that all fresh ones give.
    uint256 internal constant FAR_OFF_DIVISOR = 20;

    /// @dev Two middle values within one currency are averaged when they are at most a fiftieth apart.
    uint256 internal constant AGREEMENT_DIVISOR = 50;

    /// @dev Dollars may be the price when they are at most a fiftieth away from the median across currencies; of two middle values they are
    /// taken when they are at most that far from the price before.
    uint256 internal constant DOLLAR_BAND_DIVISOR = 50;

    /// @dev A price that moves by more than a tenth a minute needs a quorum of sources that moved as far.
    uint256 internal constant MOVE_DIVISOR = 10;

    /// @dev An entry is a source in use: its currency's place, its price and its own place, from the highest bits down.
    uint256 private constant CURRENCY_SHIFT = 128;
    uint256 private constant PRICE_SHIFT = 64;
    uint256 private constant PLACE_MASK = type(uint64).max;

    /// @param round What holds for every price of the epoch.
    /// @param observations One for each reporter.
    /// @param place Which price of the vectors.
    /// @param last The price of the epoch before; 0 if there is none.
    /// @return price The price; 0 if sources are missing.
    /// @return verdict What came of it.
    /// @return count How many sources were fresh, or, for `MoveNotConfirmed`, moved as far.
    /// @return reasons Why a source was left out, or `Used`.
    function aggregate(
        Round memory round,
        Observation[] calldata observations,
        uint256 place,
        uint256 last
    ) internal pure returns (uint256 price, Verdict verdict, uint256 count, Reason[] memory reasons) {
        uint256[] memory entries;
        (entries, count, reasons) = _admit(round, observations, place);
        if (count < round.quorum) return (0, Verdict.QuorumMissing, count, reasons);
        if (round.severalCurrencies) {
            // In the order of currencies, so that first and last agree only if all do.
            uint256 currency = entries[0] >> CURRENCY_SHIFT;
            if (currency == entries[count - 1] >> CURRENCY_SHIFT && currency != round.dollar) {
                return (0, Verdict.CurrencyMissing, count, reasons);
            }
        }
        price = _combine(round.dollar, entries, count, last);
        uint256 left = _leaveOutFarOff(entries, count, reasons, price, round.quorum);
        if (left != count) price = _combine(round.dollar, entries, left, last);
        if (last != 0 && _isJump(price, last, round.elapsedMinutes)) {
            uint256 confirmations = _confirmations(entries, left, price, last, round.elapsedMinutes);
            if (confirmations < round.quorum) {
                return (price, Verdict.MoveNotConfirmed, confirmations, reasons);
            }
        }
    }

    /// @dev The sources that count by themselves, ascending by currency and price within it, and their number.
    function _admit(
        Round memory round,
        Observation[] calldata observations,
        uint256 place
    ) private pure returns (uint256[] memory entries, uint256 count, Reason[] memory reasons) {
        entries = new uint256[](observations.length);
        reasons = new Reason[](observations.length);
        unchecked {
            for (uint256 k; k < entries.length; ++k) {
                Observation calldata observation = observations[k];
                uint256 price = observation.prices[place];
                Reason reason = _admission(price, observation.tradedAt[place], round.time);
                if (reason == Reason.Used) {
                    uint256 entry = (round.currency[k] << CURRENCY_SHIFT) | (price << PRICE_SHIFT) | k;
                    _insert(entries, count, entry);
                    ++count;
                } else {
                    reasons[k] = reason;
                }
            }
        }
    }

    /// @dev Whether an observation counts by itself.
    function _admission(uint256 price, uint256 tradedAt, uint256 time) private pure returns (Reason) {
        if (price == 0) return Reason.Absent;
        if (price >= PRICE_BOUND) return Reason.OutOfBounds;
        if (tradedAt > time) return Reason.TradedLater;
        if (tradedAt + FRESH_FOR < time) return Reason.Late;
        return Reason.Used;
    }

    /// @dev Leaves out entries that are far off, the farthest first (of equals the first observation), as long as more than a quorum is left.
    /// @return The number of entries left.
    function _leaveOutFarOff(
        uint256[] memory entries,
        uint256 count,
        Reason[] memory reasons,
        uint256 price,
        uint256 quorum
    ) private pure returns (uint256) {
        unchecked {
            for (; count > quorum; --count) {
                uint256 farthest = count;
                uint256 greatest = price / FAR_OFF_DIVISOR;
                for (uint256 i; i < count; ++i) {
                    uint256 distance = _distance(_priceOf(entries[i]), price);
                    if (distance < greatest || (distance == greatest && farthest == count)) continue;
                    if (distance == greatest && _placeOf(entries[i]) > _placeOf(entries[farthest])) continue;
                    (farthest, greatest) = (i, distance);
                }
                if (farthest == count) break;
                reasons[_placeOf(entries[farthest])] = Reason.FarOff;
                for (uint256 i = farthest + 1; i < count; ++i) entries[i - 1] = entries[i];
            }
        }
        return count;
    }

    function _isJump(uint256 price, uint256 last, uint256 elapsedMinutes) private pure returns (bool) {
        return _distance(price, last) * MOVE_DIVISOR > last * elapsedMinutes;
    }

    /// @dev How many of the sources in use have made a jump to the same side.
    function _confirmations(
        uint256[] memory entries,
        uint256 count,
        uint256 price,
        uint256 last,
        uint256 elapsedMinutes
    ) private pure returns (uint256 confirmations) {
        for (uint256 i; i < count; ++i) {
            uint256 own = _priceOf(entries[i]);
            if (own > last == price > last && _isJump(own, last, elapsedMinutes)) ++confirmations;
        }
    }

    /// @dev The median across currencies of the medians within them.
    function _combine(
        uint256 dollar,
        uint256[] memory entries,
        uint256 count,
        uint256 last
    ) private pure returns (uint256) {
        uint256[] memory medians = new uint256[](count);
        uint256 currencies;
        uint256 dollars;
        unchecked {
            for (uint256 start; start < count;) {
                uint256 currency = entries[start] >> CURRENCY_SHIFT;
                uint256 end = start + 1;
                while (end < count && entries[end] >> CURRENCY_SHIFT == currency) ++end;
                uint256 median = _medianWithin(entries, start, end, last);
                if (currency == dollar) dollars = median;
                _insert(medians, currencies, median);
                ++currencies;
                start = end;
            }
        }
        return _medianAcross(medians, currencies, dollars, last);
    }

    /// @dev Middle of the entries of one currency. Two middle values that agree are averaged, rounded down; of two that do not, one may be a
    /// lie, and the one nearer to the price before is taken.
    function _medianWithin(
        uint256[] memory entries,
        uint256 start,
        uint256 end,
        uint256 last
    ) private pure returns (uint256) {
        unchecked {
            uint256 middle = (start + end) / 2;
            uint256 upper = _priceOf(entries[middle]);
            if ((end - start) % 2 == 1) return upper;
            uint256 lower = _priceOf(entries[middle - 1]);
            if ((upper - lower) * AGREEMENT_DIVISOR <= lower) return (lower + upper) / 2;
            return _nearer(lower, upper, last);
        }
    }

    /// @dev Median across currencies; or the dollar's own, `dollars` (0 if there is none), if that is near it and another currency is at least
    /// as far away. What a stablecoin is worth then does not move the price, and a fault among dollar sources moves it no farther than the
    /// others are apart.
    function _medianAcross(
        uint256[] memory medians,
        uint256 count,
        uint256 dollars,
        uint256 last
    ) private pure returns (uint256) {
        uint256 middle = _middleAcross(medians, count, dollars, last);
        uint256 away = _distance(dollars, middle);
        if (dollars == 0 || away * DOLLAR_BAND_DIVISOR > middle) return middle;
        bool passed;
        unchecked {
            for (uint256 i; i < count; ++i) {
                // The dollars themselves, once: another currency may have the same median.
                if (medians[i] == dollars && !passed) passed = true;
                else if (_distance(medians[i], middle) >= away) return dollars;
            }
        }
        return middle;
    }

    /// @dev Middle of `count` ascending medians. Two middle values are never averaged: one currency may be at fault. Dollars are taken if
    /// they are one of the two and have not jumped; else what is nearer to the price before.
    function _middleAcross(
        uint256[] memory medians,
        uint256 count,
        uint256 dollars,
        uint256 last
    ) private pure returns (uint256) {
        uint256 upper = medians[count / 2];
        if (count % 2 == 1) return upper;
        uint256 lower = medians[count / 2 - 1];
        if (dollars == lower || dollars == upper) {
            if (last == 0) return dollars;
            if (_distance(dollars, last) * DOLLAR_BAND_DIVISOR <= last) return dollars;
        }
        return _nearer(lower, upper, last);
    }

    /// @dev The one nearer to the price before; the lower one of two equally near, or if there is none before.
    function _nearer(uint256 lower, uint256 upper, uint256 last) private pure returns (uint256) {
        return last == 0 || _distance(lower, last) <= _distance(upper, last) ? lower : upper;
    }

    function _distance(uint256 first, uint256 second) private pure returns (uint256) {
        unchecked {
            return first > second ? first - second : second - first;
        }
    }

    function _priceOf(uint256 entry) private pure returns (uint256) {
        return uint64(entry >> PRICE_SHIFT);
    }

    function _placeOf(uint256 entry) private pure returns (uint256) {
        return entry & PLACE_MASK;
    }

    /// @dev Puts a value among `count` ascending ones.
    function _insert(uint256[] memory ascending, uint256 count, uint256 value) private pure {
        unchecked {
            while (count > 0 && ascending[count - 1] > value) {
                ascending[count] = ascending[count - 1];
                --count;
            }
        }
        ascending[count] = value;
    }
}
