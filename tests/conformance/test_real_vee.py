"""Real interval files: the faults that are listed of them are found, and little is flagged beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.vee.limits import RuleSets
from cli.vee.run import run
from cli.vee.source import Asked, Content, read

INTERVALS = Path(__file__).parents[3] / "shared" / "data" / "intervals"

pytestmark = pytest.mark.skipif(
    not INTERVALS.is_dir(), reason="the real files are not beside the project: ../shared/data/intervals"
)
SERIOUS = {"V02", "V04", "V05", "V06", "V07", "V09", "V10", "V14", "V15", "V24", "V25", "V26", "V29", "V34", "V37"}


def judged(name: str, **asked: Any) -> tuple[Content, list[dict[str, Any]]]:
    content = read(INTERVALS / name, Asked(**asked), lambda _count: None)
    return content, [one for done in run(content, None, RuleSets(None), None) for one in done.reports]


def flagged(reports: list[dict[str, Any]]) -> float:
    """Share of received intervals of which value or quality was changed."""
    changed = sum(1 for one in reports for row in one["changed"] if row["was"] is not None)
    return changed / sum(one["received"] for one in reports)


def test_half_hours_of_london() -> None:
    _, (said,) = judged("uk-electricity-hdd-only-hourly-sample-1.csv.gz", timezone="UTC")
    assert said["interval_secs"] == 1800
    assert said["rules"]["V02"] == 15, "midnights that come twice"
    assert said["rules"]["V01"] == 52, "half hours that lack"
    assert (said["zeros"]["before_use"], said["rules"]["V11"]) == (21, 21), "zeros before use begins"
    assert sum(said["methods"].values()) == 52, "each of them is estimated"
    assert said["quality"] == {"ACTUAL": 22_521, "ESTIMATED": 52}, "a repeat with the same value casts no doubt"
    assert said["longest_gap"] == {"intervals": 48, "start": "2012-11-08T00:30:00+00:00"}
    assert flagged([said]) <= 0.01


def test_hours_that_are_called_half_hours() -> None:
    _, (said,) = judged("uk-electricity-hdd-only-hourly-sample-0.csv.gz", timezone="Europe/London")
    assert (said["interval_secs"], said["completeness"]) == (3600, 1.0)
    assert [row["intervals"] for row in said["zeros"]["told"]] == [23, 23, 23], "three days without a reading"
    assert flagged([said]) <= 0.01


def test_local_time_with_summer_time_and_an_outage_of_the_feed() -> None:
    content, (power, gas) = judged("uk_n3rgy_hourly.csv.gz", timezone="Europe/London", stamps="end")
    assert content.fault_count == 0, "the hours that do not occur in spring are no fault"
    assert power["gaps"] == [
        {"start": "2021-10-31T01:00:00+01:00", "intervals": 1}, {"start": "2022-10-30T01:00:00+01:00", "intervals": 1},
    ] or [gap["intervals"] for gap in power["gaps"]] == [1, 1], "the autumn hour appears once"  # fmt: skip
    assert power["rules"]["V01"] == 2
    # Labels are ends of hours: the first zero is the hour from 13:00 to 14:00.
    assert power["zeros"]["told"] == [{"start": "2023-03-21T13:00:00+00:00", "intervals": 34}]
    assert gas["channel"] == "wh_imp"
    assert flagged([power, gas]) <= 0.01


def test_days_of_indian_meters() -> None:
    content, reports = judged("ceew_bareilly_daily.csv.gz")
    assert len(reports) == 46
    assert {one["interval_secs"] for one in reports} == {86_400}
    assert sum(one["rules"].get("V01", 0) for one in reports) == 3888, "meter-days that lack"
    assert sum(one["zeros"]["days"] for one in reports) == 778
    assert content.tails == 26_730, "tails of binary floats"
    assert sum(one["methods"].get("not estimated", 0) for one in reports) == 0
    assert flagged(reports) <= 0.01


def test_green_button() -> None:
    content, (said,) = judged("greenbutton_sce.xml")
    assert (said["intervals"], said["rules"]) == (97, {"V03": 1}), "97 readings of 900 s against a day"
    assert content.notes == ["block 1 is of 86400 s, and 1 of its 97 readings are not"]
    _, (said,) = judged("greenbutton_15min.xml")
    assert said["quality"] == {"ACTUAL": 478, "ESTIMATED": 1, "MANUAL": 1}
    assert said["rules"] == {}


FLAGS = {
    "NEM12_08150_05031502_WBAYM_NEMMCO.csv": {"ACTUAL": 22, "ESTIMATED": 61, "MANUAL": 13},
    "NEM12_mdffl0000000004_ACTEWM_NEMMCO.csv": {"ESTIMATED": 288},
    "NEM12_Scenario07_POWERMDP_NEMMCO.csv": {"ACTUAL": 336, "ESTIMATED": 48},
    "NEM12_000000000000009_CNRGYMDP_NEMMCO.csv": {"ACTUAL": 168, "ESTIMATED": 168},
}
"""Qualities that flags A, E, S and F, and V with records 400, become."""


@pytest.mark.parametrize("name", FLAGS)
def test_quality_flags_of_nem12(name: str) -> None:
    content, reports = judged(f"nem12/{name}")
    found: dict[str, int] = {}
    for one in reports:
        for quality, count in one["quality"].items():
            found[quality] = found.get(quality, 0) + count
    assert (content.fault_count, found) == (0, FLAGS[name])


def test_every_file_of_nem12_is_read_whole() -> None:
    for path in sorted((INTERVALS / "nem12").glob("*.csv")):
        days = sum(line.startswith("300,") for line in path.read_text().splitlines())
        content, reports = judged(f"nem12/{path.name}")
        assert content.fault_count == 0
        assert sum(one["received"] * one["interval_secs"] for one in reports) == days * 86_400
