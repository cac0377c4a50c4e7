"""Rules that look along a series: spikes of a day, values that repeat, stretches of zeros."""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import inlined, kernel
from pipeline.rules import RULE_BIT

V11, V14, V23, V25 = (np.uint64(1 << RULE_BIT[code]) for code in ("V11", "V14", "V23", "V25"))


@kernel
def spikes(
    value: Array, there: Array, bounds: Array, percent: int, floor: int, usual: int, flags: Array, days: Array
) -> None:
    """V14: p1 of a day stands above its third highest p3 by more than a ratio: (p1 - p3) / p3 > percent / 100.

    bounds i64 (days + 1,): where each day begins; days u64 (days,): gets the bit too. A p1 of no more than `floor` or
    `usual` Wh is no spike. p3 of 0 is any ratio. A second value that stands out as well is a spike too; a day of less
    than four values is not judged.
    """
    for day in range(len(bounds) - 1):
        first, second, third, count = np.int64(-1), np.int64(-1), np.int64(-1), 0
        for item in range(bounds[day], bounds[day + 1]):
            if not there[item]:
                continue
            count += 1
            if value[item] > first:
                first, second, third = value[item], first, second
            elif value[item] > second:
                second, third = value[item], second
            elif value[item] > third:
                third = value[item]
        if count < 4 or first <= floor or first <= usual or (first - third) * 100 <= third * percent:
            continue
        days[day] |= V14
        for item in range(bounds[day], bounds[day + 1]):
            high = there[item] and value[item] > floor and value[item] > usual
            if high and (value[item] - third) * 100 > third * percent:
                flags[item] |= V14


@kernel
def day_peaks(value: Array, there: Array, bounds: Array, percent: int, floor: int, peaks: Array, plain: Array) -> int:
    """The highest interval of each day that has one, to `peaks` i64 (days,); how many there are.

    plain u1 (days,): of each of them 0 when it stands out of its day as V14 says, before what is usual is known.
    """
    count = 0
    for day in range(len(bounds) - 1):
        first, second, third = np.int64(-1), np.int64(-1), np.int64(-1)
        for item in range(bounds[day], bounds[day + 1]):
            if not there[item]:
                continue
            if value[item] > first:
                first, second, third = value[item], first, second
            elif value[item] > second:
                second, third = value[item], second
            elif value[item] > third:
                third = value[item]
        if first >= 0:
            peaks[count] = first
            plain[count] = 0 if third >= 0 and first > floor and (first - third) * 100 > third * percent else 1
            count += 1
    return count


@kernel
def repeated(value: Array, there: Array, least: int, floor: int, flags: Array) -> None:
    """V25: the same value, not 0 and at least `floor`, at least `least` times in a row; all but the first are doubted.

    The first of them was measured; what was missing between them breaks the row.
    """
    begin = 0
    for item in range(1, len(value) + 1):
        going = item < len(value) and there[item] and there[item - 1] and value[item] == value[item - 1]
        if going:
            continue
        if item - begin >= least and there[begin] and value[begin] >= floor and value[begin] != 0:
            for place in range(begin + 1, item):
                flags[place] |= V25
        begin = item


@kernel
def neighbours_equal(value: Array, there: Array, pairs: Array, equal: Array) -> None:
    """How often a value is that of the interval before: pairs and equal ones to i64 (64,), by octave of the value."""
    for item in range(1, len(value)):
        if there[item] and there[item - 1] and value[item] > 0:
            octave = _octave(value[item])
            pairs[octave] += 1
            if value[item] == value[item - 1]:
                equal[octave] += 1


@kernel
def repeated_unlikely(value: Array, there: Array, least: Array, floor: int, flags: Array) -> None:
    """V25: `repeated` with as many in a row as `least` i64 (64,) says of the octave of the value."""
    begin = 0
    for item in range(1, len(value) + 1):
        going = item < len(value) and there[item] and there[item - 1] and value[item] == value[item - 1]
        if going:
            continue
        usable = there[begin] and value[begin] > 0 and value[begin] >= floor
        if usable and item - begin >= least[_octave(value[begin])]:
            for place in range(begin + 1, item):
                flags[place] |= V25
        begin = item


@inlined
def _octave(value: int) -> int:
    """Number of binary digits."""
    digits = 0
    while value > 0:
        value >>= 1
        digits += 1
    return digits


@kernel
def repeated_together(values: Array, there: Array, least: int, flags: Array) -> None:
    """V25: all channels at once, values i64 (channels, n), repeat at least `least` times in a row. there: of all.

    Where the first channel is 0 nothing was used, and it may well stay so.
    """
    begin = 0
    count = values.shape[1]
    for item in range(1, count + 1):
        going = item < count and there[item] and there[item - 1]
        if going:
            for channel in range(values.shape[0]):
                if values[channel, item] != values[channel, item - 1]:
                    going = False
        if going:
            continue
        if item - begin >= least and there[begin] and values[0, begin] != 0:
            for place in range(begin + 1, item):
                flags[place] |= V25
        begin = item


@kernel
def zero_stretches(value: Array, there: Array, outage: Array, least: int, flags: Array) -> int:
    """V23: at least `least` zeros in a row, none of them in an outage; how many such stretches there are.

    What is missing between them neither breaks the row nor counts. Outage u1 (n,): 0 where there was none.
    """
    found = 0
    begin, last, zeros = 0, -1, 0
    for item in range(len(value) + 1):
        if item < len(value):
            if not there[item]:
                continue
            if value[item] == 0 and not outage[item]:
                if zeros == 0:
                    begin = item
                zeros += 1
                last = item
                continue
        if zeros >= least:
            found += 1
            for place in range(begin, last + 1):
                if there[place]:
                    flags[place] |= V23
        zeros = 0
    return found


@kernel
def before_use(value: Array, there: Array, flags: Array) -> int:
    """V11: zeros at the begin of a series, when they are more than any later row of zeros; how many.

    A house in which nothing is used at night has such rows each night; one that was not yet lived in has it once.
    """
    leading = 0
    end = len(value)
    for item in range(len(value)):
        if there[item]:
            if value[item] != 0:
                end = item
                break
            leading += 1
    longest, zeros = 0, 0
    for item in range(end, len(value)):
        if there[item]:
            zeros = zeros + 1 if value[item] == 0 else 0
            longest = max(longest, zeros)
    if leading < 2 or leading <= longest or end == len(value):
        return 0
    for item in range(end):
        if there[item]:
            flags[item] |= V11
    return leading
