"""From readings to what is billed: days of 23 and 25 hours, what is estimated, what is kept, and the report."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from agents.vee.series.calendar import grid_of
from agents.vee.series.placing import common_grid, interval_of, place, readings
from agents.vee.series.report import report, totals
from agents.vee.series.settle import settle
from pipeline.codes import Method
from pipeline.quality import Quality
from pipeline.rules import Severity
from tests.unit.agents.vee.series.series_builders import LIMITS, series

DAY = [300, 310, 290, 305] * 12
LONDON = "Europe/London"


def time(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_days_of_summer_time_have_23_and_25_hours() -> None:
    spring = grid_of(time("2023-03-25T00:00"), time("2023-03-27T22:00"), 3600, LONDON)
    assert np.diff(spring.day_bounds).tolist() == [24, 23, 24]
    assert spring.place[24:28].tolist() == [0, 2, 3, 4], "the hour from 1 to 2 does not occur"
    autumn = grid_of(time("2023-10-27T23:00"), time("2023-10-30T23:00"), 3600, LONDON)
    assert np.diff(autumn.day_bounds).tolist() == [24, 25, 24]
    assert autumn.place[24:28].tolist() == [0, 1, 1, 2], "the hour from 1 to 2 occurs twice"


def test_days_begin_at_local_midnight_in_summer_and_winter() -> None:
    start = np.array([time("2023-03-25T00:00"), time("2023-03-26T00:00"), time("2023-03-26T23:00")])
    found = readings("p", "wh_imp", "Wh", start, np.array([1, 2, 3]))
    assert interval_of(found, LONDON) == 86_400
    grid = common_grid([found], 86_400, LONDON)
    assert grid.start.tolist() == start.tolist()
    channel, unplaced = place(found, grid, LIMITS)
    assert (channel.value.tolist(), unplaced.tolist()) == ([1, 2, 3], [])


def test_what_lacks_is_estimated_and_the_report_has_every_change() -> None:
    values = DAY * 4
    values[60], values[100] = None, -5
    made = series(values)
    settled = settle(made, LIMITS)["wh_imp"]
    assert settled.quality[[60, 100]].tolist() == [Quality.ESTIMATED] * 2
    assert (settled.method[[60, 100]] == Method.LINEAR).all()
    assert settled.value[60] in (307, 308), "between 305 and 310"
    said = report(made, settled)
    assert said["rules"] == {"V01": 1, "V07": 1}
    assert said["methods"] == {"LINEAR": 2}
    assert [(row["was"], row["rules"], row["quality"]) for row in said["changed"]] == [
        (None, ["V01"], "ESTIMATED"), (-5, ["V07"], "ESTIMATED"),
    ]  # fmt: skip
    assert said["changed"][0]["start"] == "2025-07-02T06:00:00+05:30"
    assert said["longest_gap"]["intervals"] == 1
    assert totals([said, said])["rules"] == {"V01": 2, "V07": 2}


def test_a_head_ends_estimate_is_kept_and_named() -> None:
    made = series(DAY * 2, qualities={5: Quality.ESTIMATED, 6: Quality.MANUAL})
    settled = settle(made, LIMITS)["wh_imp"]
    assert settled.value.tolist() == DAY * 2
    assert settled.method[[5, 6]].tolist() == [Method.HEAD_END] * 2
    assert settled.quality[[5, 6]].tolist() == [Quality.ESTIMATED, Quality.MANUAL]


def test_a_warning_keeps_the_value_and_a_severity_of_a_rule_set_holds() -> None:
    made = series([*DAY, 300], qualities={5: Quality.SUSPECT})
    settled = settle(made, LIMITS)["wh_imp"]
    assert (settled.value[5], settled.quality[5], settled.method[5]) == (DAY[5], Quality.SUSPECT, 0)
    made = series([*DAY, -300])
    shadow = settle(made, LIMITS, severities={"V07": Severity.INFORMATION})["wh_imp"]
    assert (shadow.value[48], shadow.quality[48]) == (-300, Quality.ACTUAL)
    assert report(made, shadow)["rules"] == {"V07": 1}, "it is counted all the same"


def test_estimates_are_scaled_to_the_registers() -> None:
    values: list[int | None] = list(DAY * 5)
    values[100:110] = [None] * 10
    total = sum(DAY) * 5 + 600
    made = series(values, registers=[(0, 0), (96, 2 * sum(DAY)), (144, 3 * sum(DAY) + 600), (240, total)])
    settled = settle(made, LIMITS)["wh_imp"]
    assert int(settled.value[96:144].sum()) == sum(DAY) + 600


def test_nothing_is_estimated_of_a_series_without_one_good_value() -> None:
    settled = settle(series([-1, -2, None]), LIMITS)["wh_imp"]
    assert settled.quality.tolist() == [Quality.SUSPECT, Quality.SUSPECT, Quality.MISSING]


def test_a_zero_in_an_outage_is_an_actual_value() -> None:
    outage = np.zeros(96, np.uint8)
    outage[50:54] = 2
    values: list[int | None] = list(DAY * 2)
    values[50:52], values[52:54] = [0, 0], [None, None]
    settled = settle(series(values, beside={"outage": outage}), LIMITS)["wh_imp"]
    assert settled.quality[50:54].tolist() == [Quality.ACTUAL] * 2 + [Quality.ESTIMATED] * 2
    assert settled.value[50:54].tolist() == [0, 0, 0, 0]
    assert (settled.method[52:54] == Method.OUTAGE).all()
