"""A meter is exchanged in the middle of a month: the service point is billed once, for both meters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.rating.charges import Bill, rate
from agents.rating.tariff import shipped_tariff
from connectors.simulator.columns import NEVER
from tests.scenarios import rows, world
from tests.scenarios.world import Run

DAYS = 31


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    fed = world.feed(meters=4, days=DAYS, seed=1, faults="none,swap=0.25", network={"consumers_per_dt": 4})
    return Run(fed, world.play(world.driver(folder, partitions=1), fed))


@pytest.fixture(scope="module")
def point(run: Run) -> int:
    """Row of the service point whose meter is exchanged."""
    (found,) = np.flatnonzero(run.fed.truth.fleet.spells.swap_slot < NEVER).tolist()
    return int(found)


@pytest.fixture(scope="module")
def by_meter(run: Run, point: int) -> tuple[int, int]:
    """Watt-hours that the old and the new meter measured in the month."""
    truth = run.fed.truth
    energy = truth.billed(truth.energy.astype(np.int64))[:, point, 0]
    slot = int(truth.fleet.spells.swap_slot[point])
    assert 10 < slot / truth.fleet.config.slots_per_day < 20
    return int(energy[:slot].sum()), int(energy[slot:].sum())


@pytest.fixture(scope="module")
def month(run: Run, point: int) -> Any:
    """The month's determinant in force."""
    found = rows.last_of(run.driver.records("determinants"), "kind", "service_point", "period_start")
    months = [
        record for key, record in found.items() if key[:2] == ("MONTH", int(run.fed.truth.fleet.points.id[point]))
    ]
    assert len(months) == 1
    return months[0]


def bill(wh: int) -> Bill:
    return rate(shipped_tariff("msedcl-lt1b-2020"), wh)


def test_the_month_is_one_determinant_with_the_energy_of_both_meters(month: Any, by_meter: tuple[int, int]) -> None:
    assert month["wh_imp"] == sum(by_meter)
    assert min(by_meter) > 300_000
    assert month["meter_segments"] == 2
    assert month["estimated_wh"] == 0
    assert month["intervals_actual"] == month["intervals_expected"] == DAYS * 48
    assert (month["period_end"] - month["period_start"]) // 86_400 == DAYS


def test_the_bill_is_that_of_the_sum_and_reaches_its_slab(month: Any, by_meter: tuple[int, int]) -> None:
    wanted = bill(sum(by_meter))
    assert month["total_paise"] == wanted.total_paise
    lines = {line["code"]: (line["base"], line["paise"]) for line in month["lines"]}
    assert lines == {line.code: (int(line.base), line.paise) for line in wanted.lines}
    above = sum(by_meter) // 1000 * 1000 - 500_000
    assert lines["EC.4"][0] == above > 300_000


def test_rated_by_device_the_bill_would_be_another(month: Any, by_meter: tuple[int, int]) -> None:
    old, new = (bill(wh) for wh in by_meter)
    fixed = old.paise_of("FIXED") * 116 // 100
    by_device = old.total_paise + new.total_paise - fixed
    assert "EC.4" not in {line.code for line in old.lines}
    assert by_device < month["total_paise"] - 100_000


def test_the_day_of_the_exchange_meets_the_registers_of_both_meters(run: Run, point: int) -> None:
    truth, days = run.fed.truth, run.days
    mine = days["day_service_point"] == truth.fleet.points.id[point]
    flowed = truth.billed(truth.register_energy)[:, point]
    assert mine.sum() == DAYS
    assert (days["day_actual"][mine] == flowed).all()
    assert (days["day_register_energy"][mine] == flowed).all()
    exchanged = np.flatnonzero(days["day_registers"][mine] & 16)
    assert exchanged.tolist() == [int(truth.fleet.spells.swap_slot[point]) // truth.fleet.config.slots_per_day]


def test_both_devices_stand_in_the_readings(run: Run, point: int) -> None:
    readings, fleet = run.readings, run.fed.truth.fleet
    mine = rows.take(readings, readings["service_point"] == fleet.points.id[point])
    devices = fleet.devices.title[fleet.devices.point == point].tolist()
    slot = int(fleet.spells.swap_slot[point])
    assert mine["device"].tolist() == [devices[0]] * slot + [devices[1]] * (DAYS * 48 - slot)


def test_the_other_service_points_have_one_meter(run: Run, point: int) -> None:
    found = rows.last_of(run.driver.records("determinants"), "kind", "service_point", "period_start")
    others = [record for key, record in found.items() if run.place[key[1]] != point]
    assert {record["meter_segments"] for record in others} == {1}
