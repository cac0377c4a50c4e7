"""Registers that roll over, factors that are not whole, reversed CTs, outages: the books close all the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Arrival
from connectors.simulator.columns import NEVER
from pipeline.channels import WH_EXP, WH_IMP
from pipeline.codes import RULE_BIT, Method, Quality
from tests.scenarios import rows, world
from tests.scenarios.world import Run

FAULTS = "none,rollover=0.2,reversed_ct=0.05,outage=0.2,missing=0.01,missing_daily=0.01"


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    fed = world.feed(
        meters=60, days=2, seed=1, faults=FAULTS, network={"consumers_per_dt": 10, "dts_per_feeder": 3},
        shares={"fractional_factor": 1.0, "integer": 0.6},
    )  # fmt: skip
    return Run(fed, world.play(world.driver(folder), fed))


def test_each_kind_is_there(run: Run) -> None:
    fleet = run.fed.truth.fleet
    assert (fleet.points.denominator > 1).sum() >= 2
    assert fleet.spells.rollover.sum() >= 2
    assert (fleet.spells.reversed_from < NEVER).sum() >= 2
    assert (fleet.spells.dark_from < NEVER).sum() >= 2


def test_days_meet_their_registers_for_whole_factors_exactly(run: Run) -> None:
    truth, days = run.fed.truth, run.days
    place = np.array([run.place[point] for point in days["day_service_point"].tolist()])
    day = np.array([run.day(start) for start in days["day_start"].tolist()])
    whole = truth.fleet.points.denominator[place] == 1
    flowed = truth.billed(truth.register_energy)[day, place]
    chosen = truth.known[day, place] & whole
    assert chosen.sum() > 100
    assert (days["day_actual"] + days["day_estimated"] == flowed)[chosen].all()


def test_days_with_a_fractional_factor_add_up_to_the_registers_over_any_time(run: Run) -> None:
    # A day is floor(closing x factor) - floor(opening x factor): no part of a watt-hour is lost from day to day.
    truth, days = run.fed.truth, run.days
    points = truth.fleet.points
    total = rows.sums(days, ("day_service_point", "day_start"), days["day_actual"] + days["day_estimated"])
    checked = 0
    for place in np.flatnonzero((points.denominator > 1) & (truth.fleet.spells.rollover == 0)).tolist():
        factor = Fraction(int(points.numerator[place]), int(points.denominator[place]))
        shown = [[int(value * factor) for value in row] for row in truth.registers[:, place].tolist()]
        for day in np.flatnonzero(truth.known[:, place]).tolist():
            start = truth.fleet.config.start_time + day * rows.DAY_SECS
            found = total[int(points.id[place]), start].tolist()
            assert found == [after - before for after, before in zip(shown[day + 1], shown[day], strict=True)]
            exact = [value * factor for value in truth.register_energy[day, place].tolist()]
            assert all(abs(one - other) < 1 for one, other in zip(found, exact, strict=True))
            checked += 1
    assert checked >= 4


def test_watt_hours_of_a_fractional_factor_that_intervals_lose_stand_on_one_interval(run: Run) -> None:
    readings, truth = run.readings, run.fed.truth
    points = truth.fleet.points
    rounded = readings["method"] == Method.ROUNDING
    fractional = np.isin(readings["service_point"], points.id[points.denominator > 1])
    assert rounded.sum() >= 1
    assert fractional[rounded].all()
    assert (readings["q"][rounded][:, 0] == Quality.ACTUAL).all()
    keys = list(zip(readings["service_point"][rounded].tolist(), readings["day"][rounded].tolist(), strict=True))
    assert len(set(keys)) == len(keys)


def test_a_register_that_rolled_over_gives_the_energy_that_flowed(run: Run) -> None:
    truth, days = run.fed.truth, run.days
    rolled = days["day_closing"][:, WH_IMP] < days["day_opening"][:, WH_IMP]
    rolled &= days["day_registers"] & 19 == 3
    assert rolled.sum() >= 1
    for row in np.flatnonzero(rolled).tolist():
        place = run.place[int(days["day_service_point"][row])]
        assert truth.fleet.spells.rollover[place] == 1
        flowed = truth.billed(truth.register_energy)[run.day(int(days["day_start"][row])), place]
        if truth.fleet.points.denominator[place] == 1:
            assert days["day_register_energy"][row].tolist() == flowed.tolist()
        assert days["day_unexplained"][row].tolist() == [0, 0, 0, 0]


def test_a_reversed_ct_is_billed_as_measured_and_remarked(run: Run) -> None:
    truth, readings = run.fed.truth, run.readings
    spells, config = truth.fleet.spells, truth.fleet.config
    energy = truth.billed(truth.energy.astype(np.int64))
    for place in np.flatnonzero(spells.reversed_from < NEVER).tolist():
        first, last = int(spells.reversed_from[place]), int(spells.reversed_to[place])
        begin, end = (config.start_time + (slot - 1) * config.interval_secs for slot in (first, last))
        times = readings["interval_start"]
        chosen = (readings["service_point"] == truth.fleet.points.id[place]) & (times >= begin) & (times < end)
        assert readings["energy"][chosen].tolist() == energy[first - 1 : last - 1, place].tolist()
        assert (readings["energy"][chosen, WH_IMP] == 0).all()
        exporting = readings["energy"][chosen, WH_EXP] > 0
        assert (readings["rules"][chosen] >> RULE_BIT["V32"] & 1 == exporting).all()
    edges = [(event["device"], event["edge"]) for event in run.driver.records("events") if "reversed" in event["name"]]
    reversed_ct = np.flatnonzero(spells.reversed_from < NEVER)
    assert sorted(edges) == sorted(
        (f"{int(title):016X}", edge)
        for title in truth.fleet.devices.title[reversed_ct]
        for edge in ("OCCURRED", "RESTORED")
    )


def test_what_a_meter_sends_after_an_outage_stands_as_measured(run: Run) -> None:
    truth, readings = run.fed.truth, run.readings
    fleet, config = truth.fleet, truth.fleet.config
    table = {
        (point, start): (energy, quality)
        for point, start, energy, quality in zip(
            readings["service_point"].tolist(), readings["interval_start"].tolist(), readings["energy"].tolist(),
            readings["q"][:, 0].tolist(), strict=True,
        )
    }  # fmt: skip
    sent = 0
    for node in np.flatnonzero(fleet.spells.dark_from < NEVER).tolist():
        for slot in range(int(fleet.spells.dark_from[node]), int(fleet.spells.dark_to[node])):
            for place in np.flatnonzero(fleet.points.dt == node).tolist():
                if truth.arrival[slot - 1, place] in (Arrival.IN_TIME, Arrival.LATE):
                    key = int(fleet.points.id[place]), config.start_time + (slot - 1) * config.interval_secs
                    assert table[key] == ([0, 0, 0, 0], Quality.ACTUAL)
                    sent += 1
    assert sent > 20


def test_last_gasps_and_first_breaths_become_events_of_their_meters(run: Run) -> None:
    fleet = run.fed.truth.fleet
    dark = fleet.spells.dark_from[np.maximum(fleet.points.dt, 0)] < NEVER
    under = {f"{int(title):016X}" for title in fleet.devices.title[np.flatnonzero(dark & (fleet.points.dt >= 0))]}
    found = {name: [e["device"] for e in run.driver.records("events") if e["name"] == name]
             for name in ("last gasp", "first breath")}  # fmt: skip
    for devices in found.values():
        assert len(devices) >= 10
        assert set(devices) <= under
        assert len(set(devices)) == len(devices)
