"""A meter's clock is set wrong and right again within a day: nothing is lost, nothing counts twice, and each reading
that was put together says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.simulator import Frames
from pipeline.channels import N_ENERGY
from pipeline.codes import RULE_BIT, Kind, Method, Quality
from pipeline.columns import Array
from tests.builders_frames import datum, plain_columns, push
from tests.builders_frames import stamp as clock
from tests.scenarios import rows, world
from tests.scenarios.rows import DAY_SECS, IST
from tests.scenarios.world import Feed, Run

POINT, DAY, MODEL, INTERVAL = 0, 1, 1, 1800
"""Row of the service point, the day of the run, the meter's template and its interval."""

FORWARD, BACK = 10 * 3600 + 25 * 60, 15 * 3600 + 50 * 60
"""When the clock is set, true time of the day: from 10:25 to 10:40, and from 16:05 back to 15:50."""
AHEAD = 900

CUT = (20, 21, 31)
"""Intervals of the day that are put together: from 10:00 and 10:30, and from 15:30."""

Stamped = tuple[int, Array]
"""Second of the day that the clock shows, and the energy i64 (4,) since the row before."""


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=4, days=3, seed=2, faults="none", shares={"integer": 0, "export_first": 0, "solar": 0},
                      network={"consumers_per_dt": 4})  # fmt: skip


def moments() -> list[tuple[int, int]]:
    """(true second of the day, what the clock shows) when the meter writes a row: at a boundary, and when it is set."""
    return [
        *((time, time) for time in range(INTERVAL, FORWARD + 1, INTERVAL)),
        (FORWARD, FORWARD + AHEAD),
        *((shown - AHEAD, shown) for shown in range(11 * 3600, 16 * 3600 + 1, INTERVAL)),
        (BACK, BACK),
        *((time, time) for time in range(16 * 3600, DAY_SECS + 1, INTERVAL)),
    ]


def meter_rows(fed: Feed) -> list[Stamped]:
    """What the meter writes down."""
    rows_of_meter, before = [], 0
    for true, shown in moments():
        rows_of_meter.append((shown, used(fed, true) - used(fed, before)))
        before = true
    return rows_of_meter


def used(fed: Feed, second: int) -> Array:
    """Energies i64 (4,) from the day's midnight to a second of it: evenly within each true interval."""
    of_day = fed.truth.energy[DAY * 48 : DAY * 48 + 48, POINT].astype(np.int64)
    whole, part = divmod(second, INTERVAL)
    sum_: Array = of_day[:whole].sum(axis=0)
    return sum_ + (of_day[whole] * part // INTERVAL if part else 0)


def stamp(fed: Feed, shown: int) -> bytes:
    """The clock at a second of the day."""
    midnight = np.datetime64(fed.truth.fleet.config.start_time + DAY * DAY_SECS + IST, "s")
    wall = (midnight + np.timedelta64(shown, "s")).item()
    return clock((wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second))


def columns(energy: Array) -> list[bytes]:
    names = ("wh_imp", "vah_imp", "wh_exp", "vah_exp")
    return plain_columns(MODEL, Kind.BLOCK, {name: int(energy[n]) / 1000 for n, name in enumerate(names)})


def singly(fed: Feed) -> Iterator[tuple[int, bytes]]:
    """(when it comes, push) of each row."""
    begin = fed.truth.fleet.config.start_time + DAY * DAY_SECS
    for (shown, energy), true in zip(meter_rows(fed), moments(), strict=True):
        yield begin + true[0] + 5, push(Kind.BLOCK, columns(energy), stamp(fed, shown))


def together(fed: Feed) -> Iterator[tuple[int, bytes]]:
    """The same as the buffer of the profile, after the day."""
    buffer = datum(1, [datum(2, [datum(9, stamp(fed, shown)), *columns(energy)]) for shown, energy in meter_rows(fed)])
    head = push(Kind.BLOCK, [])
    yield (fed.truth.fleet.config.start_time + (DAY + 1) * DAY_SECS + 600, head.replace(datum(9, clock()), buffer, 1))


def play(driver: FrameDriver, fed: Feed, sent: list[tuple[int, bytes]]) -> Run:
    """The feed with `sent` in place of the meter's own blocks of the day."""
    title = int(fed.truth.fleet.devices.title[POINT])
    assert fed.truth.fleet.devices.template[POINT] == MODEL

    def replaced(frames: Frames) -> Array:
        of_day = (frames.interval - 1) // 48 == DAY
        return (frames.point == POINT) & (frames.kind == Kind.BLOCK) & of_day

    for slot in fed.without(replaced).slots:
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=fed.keys)
        world.send(driver, slot.frames)
        while sent and sent[0][0] <= slot.end_time:
            time, frame = sent.pop(0)
            driver.frame(frame, time, title)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    assert not sent
    return Run(fed, driver)


