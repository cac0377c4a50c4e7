"""The books of a fleet with every fault on: what was billed is what flowed, and every reject is accounted for."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from connectors.simulator import Arrival
from pipeline.channels import ENERGY
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER, Level, Quality, Role
from pipeline.columns import Array
from tests.scenarios import rows
from tests.scenarios.conftest import Runs
from tests.scenarios.world import Run

CHANNELS = tuple(channel.name for channel in ENERGY)
BOTH = 3
"""Bits of `day_registers`: opening and closing register known."""
ARRIVED = (Arrival.IN_TIME, Arrival.LATE, Arrival.PARKED)


@pytest.fixture(scope="module", params=(1, 2, 3), ids="seed {}".format)
def run(request: pytest.FixtureRequest, faulty_fleet: Runs) -> Run:
    made: Run = faulty_fleet(request.param)
    return made


def test_every_day_with_both_registers_is_settled_to_the_watt_hour(run: Run) -> None:
    truth, days = run.fed.truth, run.days
    place = np.array([run.place[point] for point in days["day_service_point"].tolist()])
    day = np.array([run.day(start) for start in days["day_start"].tolist()])
    flowed = truth.billed(truth.register_energy)[day, place]
    both = days["day_registers"] & BOTH == BOTH
    assert both.sum() > 250
    assert (both == truth.known[day, place]).all()
    assert (days["day_register_energy"][both] == flowed[both]).all()
    assert (days["day_actual"] + days["day_estimated"] == flowed)[both].all()


def test_every_registered_service_point_has_every_day_settled(run: Run) -> None:
    truth, days = run.fed.truth, run.days
    registered = set(truth.fleet.registry_versions[-1][1].point.tolist())
    expected = {(point, day) for point in registered for day in range(truth.fleet.config.days)}
    found = zip(days["day_service_point"].tolist(), map(run.day, days["day_start"].tolist()), strict=True)
    assert set(found) == expected


def test_a_span_over_a_midnight_without_a_register_is_settled_as_a_whole(run: Run) -> None:
    truth = run.fed.truth
    arrived = np.isin(truth.register_arrival, ARRIVED)
    total = rows.sums(run.days, ("day_service_point",), run.days["day_actual"] + run.days["day_estimated"])
    flowed = truth.billed(truth.register_energy).sum(axis=0)
    spans = [point for point in total if arrived[[0, -1], run.place[point[0]]].all()]
    missed = [point for point in spans if not arrived[:, run.place[point[0]]].all()]
    assert len(missed) > 0
    assert {point: total[point].tolist() for point in spans} == {
        point: flowed[run.place[point[0]]].tolist() for point in spans
    }


def test_rejects_and_parked_frames_are_those_that_the_simulator_knows_frame_by_frame(run: Run) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for slot in run.fed.slots:
        frames = slot.frames
        for row in np.flatnonzero(frames.expected_reject).tolist():
            code = REJECT_BY_NUMBER[int(frames.expected_reject[row])].code
            stamp = f"{int(frames.sender[row]):016X}@{int(frames.stamp[row])}"
            expected[code, stamp if of_row(code) else frames.frame(row).hex()] += 1
    found: Counter[tuple[str, str]] = Counter()
    for record in (*run.driver.records("rejects"), *run.driver.records("parked")):
        stamp = f"{record['device']}@{record['time']}"
        found[record["code"], stamp if of_row(record["code"]) else record["raw"].hex()] += 1
    assert len({code for code, _ in expected}) >= 9
    assert found == expected


def of_row(code: str) -> bool:
    """Whether VEE refuses a row, whose frame's bytes it does not have any more."""
    return REJECT_BY_NUMBER[REJECT_NUMBER[code]].stage == "vee"


def test_readings_applied_by_revision_say_what_the_days_say(run: Run) -> None:
    readings, days = run.readings, run.days
    quality = readings["q"]
    good, estimated = np.isin(quality, rows.GOOD), quality == Quality.ESTIMATED
    keys = ("service_point", "day")
    counts = np.stack(
        (good[:, 0], estimated[:, 0], quality[:, 0] == Quality.MISSING, quality[:, 0] == Quality.SUSPECT), axis=1
    )
    said: dict[str, dict[Any, Array]] = {
        "day_actual": rows.sums(readings, keys, np.where(good, readings["energy"], 0)),
        "day_estimated": rows.sums(readings, keys, np.where(estimated, readings["energy"], 0)),
        "day_counts": rows.sums(readings, keys, counts.astype(np.int64)),
    }
    for name, found in said.items():
        stated = rows.sums(days, ("day_service_point", "day_start"), days[name].astype(np.int64))
        assert {key: value.tolist() for key, value in found.items()} == {
            key: value.tolist() for key, value in stated.items()
        }


def test_every_replaced_reading_is_named_with_what_it_said(run: Run) -> None:
    readings = rows.section(run.driver, "readings", "reading")
    prior = rows.section(run.driver, "readings", "prior")
    keys = list(zip(readings["service_point"].tolist(), readings["interval_start"].tolist(), strict=True))
    quality, energy = rows.qualities(readings["quality"])[:, 0].tolist(), readings["energy"].tolist()
    named = dict(zip(prior["prior_reading"].tolist(), prior["prior_quality"].tolist(), strict=True))
    said = dict(zip(prior["prior_reading"].tolist(), prior["prior_energy"].tolist(), strict=True))
    before: dict[tuple[int, int], int] = {}
    for row in np.lexsort((readings["revision"], readings["partition"])).tolist():
        if keys[row] in before:
            assert named[row] == quality[before[keys[row]]]
            assert said[row] == energy[before[keys[row]]]
        else:
            assert row not in named
        before[keys[row]] = row
    assert len(named) > 50


