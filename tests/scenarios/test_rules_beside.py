"""Rules of what stands beside the readings, through the topology with a cold lane.

An outage in which energy came, nodes that do not balance, and a final day that changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.simulator import Frames
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import ROW, Statement, StatementFrame
from tests.scenarios import world
from tests.scenarios.cold import Lane
from tests.scenarios.world import Run

SLOTS_A_DAY = 48
LATE, DARK = 4, 2
"""Meters: one of which a day comes late, and one that is said to have been without supply."""
LOST_DAY, COMES = 1, 5 * SLOTS_A_DAY
OUTAGE_AT, SAID_AT, TAKEN_BACK_AT = 40, SLOTS_A_DAY + 6, SLOTS_A_DAY + 12
"""The interval of the outage; the slots at which it is told and taken back."""


def lost(frames: Frames) -> Array:
    first = LOST_DAY * SLOTS_A_DAY
    inside = (frames.interval > first) & (frames.interval <= first + SLOTS_A_DAY)
    return np.asarray((frames.kind == Kind.BLOCK) & (frames.point == LATE) & inside)


def register(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.DAILY) & (frames.point == LATE))


def strict(text: str) -> str:
    """Nothing may be lost in lines: each node that has losses is told."""
    return text.replace(
        "{balance_tolerance_permille: 10}", "{balance_tolerance_permille: 10, technical_loss_permille: 0}"
    )


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    fed = world.feed(meters=6, days=7, seed=13, faults="none", network={"consumers_per_dt": 6})
    fed = fed.without(register).held(lost, COMES)
    to = world.driver(folder, file="examples/cold.yaml", partitions=1, change=strict)
    lane, config, fleet = Lane(to), fed.truth.fleet.config, fed.truth.fleet
    for number, slot in enumerate(fed.slots):
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
        world.send(to, slot.frames)
        if number in (SAID_AT, TAKEN_BACK_AT):
            row = np.zeros(1, ROW)
            row["start"] = config.start_time + (OUTAGE_AT - 1) * config.interval_secs
            row["secs"] = config.interval_secs if number == SAID_AT else 0
            point = int(fleet.points.id[DARK])
            said = StatementFrame(Statement.OUTAGE, point, number, config.start_time, row, "id", "who", "why")
            to.statements([said], slot.end_time)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
        if number % 6 == 0:
            lane.answer()
    lane.answer()
    return Run(fed, to)


def exceptions(run: Run, rule: str, topic: str = "exceptions") -> list[dict[str, Any]]:
    found = [record for record in run.driver.records(topic) if record["rule"] == rule]
    return sorted(found, key=lambda record: record["revision"])


def test_energy_in_an_outage_opens_an_exception_until_the_outage_is_taken_back(run: Run) -> None:
    fleet = run.fed.truth.fleet
    told = [(one["service_point"], one["period_start"], one["state"]) for one in exceptions(run, "V26")]
    key = int(fleet.points.id[DARK]), fleet.config.start_time
    assert told == [(*key, "OPEN"), (*key, "CLOSED")]


def test_a_final_day_whose_frames_come_after_all_is_to_be_billed_again(run: Run) -> None:
    fleet = run.fed.truth.fleet
    start = fleet.config.start_time + LOST_DAY * DAY_SECS
    point = int(fleet.points.id[LATE])
    found = [one for one in exceptions(run, "V36") if one["service_point"] == point]
    assert [one["period_start"] for one in found] == [start]
    (record,) = found
    mine = (run.readings["service_point"] == point) & (run.readings["interval_start"] >= start)
    mine &= run.readings["interval_start"] < start + DAY_SECS
    assert record["found"] == int(run.readings["energy"][mine][:, 0].sum())
    assert abs(record["found"] - record["expected"]) * 1000 > 50 * record["expected"]
    assert {one["service_point"] for one in exceptions(run, "V36")} == {point}


def test_nodes_whose_final_days_do_not_balance_are_told_and_no_others(run: Run) -> None:
    final = {
        (one["node"], one["start"]): one
        for one in run.driver.records("losses")
        if one["span"] == "DAY" and one["state"] == "FINAL"
    }
    expected = {
        key
        for key, one in final.items()
        if one["inputs_expected"] and one["input_wh"] > 0 and one["expected"]
        and one["actual"] * 1000 >= 950 * one["expected"]
        and one["inputs_actual"] * 1000 >= 950 * one["inputs_expected"]
        and abs(one["input_wh"] - one["output_wh"]) * 1000 > 10 * one["input_wh"]
    }  # fmt: skip
    told = exceptions(run, "V35", "node-exceptions")
    assert {(one["node"], one["period_start"]) for one in told} == expected
    assert len(told) == len(expected) > 0
    fleet = run.fed.truth.fleet
    role = dict(zip(fleet.points.id.tolist(), fleet.points.role.tolist(), strict=True))
    assert {role[one["service_point"]] for one in told} <= {2, 3}, "the meters of transformers and feeders"
