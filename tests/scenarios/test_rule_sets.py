"""Rule sets in force in the shipped topology: two categories, a rule in shadow, and an override of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.rating.tariff import FOLDER
from pipeline.codes import RULE_BIT, Flag, Quality
from pipeline.columns import Array
from pipeline.reference import Registry
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

V09 = 1 << RULE_BIT["V09"]
SHADOWED, HELD, OVERRIDDEN, USUAL = range(4)
"""Consumers whose meters can pass next to nothing, so that V09 fails for all that they use."""
TARIFFS = {SHADOWED: 7, HELD: 11}
DAYS = 3
RULES = """
name: north
version: 2026-05
sets:
  - tariff_category: '7'
    rules: {{V09: shadow}}
  - tariff_category: '11'
    rules: {{V09: {{severity: warning}}}}
overrides:
  - {{service_point: {point}, start: {start}, end: {end}, reason: test bench, author: x, rules: {{V09: off}}}}
"""


@pytest.fixture(scope="module")
def fed() -> Feed:
    found = world.feed(meters=12, days=DAYS, seed=9, faults="none", network={"consumers_per_dt": 6})
    points = found.truth.fleet.points.id
    return replace(found, slots=[replace(slot, registry=_tightened(slot.registry, points)) for slot in found.slots])


def _tightened(registry: Registry | None, points: Array) -> Registry | None:
    """With tariffs and limits of the first consumers."""
    if registry is None:
        return None
    mine = np.isin(registry.service_point, points[: USUAL + 1])
    tariff = registry.tariff.copy()
    for place, number in TARIFFS.items():
        tariff[registry.point == points[place]] = number
    return replace(registry, limit_wh=np.where(mine, 1, registry.limit_wh), tariff=tariff)


def documents(fed: Feed) -> dict[str, bytes]:
    """The rule set, and a tariff for each of the numbers."""
    begin = datetime.fromtimestamp(fed.truth.fleet.config.start_time, UTC) + timedelta(seconds=rows.IST)
    days = {name: str((begin + timedelta(days=day)).date()) for name, day in (("start", 1), ("end", 2))}
    rules = RULES.format(point=int(fed.truth.fleet.points.id[OVERRIDDEN]), **days)
    tariff = (FOLDER / "msedcl-lt1b-2020.yaml").read_text(encoding="utf-8")
    tariffs = {
        f"tariffs/{number}.yaml": tariff.replace("number: 1\n", f"number: {number}\n").encode()
        for number in TARIFFS.values()
    }
    return {"rules/north.yaml": rules.encode(), **tariffs}


def played(fed: Feed, folder: Path) -> Run:
    to = world.driver(folder)
    for slot in fed.slots:
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys, documents=documents(fed))
        world.send(to, slot.frames)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
    return Run(fed, to)


def used(run: Run, place: int) -> rows.Table:
    """Intervals of a consumer in which the meter sent more than its limit."""
    found = run.readings
    chosen = (found["service_point"] == run.fed.truth.fleet.points.id[place]) & (found["rules"] & V09 != 0)
    return rows.take(found, chosen)


def test_each_point_is_judged_by_its_own_rules(fed: Feed, folder: Path) -> None:
    run = played(fed, folder)
    shadowed = used(run, SHADOWED)
    assert len(shadowed["q"]) > 20
    assert set(shadowed["q"][:, 0].tolist()) == {Quality.ACTUAL}
    assert bool((shadowed["flags"] & Flag.SHADOW != 0).all())

    held = used(run, HELD)
    assert len(held["q"]) > 20
    assert set(held["q"][:, 0].tolist()) == {Quality.SUSPECT}
    assert not (held["flags"] & Flag.SHADOW).any()
    assert bool((held["energy"][:, 0] > 1).all())

    overridden, of_day = used(run, OVERRIDDEN), _days(run, used(run, OVERRIDDEN))
    assert len(overridden["q"])
    assert 1 not in of_day.tolist()
    mine = run.readings["service_point"] == fed.truth.fleet.points.id[OVERRIDDEN]
    second = rows.take(run.readings, mine & (_days(run, run.readings) == 1))
    assert set(second["q"][:, 0].tolist()) == {Quality.ACTUAL}
    assert second["energy"][:, 0].max() > 1

    assert Quality.ACTUAL not in used(run, USUAL)["q"][:, 0].tolist()
    exceptions = {(one["service_point"], one["rule"]) for one in run.driver.records("exceptions")}
    ids = fed.truth.fleet.points.id.tolist()
    assert (ids[SHADOWED], "V09") not in exceptions
    assert {(ids[HELD], "V09"), (ids[USUAL], "V09")} <= exceptions


def _days(run: Run, table: rows.Table) -> Array:
    return np.array([run.day(time) for time in table["interval_start"].tolist()], np.int64)
