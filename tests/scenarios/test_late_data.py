"""A frame that comes after its interval was estimated takes the estimate's place, and what was made of it follows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.simulator import Frames
from pipeline.codes import Flag, Kind, Method, Quality
from pipeline.columns import Array
from tests.scenarios import rows, world
from tests.scenarios.world import Chosen, Feed, Run

POINT = 5
"""Row of the service point whose frame is late."""
MISSED, MIDNIGHT = 20, 48
"""Number of the late interval; slot of the midnight that ends its day."""


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=12, days=2, seed=9, faults="none", network={"consumers_per_dt": 6})


@pytest.fixture(scope="module")
def punctual(fed: Feed, folder: Path) -> Run:
    return Run(fed, world.play(world.driver(folder), fed))


def block(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.BLOCK) & (frames.point == POINT) & (frames.interval == MISSED))


def register(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.DAILY) & (frames.point == POINT) & (frames.interval == 1))


def late(fed: Feed, folder: Path, chosen: Chosen, until: int) -> Run:
    changed = fed.held(chosen, until)
    return Run(changed, world.play(world.driver(folder), changed))


@pytest.fixture(scope="module")
def same_day(fed: Feed, folder: Path) -> Run:
    """The frame comes five hours late, before its day is closed."""
    return late(fed, folder, block, MISSED + 10)


@pytest.fixture(scope="module")
def next_day(fed: Feed, folder: Path) -> Run:
    """The frame comes when its day has been closed, estimated and billed; the day's last register never comes."""
    return late(fed.without(register), folder, block, MIDNIGHT + 12)


def history(run: Run) -> rows.Table:
    """All revisions of the late interval, in order."""
    table = rows.section(run.driver, "readings", "reading")
    config, fleet = run.fed.truth.fleet.config, run.fed.truth.fleet
    start = config.start_time + (MISSED - 1) * config.interval_secs
    chosen = (table["service_point"] == fleet.points.id[POINT]) & (table["interval_start"] == start)
    return rows.in_order(rows.take(table, chosen), ("revision",))


def flowed(run: Run) -> list[int]:
    """Energy that really flowed in the late interval."""
    truth = run.fed.truth
    wh: list[int] = truth.billed(truth.energy.astype(np.int64))[MISSED - 1, POINT].tolist()
    return wh


def node(run: Run) -> int:
    """The transformer of the service point."""
    fleet = run.fed.truth.fleet
    return int(fleet.network.dt_node[fleet.points.dt[POINT]])


def losses(run: Run, span: str, start: int) -> list[Mapping[str, Any]]:
    """All revisions of a balance, in order."""
    found = [r for r in run.driver.records("losses") if (r["node"], r["span"], r["start"]) == (node(run), span, start)]
    return sorted(found, key=lambda record: int(record["revision"]))


