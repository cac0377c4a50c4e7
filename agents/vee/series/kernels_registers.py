"""Rules of registers: rollover, sum check, tariff zones, change, and demand against blocks.

A span is the time between two registers that follow one another; `at` i64 (r,) is the interval at whose start a
register was read (n: at the end of the last), `reading` i64 (r,) Wh. Words `spans` u64 (r - 1,) are of spans.
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import kernel
from pipeline.rules import RULE_BIT

V07, V08, V12, V13, V20, V28 = (np.uint64(1 << RULE_BIT[code]) for code in ("V07", "V08", "V12", "V13", "V20", "V28"))

NOT_COMPARED = -(2**63)
"""Unexplained energy of a span of which an interval or a register is missing."""


@kernel
def without_rollover(
    at: Array, reading: Array, good: Array, modulus: int, most: int, spans: Array, adjusted: Array
) -> None:
    """V08, V07: registers without their rollovers to `adjusted` i64 (r,): R1 - R0 + 10^d where R1 < R0.

    modulus: Wh at which a register begins again, 0: not known. most: what an interval can use at most, 0: not known;
    more than that over a span is no rollover but a register that went down (V07), as it is without a modulus.
    good u1 (r,): others are passed over, and keep the value that was read. A span is named by its first register.
    """
    turned = np.int64(0)
    last = -1
    for item in range(len(reading)):
        adjusted[item] = reading[item] + turned
        if not good[item]:
            continue
        if last >= 0 and reading[item] < reading[last]:
            used = reading[item] - reading[last] + modulus
            if modulus > 0 and used >= 0 and (most == 0 or used <= most * (at[item] - at[last])):
                turned += modulus
                adjusted[item] += modulus
                spans[last] |= V08
            else:
                spans[last] |= V07
        last = item


@kernel
def sum_check(
    value: Array, there: Array, at: Array, reading: Array, good: Array, least: Array, permille: Array, per_week: int,
    most: int, spans: Array, unexplained: Array,
) -> None:  # fmt: skip
    """V12: |M (R1 - R0) - sum v| is above the tolerance; the difference to `unexplained` i64 (r - 1,), Wh.

    least, permille i64 (2,): tolerance of a span of up to `per_week` intervals, and of a longer one: the larger of an
    energy and of a share of the register difference. Of a span with missing intervals nothing is unexplained, but what
    they used cannot be below zero, nor above `most` Wh each (0: not known): beyond that the span fails too.
    """
    for span in range(len(reading) - 1):
        unexplained[span] = NOT_COMPARED
        if not (good[span] and good[span + 1]):
            continue
        total, lacking = np.int64(0), np.int64(0)
        for item in range(at[span], at[span + 1]):
            if there[item]:
                total += value[item]
            else:
                lacking += 1
        if at[span + 1] <= at[span]:
            continue
        moved = reading[span + 1] - reading[span]
        rest = moved - total
        kind = 1 if at[span + 1] - at[span] > per_week else 0
        tolerance = max(least[kind] * 1000, abs(moved) * permille[kind])
        if lacking == 0:
            unexplained[span] = rest
        room = most * lacking * 1000
        if -rest * 1000 > tolerance or ((lacking == 0 or most > 0) and rest * 1000 > tolerance + room):
            spans[span] |= V12


@kernel
def zone_check(reading: Array, zones: Array, good: Array, tolerance: int, spans: Array) -> None:
    """V13: |dR_total - sum of dR_z| is above the tolerance. zones i64 (z, r)."""
    for span in range(len(reading) - 1):
        if not (good[span] and good[span + 1]):
            continue
        left = reading[span + 1] - reading[span]
        for zone in range(zones.shape[0]):
            left -= zones[zone, span + 1] - zones[zone, span]
        if abs(left) > tolerance:
            spans[span] |= V13


@kernel
def zone_blocks(
    value: Array, there: Array, zone: Array, at: Array, zones: Array, good: Array, tolerance: int, spans: Array
) -> None:
    """V13: intervals of each zone (zone u1 (n,), its number) against that zone's register, in whole spans."""
    for span in range(zones.shape[1] - 1):
        if not (good[span] and good[span + 1]):
            continue
        for number in range(zones.shape[0]):
            total, whole = np.int64(0), True
            for item in range(at[span], at[span + 1]):
                if zone[item] != number:
                    continue
                if there[item]:
                    total += value[item]
                else:
                    whole = False
            if whole and abs(zones[number, span + 1] - zones[number, span] - total) > tolerance:
                spans[span] |= V13


@kernel
def register_changed(at: Array, reading: Array, good: Array, percent: int, spans: Array) -> None:
    """V20: 100 |(cur - prev) / cur| > percent, of the use a day of a span and of the one before it."""
    for span in range(1, len(reading) - 1):
        if not (good[span - 1] and good[span] and good[span + 1]):
            continue
        before, now = at[span] - at[span - 1], at[span + 1] - at[span]
        # Uses of an interval, both times before * now, so that no fraction is left.
        previous = (reading[span] - reading[span - 1]) * now
        current = (reading[span + 1] - reading[span]) * before
        if current != 0 and abs(current - previous) * 100 > abs(current) * percent:
            spans[span] |= V20


@kernel
def demand_differs(
    value: Array, there: Array, bounds: Array, demand: Array, known: Array, per_hour: int, permille: int, same: int,
    periods: Array,
) -> None:  # fmt: skip
    """V28: maximum demand, i64 (p,) W, is below the highest block of its period, or far above when `same`.

    bounds i64 (p + 1,): where periods begin; known u1 (p,); per_hour: intervals of an hour. same: 1 when the demand
    integration period is the block's, so that the two must be equal. A period with a missing block has at least the
    block that is there.
    """
    for period in range(len(bounds) - 1):
        if not known[period]:
            continue
        highest, whole = np.int64(-1), True
        for item in range(bounds[period], bounds[period + 1]):
            if not there[item]:
                whole = False
            elif value[item] > highest:
                highest = value[item]
        if highest < 0:
            continue
        power = highest * per_hour
        below = demand[period] * (1000 + permille) < power * 1000
        above = same and whole and demand[period] * 1000 > power * (1000 + permille)
        if below or above:
            periods[period] |= V28
