"""Rules of single intervals. Each kernel sets its bit in `flags` u64 (n,) and leaves the others as they are.

`there` u1 (n,) is 1 where a value is. Energies are Wh, VAh and varh of an interval, i64 (n,). Sources of the rules:
docs/reference/rules.md.
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import kernel
from pipeline.rules import RULE_BIT

V01, V04, V05, V07, V09, V10, V11, V15, V16, V21 = (
    np.uint64(1 << RULE_BIT[code])
    for code in ("V01", "V04", "V05", "V07", "V09", "V10", "V11", "V15", "V16", "V21")
)  # fmt: skip
V24, V26, V27, V29, V33, V34, V36, V37 = (
    np.uint64(1 << RULE_BIT[code]) for code in ("V24", "V26", "V27", "V29", "V33", "V34", "V36", "V37")
)


@kernel
def missing(there: Array, expected: Array, flags: Array) -> None:
    """V01: an interval that is expected (u1 (n,)) is not there."""
    for item in range(len(there)):
        if expected[item] and not there[item]:
            flags[item] |= V01


@kernel
def other_device(device: Array, registered: Array, there: Array, flags: Array) -> None:
    """V04: device u64 (n,) of a reading against the one that is registered then, u64 (n,); 0: not known."""
    for item in range(len(there)):
        if there[item] and device[item] and registered[item] and device[item] != registered[item]:
            flags[item] |= V04


@kernel
def clock_off(offset: Array, there: Array, tolerance: int, flags: Array) -> None:
    """V05: offset i32 (n,), s that the meter's clock was off; within `tolerance` it is right."""
    for item in range(len(there)):
        if there[item] and abs(offset[item]) > tolerance:
            flags[item] |= V05


@kernel
def negative(value: Array, there: Array, flags: Array) -> None:
    """V07: below zero."""
    for item in range(len(value)):
        if there[item] and value[item] < 0:
            flags[item] |= V07


@kernel
def beyond_limit(value: Array, there: Array, limit: int, flags: Array) -> None:
    """V09: above `limit`, Wh of an interval."""
    for item in range(len(value)):
        if there[item] and value[item] > limit:
            flags[item] |= V09


@kernel
def status_set(status: Array, faults: int, there: Array, flags: Array) -> None:
    """V10: status i64 (n,), bits as the meter sent them; those in `faults` say that it has counted wrongly."""
    for item in range(len(there)):
        if there[item] and status[item] & faults:
            flags[item] |= V10


@kernel
def tested(testing: Array, there: Array, flags: Array) -> None:
    """V11: testing u1 (n,), 1 while the meter was tested or commissioned."""
    for item in range(len(there)):
        if there[item] and testing[item]:
            flags[item] |= V11


@kernel
def reactive_alone(
    wh: Array, varh: Array, there: Array, least_intervals: int, power_factor_percent: int, flags: Array
) -> None:
    """V15: reactive energy without active for so many intervals in a row, or at a power factor below the least.

    varh / Wh > tan(acos p) is the same as varh^2 p^2 > Wh^2 (1 - p^2): whole numbers, p in percent.
    """
    run = 0
    square = power_factor_percent * power_factor_percent
    for item in range(len(wh)):
        alone = there[item] and wh[item] == 0 and varh[item] > 0
        both = there[item] and wh[item] > 0 and varh[item] > 0
        if both and float(varh[item]) ** 2 * square > float(wh[item]) ** 2 * (10_000 - square):
            flags[item] |= V15
        if alone:
            run += 1
            if run == least_intervals:
                for back in range(item - run + 1, item + 1):
                    flags[back] |= V15
            elif run > least_intervals:
                flags[item] |= V15
        else:
            run = 0


@kernel
def apparent_below_active(wh: Array, vah: Array, there: Array, permille: int, flags: Array) -> None:
    """V16: VAh and the tolerance, a share and one digit, are below Wh."""
    for item in range(len(wh)):
        if there[item] and vah[item] * 1000 + abs(wh[item]) * permille + 1000 < wh[item] * 1000:
            flags[item] |= V16


@kernel
def changed(value: Array, there: Array, percent: int, floor: int, flags: Array) -> None:
    """V21: above the last value that was there by more than `percent`, and above `floor` Wh."""
    last = np.int64(0)
    for item in range(len(value)):
        if not there[item]:
            continue
        if last > 0 and value[item] > floor and (value[item] - last) * 100 > last * percent:
            flags[item] |= V21
        last = value[item]


