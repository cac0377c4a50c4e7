"""Check meters in the shipped topology with facts: before, with and behind the days that they check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.facts.checks import check_statement
from connectors.facts.model import Fact, FactKind, record_of
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import StatementFrame
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

SLOTS_A_DAY, DAYS = 48, 4
AT_ONCE, LATE, AGREES, SILENT = range(4)
"""Consumers: their check meter tells each half hour at once, or all behind the run; one that agrees; one without."""
ODD_DAY, MORE_PERCENT = 1, 103
SAYS_AT = {AT_ONCE: 0, AGREES: 0, LATE: DAYS * SLOTS_A_DAY - 2}


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=6, days=DAYS, seed=21, faults="none", network={"consumers_per_dt": 6})


def main_wh(fed: Feed) -> Array:
    found: Array = fed.truth.billed(fed.truth.energy.astype(np.int64))[:, :, 0]
    return found


def facts(fed: Feed, consumer: int) -> list[Fact]:
    """What the check meter measured of all half hours: on one day more than the main meter, but for who agrees."""
    config, energy = fed.truth.fleet.config, main_wh(fed)[:, consumer]
    point = str(int(fed.truth.fleet.points.id[consumer]))
    made = []
    for place, wh in enumerate(energy.tolist()):
        odd = consumer != AGREES and place // SLOTS_A_DAY == ODD_DAY
        start = config.start_time + place * config.interval_secs
        made.append(
            Fact(FactKind.CHECK, point, start=start, until=start + config.interval_secs, channel="wh_imp",
                 value=wh * MORE_PERCENT // 100 if odd else wh)
        )  # fmt: skip
    return made


def statements(some: list[Fact], said_at: int) -> Iterator[StatementFrame]:
    for fact in some:
        made = check_statement(record_of(fact, said_at, "someone"), rows.IST)
        assert made is not None
        yield made


def cut(text: str) -> str:
    """The stages behind vee as a chain of their own, which reads the topic of readings."""
    return text.replace("- vee: {}", "- vee: {to: readings}").replace("      readings: readings\n", "")


@pytest.fixture(scope="module")
def run(fed: Feed, folder: Path) -> Run:
    return played(fed, folder)


def played(fed: Feed, folder: Path, change: Callable[[str], str] = str) -> Run:
    to = world.driver(folder, file="examples/facts.yaml", partitions=2, change=change)
    told = {consumer: facts(fed, consumer) for consumer in SAYS_AT}
    for number, slot in enumerate(fed.slots):
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
        world.send(to, slot.frames)
        for consumer, some in told.items():
            due = [fact for fact in some if fact.until <= slot.end_time] if number >= SAYS_AT[consumer] else []
            told[consumer] = some[len(due) :]
            if due:
                to.statements(list(statements(due, slot.end_time)), slot.end_time)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
    return Run(fed, to)


def exceptions(run: Run) -> dict[int, list[dict[str, Any]]]:
    """Of V34, by consumer, in order."""
    found: dict[int, list[dict[str, Any]]] = {}
    for record in sorted(run.driver.records("exceptions"), key=lambda one: one["revision"]):
        if record["rule"] == "V34":
            found.setdefault(run.place[record["service_point"]], []).append(dict(record))
    return found


def test_the_day_at_which_both_differ_is_told_and_a_day_that_agrees_closes_it(run: Run) -> None:
    energy = main_wh(run.fed)[ODD_DAY * SLOTS_A_DAY : (ODD_DAY + 1) * SLOTS_A_DAY, AT_ONCE]
    opened, closed = exceptions(run)[AT_ONCE]
    assert (opened["state"], closed["state"]) == ("OPEN", "CLOSED")
    assert (opened["found"], opened["expected"]) == (int(energy.sum()), int((energy * MORE_PERCENT // 100).sum()))
    assert opened["period_start"] == run.fed.truth.fleet.config.start_time + ODD_DAY * DAY_SECS
    assert (opened["stage"], opened["node"], opened["severity"]) == ("checks", 0, "WARNING")
    assert opened["tick_time"] < closed["tick_time"]


def test_what_the_check_meter_tells_days_later_ends_in_the_same(run: Run) -> None:
    at_once, late = (exceptions(run)[consumer][-1] for consumer in (AT_ONCE, LATE))
    for name in ("state", "period_start", "period_end", "rule"):
        assert at_once[name] == late[name]
    odd = main_wh(run.fed)[ODD_DAY * SLOTS_A_DAY : (ODD_DAY + 1) * SLOTS_A_DAY, LATE]
    assert (late["found"], late["expected"]) == (int(odd.sum()), int((odd * MORE_PERCENT // 100).sum()))


def test_nothing_is_said_of_others(run: Run) -> None:
    assert set(exceptions(run)) == {AT_ONCE, LATE}


def test_behind_a_topic_of_readings_it_says_the_same(run: Run, fed: Feed, folder: Path) -> None:
    assert exceptions(played(fed, folder, cut)) == exceptions(run)


def test_readings_are_those_of_a_run_without_check_meters(run: Run, folder: Path) -> None:
    to = world.play(world.driver(folder, file="examples/facts.yaml", partitions=2), run.fed)
    mine, other = run.readings, rows.readings(to)
    for name in ("service_point", "interval_start", "energy", "q", "rules", "method"):
        np.testing.assert_array_equal(mine[name], other[name])
    assert not [one for one in to.records("exceptions") if one["rule"] == "V34"]
