"""An edit, the meter's own value days later, and its undoing: readings and determinants follow, through the topology.

Also cut apart by topics, and with every stage restored from its checkpoint while statements lie in its state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.simulator import Frames
from pipeline.codes import Flag, Kind, Method, Quality
from pipeline.columns import Array
from pipeline.statement_frames import ROW, Statement, StatementFrame
from tests.scenarios import rows, world
from tests.scenarios.test_restored_stages import compare, outputs_of
from tests.scenarios.world import Feed, Run

POINT, OTHER = 5, 6
MISSED, MIDNIGHT = 20, 48
EDITED_AT, LATE_AT, UNDONE_AT = MIDNIGHT + 4, MIDNIGHT + 12, MIDNIGHT + 20
"""Slots."""
EDITED_WH = 4321
HOW = frozenset({
    "flags", "supersedes", "tick_time", "received_at", "reason", "frame", "counter", "physical", "reactive", "quality",
    "delta_wh_imp", "delta_vah_imp", "delta_wh_exp", "delta_vah_exp", "delta_paise",
})  # fmt: skip
"""Columns that tell how something came about, or that only the revision of the frame itself has."""


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=12, days=2, seed=9, faults="none", network={"consumers_per_dt": 6})


def block(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.BLOCK) & (frames.point == POINT) & (frames.interval == MISSED))


def register(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.DAILY) & (frames.point == POINT))


def said(fed: Feed, kind: Statement, point: int, number: int, wh: int = 0) -> StatementFrame:
    """A statement about the missed interval of a point."""
    config, fleet = fed.truth.fleet.config, fed.truth.fleet
    row = np.zeros(1, ROW)
    row["start"] = config.start_time + (MISSED - 1) * config.interval_secs
    row["secs"], row["present"], row["energy"] = config.interval_secs, 15, [wh, wh + 9, 0, 0]
    return StatementFrame(kind, int(fleet.points.id[point]), number, config.start_time, row, "id", "who", "why")


def play(to: FrameDriver, fed: Feed, *, edited: bool, undone: bool) -> FrameDriver:
    """The feed, whose missed block comes late and whose point has no registers, with what is said between its slots."""
    fed = fed.without(register).held(block, LATE_AT)
    for number, slot in enumerate(fed.slots):
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
        world.send(to, slot.frames)
        if edited and number == EDITED_AT:
            made = [said(fed, Statement.EDIT, POINT, 1, EDITED_WH), said(fed, Statement.DISCARD, OTHER, 1)]
            to.statements([*made, *made], slot.end_time)
        if undone and number == UNDONE_AT:
            made = [said(fed, Statement.WITHDRAW, point, 2) for point in (POINT, OTHER)]
            to.statements([*made, said(fed, Statement.EDIT, POINT, 1, EDITED_WH)], slot.end_time)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
    return to


@pytest.fixture(scope="module")
def runs(fed: Feed, folder: Path) -> dict[str, Run]:
    ways = {"never": (False, False), "edited": (True, False), "undone": (True, True)}
    return {
        name: Run(fed, play(world.driver(folder), fed, edited=edited, undone=undone))
        for name, (edited, undone) in ways.items()
    }


def history(run: Run, point: int) -> rows.Table:
    """All revisions of the interval, in order."""
    table = rows.section(run.driver, "readings", "reading")
    config, fleet = run.fed.truth.fleet.config, run.fed.truth.fleet
    start = config.start_time + (MISSED - 1) * config.interval_secs
    chosen = (table["service_point"] == fleet.points.id[point]) & (table["interval_start"] == start)
    return rows.in_order(rows.take(table, chosen), ("revision",))


def test_the_edit_stays_when_the_meter_sends_its_value(runs: dict[str, Run]) -> None:
    table = history(runs["edited"], POINT)
    quality = rows.qualities(table["quality"])[:, 0].tolist()
    assert quality[0] == Quality.ESTIMATED
    assert quality[-1] == Quality.MANUAL
    assert Quality.ACTUAL not in quality
    assert table["energy"][-1].tolist() == [EDITED_WH, EDITED_WH + 9, 0, 0]
    assert table["method"][-1] == Method.MANUAL
    assert (table["frame"][np.array(quality) == Quality.MANUAL] >= 0).any()


def test_what_is_discarded_is_estimated_and_says_so(runs: dict[str, Run]) -> None:
    table = history(runs["edited"], OTHER)
    assert rows.qualities(table["quality"])[:, 0].tolist()[-1] == Quality.ESTIMATED
    assert table["flags"][-1] & Flag.DISCARDED


def test_undone_everything_is_as_if_nobody_had_said_anything(runs: dict[str, Run]) -> None:
    never, undone = (rows.histories(runs[name].driver, leave=HOW, last=True) for name in ("never", "undone"))
    assert undone == never
    assert rows.qualities(history(runs["undone"], POINT)["quality"])[-1, 0] == Quality.ACTUAL


def determinants(run: Run, point: int) -> list[Any]:
    """All revisions of the interval's day, in order."""
    fleet = run.fed.truth.fleet
    found = [
        record
        for record in run.driver.records("determinants")
        if record["service_point"] == int(fleet.points.id[point]) and record["kind"] == "DAY"
        and record["period_start"] == fleet.config.start_time
    ]  # fmt: skip
    return sorted(found, key=lambda record: int(record["revision"]))


@pytest.mark.parametrize(("point", "later"), [(POINT, ["RE_ESTIMATED", "EDITED"]), (OTHER, ["LATE_DATA"])])
def test_determinants_say_that_a_person_changed_them(runs: dict[str, Run], point: int, later: list[str]) -> None:
    """What follows: the meter's own value behind the edit, then the undoing. Whose it is an estimate does not say."""
    reasons = {name: [str(record["reason"]) for record in determinants(run, point)] for name, run in runs.items()}
    assert "EDITED" not in reasons["never"]
    assert reasons["edited"].count("EDITED") == 1
    since = reasons["undone"][reasons["undone"].index("EDITED") + 1 :]
    assert since[: len(later)] == later


def test_determinants_follow(runs: dict[str, Run]) -> None:
    def day(run: Run) -> list[int]:
        return [int(record["wh_imp"]) for record in determinants(run, POINT)]

    actual = int(history(runs["never"], POINT)["energy"][-1][0])
    assert day(runs["edited"])[-1] - day(runs["never"])[-1] == EDITED_WH - actual
    assert day(runs["undone"])[-1] == day(runs["never"])[-1]
    assert EDITED_WH - actual + day(runs["never"])[-1] in day(runs["undone"])


def test_nothing_is_refused(runs: dict[str, Run]) -> None:
    assert not [record for record in runs["undone"].driver.records("rejects") if record["code"].startswith("STATEMENT")]


def test_cut_apart_by_topics_it_is_the_same(runs: dict[str, Run], fed: Feed, folder: Path) -> None:
    split = play(world.driver(folder, file=world.SPLIT), fed, edited=True, undone=True)
    leave = frozenset({"flags"})
    assert rows.histories(split, leave=leave, last=True) == rows.histories(
        runs["undone"].driver, leave=leave, last=True
    )


def test_restored_with_statements_in_its_state_it_writes_the_same(runs: dict[str, Run]) -> None:
    driver = runs["undone"].driver
    log = [(record.partition, record.value) for record in driver.log]
    calm = outputs_of(driver, "metering", log, None)
    compare(calm, outputs_of(driver, "metering", log, 17))
