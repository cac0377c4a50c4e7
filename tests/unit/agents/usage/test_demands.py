"""V28: maximum demand that meters tell against the largest interval of final days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from agents.usage.config import UsageConfig
from agents.usage.demands import MAXIMUM, MAXIMUM_AT
from agents.usage.state import DEMAND
from agents.usage.step import UsageStep
from pipeline.channels import N_SNAPSHOT
from pipeline.codes import Flag
from pipeline.localtime import DAY_SECS
from tests.builders_usage import EPOCH, OFFSET, Row, Stage, batch_of
from tests.oracles.usage_oracle import Day

DAY_1 = date(2025, 3, 10)
JUDGED = UsageConfig(demand_secs=1800)


def time_of(day: int, hour: int = 12) -> int:
    return ((DAY_1 - EPOCH).days + day) * DAY_SECS - OFFSET + hour * 3600


def told(watts: int, at: int, heard: int, flags: int = 0, point: int = 7) -> Any:
    """A momentary value: the maximum was `watts` at local day `at`, as of day `heard`."""
    batch = batch_of([])
    batch.snapshot_service_point = np.array([point], "<u8")
    batch.snapshot_time = np.array([time_of(heard)], "<i8")
    batch.snapshot_flags = np.array([flags], "<u2")
    batch.snapshot = np.zeros((1, N_SNAPSHOT), "<i8")
    batch.snapshot[0, MAXIMUM], batch.snapshot[0, MAXIMUM_AT] = watts, time_of(at)
    batch.snapshot_present = np.array([1 << MAXIMUM | 1 << MAXIMUM_AT], "<u4")
    return batch


def day(number: int, peak: int, absent: int = 0) -> Row:
    return Row(7, DAY_1 + timedelta(days=number), Day(9_000, peak=peak, absent=absent))


def flagged(values: list[Any], row: Row, config: UsageConfig = JUDGED, **stage: Any) -> list[tuple[int, int]]:
    """(found, expected) of V28 when the day of a row is final, after some values."""
    one = Stage(config, **stage)
    for value in values:
        assert one.take_batch(value) == []
    return [(r["found"], r["expected"]) for r in one.take([row]) if r["rule"] == "V28"]


@pytest.mark.parametrize(
    ("values", "row", "fails"),
    [
        ([told(2_000, 0, 1)], day(0, 2_000), False),
        ([told(2_000, 0, 1)], day(0, 2_100), False),  # 5 %
        ([told(2_000, 0, 1)], day(0, 2_104), True),  # no interval can be above the maximum
        ([told(2_000, 0, 5)], day(3, 2_400), True),  # nor one behind it, as long as it is the maximum
        ([told(2_000, 0, 5)], day(3, 400), False),
        ([told(2_000, 0, 0)], day(0, 2_400), False),  # the day went on behind the value
        ([told(2_000, 3, 4)], day(0, 2_400), False),  # reset since then, perhaps
        ([told(2_000, 0, 1)], day(0, 1_900), True),  # 2,000 W above 1,900 W and 5 %
        ([told(2_000, 0, 1)], day(0, 1_906), False),
        ([told(2_000, 0, 1)], day(0, 1_500, absent=1), False),  # it may have been in the interval that lacks
        ([told(2_000, 0, 1, flags=Flag.CLOCK_INVALID)], day(0, 2_400), False),
        ([told(2_000, 0, 1), told(2_400, 0, 2)], day(0, 2_400), False),
        ([told(2_400, 0, 2), told(2_000, 0, 1)], day(0, 2_400), False),  # an older value says nothing new
        ([told(0, 0, 1)], day(0, 2_400), False),
        ([told(2_000, 0, 1, point=8)], day(0, 2_400), False),
    ],
)
def test_a_maximum_and_the_largest_interval_must_fit(values: list[Any], row: Row, fails: bool) -> None:
    found = flagged(values, row)
    assert len(found) == fails
    if fails:
        assert found == [(2_000, row.figures.peak)]


def test_a_maximum_over_another_time_may_be_above_every_interval() -> None:
    quarters = UsageConfig(demand_secs=900)
    assert flagged([told(2_400, 0, 1)], day(0, 1_500), quarters) == []
    assert flagged([told(2_000, 0, 1)], day(0, 2_400), quarters) == [(2_000, 2_400)]


def test_the_maximum_is_on_the_meters_side_of_the_factor() -> None:
    assert flagged([told(200, 0, 1)], day(0, 2_000), factor=(10, 1)) == []
    assert flagged([told(200, 0, 1)], day(0, 2_200), factor=(10, 1)) == [(2_000, 2_200)]


def test_rule_sets_hold_for_it() -> None:
    wide = {"rules/own.yaml": b"demand_tolerance_permille: 300\n"}
    assert flagged([told(2_000, 0, 1)], day(0, 2_500), documents=wide) == []
    off = {"rules/own.yaml": b"rules: {V28: off}\n"}
    assert flagged([told(2_000, 0, 1)], day(0, 2_500), documents=off) == []


def test_only_where_it_is_judged_it_takes_six_octets() -> None:
    names = [[table.name for table in UsageStep(config).layout.tables] for config in (UsageConfig(), JUDGED)]
    assert names == [["points", "months"], ["points", "months", "demands"]]
    assert DEMAND.itemsize == 6
    assert flagged([told(2_000, 0, 1)], day(0, 2_400), UsageConfig()) == []
