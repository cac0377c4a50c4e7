"""Registers between readings, channels besides import, and what other meters and days say."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from agents.vee.estimate import Grid, Order, Side, Step, Tuning, fill
from agents.vee.estimate.channels import Channel, apparent, demand, fill_channel, order_for
from agents.vee.estimate.errors import Expected
from agents.vee.estimate.model import GOOD, LACKS, NO_TEMPERATURE
from agents.vee.estimate.registers import (
    average_daily_use,
    estimated_register,
    estimated_register_wh,
    register_at,
    register_by_intervals,
)
from pipeline.codes import Method
from tests.unit.agents.vee.estimate.test_fill import MONDAY, grid, registers

HOURS = 24


def test_e13_rounds_as_the_monthly_method_does() -> None:
    # 100 / 30 = 3.333.. -> 3.33; x 31 = 103.23; / 40 = 2.58 -> 2
    assert average_daily_use(Decimal(100), 30) == Decimal("3.33")
    assert estimated_register(1000, Decimal(100), 30, 31, Decimal(40)) == 1002
    assert estimated_register(1000, Decimal(100), 30, 31) == 1103
    # a half goes up: 0.125 -> 0.13
    assert average_daily_use(Decimal(1), 8) == Decimal("0.13")
    assert estimated_register(0, Decimal(1), 8, 100) == 13


def test_e13_in_watt_hours() -> None:
    assert estimated_register_wh(5000, 2400, 86400 * 3) == 12_200
    assert estimated_register_wh(5000, 2400, 1800) == 5050


def test_e14_with_and_without_a_profile() -> None:
    assert register_at(25, (0, 100), (100, 200)) == 125
    assert register_at(1, (0, 0), (3, 1)) == 0
    assert register_at(2, (0, 0), (3, 1)) == 1
    assert register_by_intervals(100, [3, 4]) == 107
    with pytest.raises(ValueError, match="not between"):
        register_at(101, (0, 100), (100, 200))


def test_channels_that_do_not_add_up_are_never_estimated() -> None:
    with pytest.raises(ValueError, match="never estimated"):
        fill_channel(Channel.NOT_ADDITIVE, grid([1, None, 3]), Side(), Order())


def test_export_and_reactive_leave_out_what_describes_consumers() -> None:
    methods = {step.method for step in order_for(Channel.EXPORT, Order()).steps}
    assert not methods & {Method.CLASS_PROFILE, Method.NEIGHBOURS, Method.TEMPERATURE}
    assert Method.LIKE_DAY in methods
    methods = {step.method for step in order_for(Channel.REACTIVE, Order()).steps}
    assert not methods & {Method.CLASS_PROFILE, Method.NEIGHBOURS}
    assert order_for(Channel.IMPORT, Order()) == Order()
    assert fill_channel(Channel.EXPORT, grid([2, None, 4]), Side(), Order()).value.tolist() == [2, 3, 4]


def power(active_then: int, apparent_then: int) -> tuple[Grid, Grid]:
    """Two weeks; the first Monday has another power factor, the second one lacks six hours."""
    active: list[int | None] = [1000] * (HOURS * 14)
    other: list[int | None] = [1000] * (HOURS * 14)
    active[:HOURS], other[:HOURS] = [active_then] * HOURS, [apparent_then] * HOURS
    for at in range(7 * HOURS + 4, 7 * HOURS + 10):
        active[at] = other[at] = None
    return grid(active), grid(other)


def test_kvah_goes_by_the_power_factor_of_the_reference_days() -> None:
    active, other = power(800, 1000)
    filled = fill(active, Side(), Order())
    found = apparent(active, filled, other)
    gap = slice(7 * HOURS + 4, 7 * HOURS + 10)
    assert filled.value[gap].tolist() == [800] * 6
    assert found.value[gap].tolist() == [1000] * 6
    assert set(found.method[gap].tolist()) == {Method.LIKE_DAY}
    assert found.value[0] == 1000
    assert found.gaps[0].inputs == (MONDAY,)


def test_kvah_is_never_less_than_kwh() -> None:
    active, other = power(800, 700)
    found = apparent(active, fill(active, Side(), Order()), other)
    assert found.value[7 * HOURS + 4] == 800


def test_kvah_alone_lacking_goes_by_the_power_factor_of_the_series() -> None:
    active, other = grid([900, 900, 900, 450]), grid([1000, 1000, 1000, None])
    found = apparent(active, fill(active, Side(), Order()), other)
    assert found.value.tolist() == [1000, 1000, 1000, 500]


def test_demand_is_the_largest_block_over_its_length() -> None:
    series = grid([100, None, 400, 100], 1800)
    filled = fill(series, Side(), Order())
    assert demand(filled, series.standing, 1800) == (800, 2, False)
    series = grid([100, None, 100], 1800)
    typed = np.array([-(2**63), 301, -(2**63)], np.int64)
    assert demand(fill(series, Side(agreed=typed), Order()), series.standing, 1800) == (602, 1, True)
    empty = grid([None], 1800)
    assert demand(fill(empty, Side(), Order()), empty.standing, 1800) == (0, -1, False)


def test_e02_takes_the_check_meter_at_the_ratio_of_the_two() -> None:
    values: list[int | None] = [110] * (HOURS * 3)
    check = np.full(HOURS * 3, 100, np.int64)
    standing = np.full(HOURS * 3, GOOD, np.uint8)
    first = HOURS * 2 + 5
    for at in range(first, first + 4):
        values[at] = None
    check[first : first + 4] = (10, 20, 30, 40)
    standing[first + 3] = LACKS
    filled = fill(grid(values), Side(check=check, check_standing=standing), Order())
    assert filled.value[first : first + 4].tolist() == [11, 22, 33, 110]
    assert filled.method[first : first + 4].tolist() == [2, 2, 2, 5]
    assert filled.gaps[0].inputs == (MONDAY + 1, MONDAY)


def test_e10_shares_out_the_daily_use() -> None:
    profile = np.zeros((7, HOURS), np.int64)
    profile[:, :12], profile[:, 12:] = 50_000, 33_333
    series = registers(grid([None] * HOURS), [0, HOURS], [0, 2400], [1, 1])
    order = Order(steps=(Step(Method.CLASS_PROFILE),), scale=False)
    filled = fill(series, Side(profile=profile), order)
    assert filled.value.tolist() == [120] * 12 + [80] * 12
    assert filled.gaps[0].inputs == (2400,)


def test_e11_takes_the_median_of_the_neighbours_shares() -> None:
    own: list[int | None] = [100] * (HOURS * 3)
    own[HOURS] = None
    peers = np.full((5, HOURS * 3), 50, np.int64)
    peers[:, HOURS] = (10, 20, 75, 200, 900)
    standing = np.ones((5, HOURS * 3), np.uint8)
    order = Order(steps=(Step(Method.NEIGHBOURS),))
    side = Side(neighbours=peers, neighbours_standing=standing)
    filled = fill(grid(own), side, order)
    assert filled.value[HOURS] == 150
    assert filled.gaps[0].inputs == (0, 1, 2, 3, 4)
    standing[0, HOURS] = LACKS
    assert fill(grid(own), side, order).gaps[0].method is Method.NONE
    four = fill(grid(own), side, order._replace(tuning=Tuning(least_peers=4)))
    assert four.value[HOURS] == 275  # the middle of 75 and 200, times two


def test_e12_goes_by_days_that_were_as_warm() -> None:
    values: list[int | None] = [100 * (day + 1) for day in range(35) for _ in range(HOURS)]
    lacking = 28  # a Monday, at 30.0 degrees
    for at in range(lacking * HOURS, (lacking + 1) * HOURS):
        values[at] = None
    temperature = np.full(35, 300, np.int32)
    temperature[[0, 7, 14, 21]] = (310, 340, 295, NO_TEMPERATURE)
    order = Order(steps=(Step(Method.TEMPERATURE),))
    filled = fill(grid(values), Side(temperature=temperature), order)
    assert filled.gaps[0].inputs == (MONDAY + 14, MONDAY)
    assert filled.value[lacking * HOURS] == (1500 + 100) // 2


def test_e09_takes_the_same_season_of_last_year() -> None:
    values: list[int | None] = [1000 if day < 60 else 10 for day in range(380) for _ in range(HOURS)]
    for at in range(370 * HOURS, 371 * HOURS):
        values[at] = None
    order = Order(steps=(Step(Method.PREVIOUS_PERIOD),))
    filled = fill(grid(values), Side(), order)
    assert filled.value[370 * HOURS] == 1000
    assert filled.gaps[0].inputs[0] == MONDAY
    short = fill(grid(values[301 * HOURS :]), Side(), order)
    assert short.value[69 * HOURS] == 10


def test_the_expected_error_is_that_of_the_method_at_this_length() -> None:
    series = grid([100, None, 300])
    order = Order(errors={Method.LINEAR: (Expected(111, 0), Expected(222, 0), Expected(0, 0), Expected(0, 0))})
    assert fill(series, Side(), order).expected.tolist() == [0, 111, 0]
    longer = Order(steps=(Step(Method.LINEAR),), errors=order.errors)
    assert fill(grid([100, None, None, None, 300]), Side(), longer).expected.tolist() == [0, 222, 222, 222, 0]