@pytest.fixture(scope="module")
def profile(fed: Feed, folder: Path) -> Run:
    return play(world.driver(folder, partitions=1), fed, list(together(fed)))


@pytest.fixture(scope="module")
def pushes(fed: Feed, folder: Path) -> Run:
    return play(world.driver(folder, partitions=1), fed, list(singly(fed)))


def day_of(run: Run) -> tuple[rows.Table, rows.Table]:
    """(readings, settlement) of the meter's day, the latest of each."""
    fleet = run.fed.truth.fleet
    point, start = fleet.points.id[POINT], fleet.config.start_time + DAY * DAY_SECS
    readings, days = run.readings, run.days
    return (
        rows.take(readings, (readings["service_point"] == point) & (readings["day"] == start)),
        rows.take(days, (days["day_service_point"] == point) & (days["day_start"] == start)),
    )


@pytest.mark.parametrize("way", ["profile", "pushes"])
def test_the_settled_day_is_the_register_difference(way: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(way)
    readings, day = day_of(run)
    flowed = run.fed.truth.register_energy[DAY, POINT].tolist()
    assert flowed[0] > 1000
    assert day["day_registers"].tolist()[0] & 3 == 3
    assert (day["day_actual"] + day["day_estimated"]).tolist() == [flowed]
    assert day["day_register_energy"].tolist() == [flowed]
    assert day["day_unexplained"].tolist() == [[0] * N_ENERGY]
    assert readings["energy"].sum(axis=0).tolist() == flowed
    assert day["day_counts"].tolist() == [[45, 3, 0, 0]]
    assert run.driver.records("rejects") == []


def test_rows_of_a_profile_are_put_together_as_they_were_sent(profile: Run) -> None:
    readings, _ = day_of(profile)
    sent = meter_rows(profile.fed)
    for place in range(48):
        end = (place + 1) * INTERVAL
        whole = sum((energy for shown, energy in sent if shown == end), np.zeros(N_ENERGY, np.int64))
        if place not in CUT:
            assert (readings["energy"][place].tolist(), readings["method"][place]) == (whole.tolist(), Method.NONE)
    assert readings["method"][list(CUT)].tolist() == [Method.CLOCK_SET] * 3
    forward = next(energy for shown, energy in sent if shown == FORWARD + AHEAD)
    assert (readings["energy"][list(CUT)].sum(axis=0) == sum(
        energy for shown, energy in sent if shown in (FORWARD + AHEAD, 11 * 3600, BACK, 16 * 3600)
    )).all()  # fmt: skip
    # Of the 30 minutes up to 10:40 twenty lie before 10:30, where nothing else was sent.
    assert np.abs(readings["energy"][CUT[0]] - forward * 2 / 3).max() <= 1


@pytest.mark.parametrize(("way", "method"), [("profile", Method.CLOCK_SET), ("pushes", Method.SCALED)])
def test_every_reading_that_was_put_together_says_so_and_why(
    way: str, method: Method, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(way)
    readings, _ = day_of(run)
    cut = np.isin(np.arange(48), CUT)
    assert (readings["q"][cut][:, 0] == Quality.ESTIMATED).all()
    assert (readings["q"][~cut][:, 0] == Quality.ACTUAL).all()
    assert (readings["rules"] >> RULE_BIT["V03"] & 1 == cut).all()
    assert (readings["method"][cut] == method).all()


def test_every_revision_of_a_cut_interval_is_explained(pushes: Run) -> None:
    """From the first row on: the actual value, the sum of its parts, and what the registers made of it."""
    table = rows.section(pushes.driver, "readings", "reading")
    fleet = pushes.fed.truth.fleet
    start = fleet.config.start_time + DAY * DAY_SECS + CUT[2] * INTERVAL
    mine = (table["service_point"] == fleet.points.id[POINT]) & (table["interval_start"] == start)
    history = rows.in_order(rows.take(table, mine), ("revision",))
    methods = [Method(method).name for method in history["method"].tolist()]
    assert methods[0] == "NONE"
    assert "CLOCK_SET" in methods
    assert methods[-1] == "SCALED"
    told = history["rules"] >> RULE_BIT["V03"] & 1
    assert told.tolist() == [name != "NONE" for name in methods]
    assert history["rules"][-1] >> RULE_BIT["V02"] & 1, "the stamp came twice, in two frames"


def test_a_cut_interval_is_no_demand(profile: Run) -> None:
    found = rows.last_of(profile.driver.records("determinants"), "kind", "service_point", "period_start")
    fleet = profile.fed.truth.fleet
    start = fleet.config.start_time + DAY * DAY_SECS
    record = found["DAY", int(fleet.points.id[POINT]), start]
    assert (record["intervals_actual"], record["intervals_estimated"]) == (45, 3)
    assert record["demand_start"] not in {start + place * INTERVAL for place in CUT}