@kernel
def inactive_use(value: Array, there: Array, inactive: Array, tolerance: int, flags: Array) -> None:
    """V24: energy while inactive u1 (n,), summed over each time without a break, is above `tolerance`."""
    item = 0
    while item < len(value):
        if not inactive[item]:
            item += 1
            continue
        end, used = item, np.int64(0)
        while end < len(value) and inactive[end]:
            if there[end] and value[end] > 0:
                used += value[end]
            end += 1
        if used > tolerance:
            for place in range(item, end):
                if there[place] and value[place] > 0:
                    flags[place] |= V24
        item = end


@kernel
def outage_use(value: Array, there: Array, outage: Array, flags: Array) -> None:
    """V26: energy in an interval that lies wholly in a confirmed outage (outage u1 (n,): 2 wholly, 1 partly)."""
    for item in range(len(value)):
        if there[item] and outage[item] == 2 and value[item] > 0:
            flags[item] |= V26


@kernel
def supplied_without_use(
    value: Array, there: Array, voltage: Array, current: Array, least_mv: int, least_ma: int, flags: Array
) -> None:
    """V26: no energy while voltage and current, i32 (n,) in mV and mA, are above these. Negative: not known."""
    for item in range(len(value)):
        if there[item] and value[item] == 0 and voltage[item] > least_mv and current[item] > least_ma:
            flags[item] |= V26


@kernel
def voltage_outside(
    voltage: Array, there: Array, outage: Array, low: int, high: int, most: int, flags: Array, wrong: Array
) -> None:
    """V27: voltage, mV, is not in low..high; `wrong` u1 (n,) is set where it is above `most` and cannot be.

    In an outage there is no voltage to be judged. A negative voltage cannot be either.
    """
    for item in range(len(voltage)):
        if not there[item] or outage[item]:
            continue
        if voltage[item] < low or voltage[item] > high:
            flags[item] |= V27
        if voltage[item] < 0 or voltage[item] > most:
            wrong[item] = 1


@kernel
def power_factor_wrong(
    factor: Array, wh: Array, vah: Array, there: Array, least_vah: int, tolerance: int, flags: Array
) -> None:
    """V29: factor i32 (n,), thousandths: above 1.001, or further than `tolerance` from Wh / VAh.

    Of less than `least_vah` the quotient has too few digits to be compared.
    """
    for item in range(len(wh)):
        if not there[item]:
            continue
        share = abs(factor[item])
        comparable = vah[item] >= least_vah
        differs = comparable and abs(share * vah[item] - abs(wh[item]) * 1000) > tolerance * vah[item]
        if share > 1001 or differs:
            flags[item] |= V29


@kernel
def sibling_missing(there: Array, sibling: Array, flags: Array) -> None:
    """V33: this channel is there, and the other (sibling u1 (n,)) is not."""
    for item in range(len(there)):
        if there[item] and not sibling[item]:
            flags[item] |= V33


@kernel
def check_differs(value: Array, check: Array, there: Array, permille: int, flags: Array) -> None:
    """V34: the check meter, i64 (n,), differs by more than a share of the main one. there: of both."""
    for item in range(len(value)):
        if there[item] and abs(value[item] - check[item]) * 1000 > abs(value[item]) * permille:
            flags[item] |= V34


@kernel
def final_replaced(
    value: Array, rank: Array, final: Array, final_rank: Array, there: Array, permille: int, flags: Array
) -> None:
    """V36: a value of a higher rank (u1 (n,)) differs from the final one by more than a share of it. there: of both.

    A value of a lower or the same rank is not accepted in its place and so changes nothing.
    """
    for item in range(len(value)):
        better = there[item] and rank[item] > final_rank[item]
        if better and abs(value[item] - final[item]) * 1000 > abs(final[item]) * permille:
            flags[item] |= V36


@kernel
def doubted(doubt: Array, there: Array, flags: Array) -> None:
    """V37: doubt u1 (n,), 1 where whoever sent the reading calls it suspect."""
    for item in range(len(there)):
        if there[item] and doubt[item]:
            flags[item] |= V37
