"""The stage and the rules of whole series flag the same months of the same readings."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from agents.vee.series.judge import judge
from agents.vee.series.model import Series
from pipeline.columns import Array
from pipeline.quality import Quality
from tests.builders_usage import Row, Stage
from tests.oracles.usage_oracle import Day, next_month
from tests.unit.agents.vee.series.series_builders import LIMITS, bit, series

FIRST, MONTHS, HOURS = date(2025, 7, 1), 16, 24
"""The first day of `series_builders.START`."""


def month_starts() -> list[date]:
    starts = [FIRST]
    while len(starts) <= MONTHS:
        starts.append(next_month(starts[-1]))
    return starts


def readings(rng: np.random.Generator) -> Array:
    """Hourly Wh of 16 months, f8 (days, 24): each month of another level and another peak; NaN where nothing came."""
    starts = month_starts()
    levels = 200 * rng.choice([0.3, 0.6, 0.9, 1, 1, 1.1, 1.25, 2.1, 4], MONTHS)
    peaks = 700 * rng.choice([0.4, 1, 1, 1.5, 2.2], MONTHS)
    days = []
    for month in range(MONTHS):
        count = (starts[month + 1] - starts[month]).days
        # Neighbours differ, so that nothing repeats and no day has a spike.
        values = levels[month] * rng.uniform(0.8, 1.2, (count, HOURS)) + np.arange(HOURS) % 7
        values[:, [18, 19, 20]] += peaks[month] * rng.uniform(0.95, 1.0, (count, 3))
        if month % 5 == 3:
            values[: int(rng.integers(5, 14)), 3] = np.nan
        days.append(values)
    return np.concatenate(days)


def flagged_by_series(made: Series, code: str) -> set[date]:
    judge(made, LIMITS)
    words = made.channels["wh_imp"].months
    return {month_starts()[number] for number in np.flatnonzero(words & bit(code)).tolist()}


def flagged_by_stage(days: list[Day]) -> dict[str, set[date]]:
    stage, found = Stage(), dict[str, set[date]]()
    rows = [[Row(7, FIRST + timedelta(days=number), one)] for number, one in enumerate(days)]
    for rule, changes in stage.changes(rows).get(7, {}).items():
        found[rule] = {last.replace(day=1) for _, state, _, last in changes if state == "OPEN"}
    return found


def test_usage_demand_audit_and_peak() -> None:
    flagged = dict.fromkeys(("V17", "V18", "V19", "V22"), 0)
    for seed in (1, 2, 3):
        hourly = np.round(readings(np.random.default_rng(seed)) / 2) * 2
        values = [None if np.isnan(value) else int(value) for value in hourly.reshape(-1).tolist()]
        days = []
        for row in hourly:
            lacks = int(np.isnan(row).sum())
            days.append(Day(int(np.nansum(row)), not lacks, int(np.nanmax(row)), HOURS * 2, lacks))
        made = series(values, interval=3600)
        by_stage = flagged_by_stage(days)
        for code in flagged:
            expected = flagged_by_series(made, code)
            assert by_stage.get(code, set()) == expected, (seed, code)
            flagged[code] += len(expected)
    assert min(flagged.values()) > 0, "a rule that nothing fails is not compared"


def test_months_of_estimates() -> None:
    count = (month_starts()[-1] - FIRST).days
    estimated = {number for number in range(count) if number % 240 < 110 or number % 3 == 0}
    made = series(
        [5_000 + number % 13 for number in range(count)], interval=86_400,
        qualities=dict.fromkeys(estimated, Quality.ESTIMATED),
    )  # fmt: skip
    days = [Day(5_000 + number % 13, True, 500, 48, 48 if number in estimated else 0) for number in range(count)]
    assert flagged_by_stage(days)["V30"] == flagged_by_series(made, "V30") != set()