@pytest.mark.parametrize("name", ["same_day", "next_day"])
def test_the_late_frame_replaces_the_estimate(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    table = history(run)
    quality = rows.qualities(table["quality"])[:, 0].tolist()
    assert quality[0] == Quality.ESTIMATED
    assert quality[-1] == Quality.ACTUAL
    assert Quality.ACTUAL not in quality[:-1]
    assert table["frame"][:-1].tolist() == [-1] * (len(quality) - 1)
    assert table["frame"][-1] >= 0
    assert table["energy"][-1].tolist() == flowed(run)
    assert table["energy"][0].tolist() != flowed(run)
    assert table["method"][0] != Method.NONE == table["method"][-1]
    assert table["flags"][-1] & Flag.COUNTER_LATE


@pytest.mark.parametrize("name", ["same_day", "next_day"])
def test_the_revision_says_what_it_replaces(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    table, prior = history(run), rows.section(run.driver, "readings", "prior")
    whole = rows.section(run.driver, "readings", "reading")
    last = np.flatnonzero(
        np.isin(whole["revision"], table["revision"][-1]) & (whole["partition"] == table["partition"][-1])
    )
    named = prior["prior_reading"].tolist().index(int(last[0]))
    assert prior["prior_quality"][named] == Quality.ESTIMATED
    assert prior["prior_energy"][named].tolist() == table["energy"][-2].tolist()


def test_readings_and_days_are_in_the_end_those_of_a_punctual_run(same_day: Run, punctual: Run) -> None:
    leave = frozenset({"flags", "supersedes", "tick_time", "received_at", "reason"})
    wanted, found = (rows.histories(run.driver, leave=leave, last=True) for run in (punctual, same_day))
    assert found == wanted


def test_the_interval_balance_gets_a_revision(same_day: Run, punctual: Run) -> None:
    start = int(history(same_day)["interval_start"][0])
    (wanted,) = losses(punctual, "INTERVAL", start)
    first, second = losses(same_day, "INTERVAL", start)
    assert (first["estimated"], second["estimated"]) == (1, 0)
    assert (first["actual"], second["actual"]) == (first["expected"] - 1, second["expected"])
    assert (first["supersedes"], second["supersedes"]) == (None, first["revision"])
    assert first["output_wh"] != second["output_wh"] == wanted["output_wh"]
    assert second["output_wh"] - first["output_wh"] == flowed(same_day)[0] - first["estimated_wh"]


def test_a_closed_days_determinants_get_a_revision_with_the_difference(next_day: Run) -> None:
    fleet, table = next_day.fed.truth.fleet, history(next_day)
    estimate, actual = int(table["energy"][-2, 0]), int(table["energy"][-1, 0])
    first_day = fleet.config.start_time
    found = [
        record
        for record in next_day.driver.records("determinants")
        if (record["service_point"], record["kind"]) == (int(fleet.points.id[POINT]), "DAY")
        and record["period_start"] == first_day
    ]
    before, after = sorted(found, key=lambda record: int(record["revision"]))[:2]
    assert before["estimated_wh"] == estimate
    assert after["estimated_wh"] == 0
    assert after["supersedes"] == before["revision"]
    assert after["reason"] == "LATE_DATA"
    assert after["delta_wh_imp"] == after["wh_imp"] - before["wh_imp"] == actual - estimate != 0
    assert (before["intervals_actual"], after["intervals_actual"]) == (47, 48)
    truth = next_day.fed.truth
    assert after["wh_imp"] == truth.billed(truth.register_energy)[0, POINT, 0]


def test_a_closed_days_balance_gets_a_revision_with_the_difference(next_day: Run) -> None:
    table = history(next_day)
    estimate, actual = int(table["energy"][-2, 0]), int(table["energy"][-1, 0])
    truth = next_day.fed.truth
    for span, start in (("INTERVAL", int(table["interval_start"][0])), ("DAY", truth.fleet.config.start_time)):
        revisions = losses(next_day, span, start)
        deltas = np.diff([record["output_wh"] for record in revisions]).tolist()
        assert actual - estimate in deltas
        assert (revisions[-1]["actual"], revisions[-1]["estimated"]) == (revisions[-1]["expected"], 0)
        assert [record["supersedes"] for record in revisions] == [None, *(r["revision"] for r in revisions[:-1])]
    place = truth.nodes.node.tolist().index(node(next_day))
    final = losses(next_day, "DAY", truth.fleet.config.start_time)[-1]
    assert final["loss_wh"] == truth.nodes.by_day(truth.nodes.loss_wh, 48)[0, place]


def test_a_register_that_comes_late_scales_the_estimates_of_its_day(fed: Feed, folder: Path) -> None:
    run = late(fed.without(block), folder, register, MIDNIGHT + 8)
    truth = run.fed.truth
    wanted = truth.billed(truth.register_energy)[0, POINT]
    table = rows.section(run.driver, "readings", "settlement")
    mine = (table["day_service_point"] == truth.fleet.points.id[POINT]) & (
        table["day_start"] == truth.fleet.config.start_time
    )
    days = rows.in_order(rows.take(table, mine), ("day_revision",))
    total = days["day_actual"] + days["day_estimated"]
    assert (days["day_registers"][0] & 3, days["day_registers"][-1] & 3) == (1, 3)
    assert total[0].tolist() != wanted.tolist()
    assert total[-1].tolist() == wanted.tolist()
    last = history(run)
    assert last["method"][-1] == Method.SCALED
    # The one gap of the day takes all that the registers say is lacking.
    assert last["energy"][-1].tolist() == flowed(run)