def test_a_determinant_of_a_day_is_the_sum_of_its_readings(run: Run) -> None:
    readings = run.readings
    good, estimated = np.isin(readings["q"], rows.GOOD), readings["q"] == Quality.ESTIMATED
    keys = ("service_point", "day")
    billed = rows.sums(readings, keys, np.where(good | estimated, readings["energy"], 0))
    guessed = rows.sums(readings, keys, np.where(estimated, readings["energy"], 0)[:, 0])
    power = np.where(good, readings["energy"], -1)[:, :2] * 3600 // readings["interval_secs"][:, None].astype(np.int64)
    demand: dict[tuple[int, ...], list[int]] = {}
    for point, day, watts in zip(*(readings[name].tolist() for name in keys), power.tolist(), strict=True):
        known = demand.setdefault((point, day), [-1, -1])
        demand[point, day] = [max(pair) for pair in zip(known, watts, strict=True)]
    found = rows.last_of(run.driver.records("determinants"), "kind", "service_point", "period_start")
    days = {key[1:]: record for key, record in found.items() if key[0] == "DAY"}
    assert set(days) == {key for key in billed if run.fed.truth.fleet.points.role[run.place[key[0]]] == Role.CONSUMER}
    for key, record in days.items():
        assert [record[name] for name in CHANNELS] == billed[key].tolist()
        assert record["estimated_wh"] == guessed[key]
        assert sum(zone["wh"] for zone in record["zones"]) == record["wh_imp"]
        assert [-1 if record[name] is None else record[name] for name in ("demand_w", "demand_va")] == demand[key]


def test_a_determinant_of_the_month_is_the_sum_of_its_days_and_deltas_lead_to_it(run: Run) -> None:
    records = run.driver.records("determinants")
    found = rows.last_of(records, "kind", "service_point", "period_start")
    days: dict[int, Array] = {}
    for (kind, point, _), record in found.items():
        if kind == "DAY":
            days[point] = days.get(point, 0) + np.array([record[name] for name in CHANNELS])
    months = {key[1]: [record[name] for name in CHANNELS] for key, record in found.items() if key[0] == "MONTH"}
    assert months == {point: total.tolist() for point, total in days.items()}
    history: dict[tuple[str, int, int], list[Any]] = {}
    for record in sorted(records, key=lambda record: int(record["revision"])):
        history.setdefault((record["kind"], record["service_point"], record["period_start"]), []).append(record)
    assert max(len(revisions) for revisions in history.values()) > 2
    for revisions in history.values():
        assert revisions[0]["supersedes"] is None
        assert all(after["supersedes"] == before["revision"] for before, after in pairwise(revisions))
        for name in CHANNELS:
            assert sum(record[f"delta_{name}"] for record in revisions) == revisions[-1][name]


def test_losses_are_the_truth_where_nothing_is_guessed(run: Run) -> None:
    truth, nodes = run.fed.truth, run.fed.truth.nodes
    config = truth.fleet.config
    # A value that is not the true one is spread over its day by the registers.
    altered = (truth.arrival == Arrival.ALTERED).reshape(config.days, config.slots_per_day, -1).any(axis=1)
    days_in, days_out = (nodes.by_day(column, config.slots_per_day) for column in (nodes.input_wh, nodes.output_wh))
    found = rows.last_of(run.driver.records("losses"), "node", "span", "start")
    assert len(found) == len(nodes.node) * (config.intervals + config.days)
    checked: Counter[str] = Counter()
    for (number, span, start), record in found.items():
        node, day = nodes.node.tolist().index(number), run.day(start)
        below = members(run, node)
        if span == "DAY" and truth.known[day][below].all():
            wanted = days_in[day, node], days_out[day, node]
        elif span == "INTERVAL" and covered(record) and not altered[day][below].any():
            row = (start - config.start_time) // config.interval_secs
            wanted = nodes.input_wh[row, node], nodes.output_wh[row, node]
        else:
            continue
        checked[span] += 1
        assert (record["input_wh"], record["output_wh"]) == wanted
        assert record["loss_wh"] == record["input_wh"] - record["output_wh"]
    assert checked["DAY"] >= 10
    assert checked["INTERVAL"] >= 500


def covered(record: Any) -> bool:
    """Whether each meter of the node has an actual reading."""
    return bool(record["expected"] == record["actual"] and record["inputs_expected"] == record["inputs_actual"] == 1)


def members(run: Run, node: int) -> Array:
    """Rows of the node's own meter and of the registered meters that it feeds."""
    truth = run.fed.truth
    points, network = truth.fleet.points, truth.fleet.network
    registered = np.isin(points.id, truth.fleet.registry_versions[-1][1].point)
    consumer, on_dt = points.role == Role.CONSUMER, points.dt >= 0
    if truth.nodes.level[node] == Level.DT:
        row = int(np.flatnonzero(network.dt_node == truth.nodes.node[node])[0])
        own, below = network.dt_point[row], consumer & (points.dt == row)
    else:
        row = int(np.flatnonzero(network.feeder_node == truth.nodes.node[node])[0])
        own = network.feeder_point[row]
        below = (points.feeder == row) & ((points.role == Role.DT_METER) | (consumer & ~on_dt))
    return np.append(np.flatnonzero(below & registered), own)
