"""What a topology must have for a cold lane, and what becomes of a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.cold.answer import Asked
from cli.cold import asked_of, groups_of, lane_of
from cli.topology import read_plan
from connectors.cold.connector import Request
from pipeline.codes import Kind
from pipeline.errors import ConfigError

EXAMPLE = Path(__file__).parents[3] / "examples" / "cold.yaml"
IST, DAY = 19_800, 86_400
MIDNIGHT = 1_767_205_800


def plan_of(folder: Path, *changes: tuple[str, str]) -> Any:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / "cold.yaml"
    file.write_text(text, encoding="utf-8")
    return read_plan(file)


def test_the_lane_of_the_example_waits_for_its_workers_and_its_sink(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    lane = lane_of(plan, plan.connectors["cold"])
    assert lane is not None
    assert [(topic, partitions) for _, topic, partitions in lane.workers] == [("frames", 12)]
    assert lane.sink == plan.sinks["warehouse"].group
    assert lane.topics == {"readings": 12, "determinants": 12, "cold-requests": 3}
    assert lane_of(plan, plan.connectors["ticker"]) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("warehouse: warehouse", "warehouse: other"), "WAREHOUSE_UNKNOWN"),
        (("        cold-requests,\n", ""), "WAREHOUSE_LACKS"),
        (("{cold_days: 400}", "{}"), "COLD_DAYS_MISSING"),
        (("{cold_days: 400}", "{cold_days: 400, improve_secs: 86400}"), "IMPROVE_IN_VAIN"),
    ],
)
def test_what_the_lane_lacks_is_said_before_anything_starts(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    plan = plan_of(tmp_path, change)
    with pytest.raises(ConfigError, match=code):
        lane_of(plan, plan.connectors["cold"])


def test_requests_that_go_nowhere_are_a_finding_and_without_a_lane_they_are_none(tmp_path: Path) -> None:
    unmapped = ("      cold_requests: cold-requests\n", "")
    with pytest.raises(ConfigError, match="cold_requests"):
        plan_of(tmp_path, unmapped)
    shipped = EXAMPLE.parents[1] / "topologies.yaml"
    assert "cold" not in read_plan(shipped).connectors


def test_a_register_at_midnight_may_change_both_its_days() -> None:
    rows = [{"time": MIDNIGHT, "kind": int(Kind.BLOCK)}, {"time": MIDNIGHT + 1800, "kind": int(Kind.BLOCK)}]
    record = {"service_point": 7, "source_partition": 2, "tick_time": MIDNIGHT + 5 * DAY, "rows": rows}
    day = (MIDNIGHT + IST) // DAY
    assert asked_of(Request(0, 9, record), IST).days == {day - 1, day}
    register = {**record, "rows": [{"time": MIDNIGHT, "kind": int(Kind.DAILY)}]}
    asked = asked_of(Request(0, 9, register), IST)
    assert (asked.days, asked.offset, asked.partition) == ({day - 1, day}, 9, 2)


def test_a_request_without_rows_is_about_the_day_that_it_names() -> None:
    day = (MIDNIGHT + IST) // DAY
    record = {"service_point": 7, "source_partition": 2, "tick_time": MIDNIGHT + 3 * DAY, "rows": []}
    asked = asked_of(Request(0, 9, {**record, "day_start": day * DAY - IST}), IST)
    assert asked.days == {day}


def test_requests_of_a_service_point_are_judged_together() -> None:
    asked = [Asked(point, place, 0, 0, frozenset([1])) for place, point in enumerate([5, 3, 5, 9, 3])]
    found = [[one.offset for one in group] for group in groups_of(asked, 2)]
    assert found == [[0, 1, 2, 4], [3]]
    assert groups_of(asked, 5) == [asked]
    assert groups_of([], 20) == []
