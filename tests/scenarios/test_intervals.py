"""Meters of 900 s beside meters of 1800 s: on one network, in one partition, under one transformer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.simulator import Frames, Slot, Truth
from connectors.simulator.frames import joined
from pipeline.codes import Quality, Role
from pipeline.columns import Array
from pipeline.reference import KeyRing, Registry
from tests.scenarios import rows, world
from tests.scenarios.world import Feed

FAULTS = "none,missing=0.02,missing_daily=0.02,late=0.01,spike=0.003"
QUICK = slice(20, 32)
"""Rows of the 900 s fleet that take part: their numbers are not used by the other fleet."""
DAYS = 2


@pytest.fixture(scope="module")
def slow() -> Feed:
    return world.feed(meters=12, days=DAYS, seed=3, faults=FAULTS, network={"consumers_per_dt": 6})


@pytest.fixture(scope="module")
def quick() -> Feed:
    return world.feed(meters=40, days=DAYS, seed=3, faults=FAULTS, interval_secs=900)


@pytest.fixture(scope="module")
def both(slow: Feed, quick: Feed) -> Feed:
    """One feed of both: the quick meters hang on the slow fleet's transformers."""
    registry = one_registry(slow, quick)
    keys = [np.concatenate(pair) for pair in zip(*(ring(fed) for fed in (slow, taken(quick))), strict=True)]
    order = np.argsort(keys[0], kind="stable")
    slots: dict[int, list[Slot]] = {}
    for slot in chain(slow.slots, taken(quick).slots):
        slots.setdefault(slot.end_time, []).append(slot)
    merged = [merge(number, slots[time], registry) for number, time in enumerate(sorted(slots))]
    return Feed(merged, KeyRing(*(column[order] for column in keys)), slow.truth)


def taken(fed: Feed) -> Feed:
    chosen = np.zeros(len(fed.truth.fleet.points), bool)
    chosen[QUICK] = True
    titles = fed.truth.fleet.devices.title[: len(chosen)][chosen]
    mine = np.isin(fed.keys.device, titles)
    keys = KeyRing(fed.keys.device[mine], fed.keys.encryption[mine], fed.keys.authentication[mine])

    def others(frames: Frames) -> Array:
        return ~chosen[frames.point]

    return replace(fed.without(others), keys=keys)


def ring(fed: Feed) -> tuple[Array, Array, Array]:
    return fed.keys.device, fed.keys.encryption, fed.keys.authentication


def merge(number: int, slots: list[Slot], registry: Registry) -> Slot:
    frames = joined([slot.frames for slot in slots])
    last = max((slot.tick for slot in slots), key=lambda tick: tick.closes)
    return Slot(number, slots[0].end_time, None if number else registry, frames, last)


def one_registry(slow: Feed, quick: Feed) -> Registry:
    """The slow fleet's registry with the quick meters in it."""
    one, other = (fed.truth.fleet.registry_versions[-1][1] for fed in (slow, quick))
    wanted = quick.truth.fleet.points.id[QUICK]
    links, points = np.isin(other.service_point, wanted), np.isin(other.point, wanted)
    nodes = slow.truth.fleet.network
    parts = {}
    for column in Registry.COLUMNS:
        mine, theirs = getattr(one, column.name), getattr(other, column.name)
        kept = {"link": links, "point": points}.get(column.section, np.zeros(len(theirs), bool))
        parts[column.name] = np.concatenate((mine, theirs[kept]))
    added = len(one.point) + np.arange(len(wanted))
    place = np.arange(len(wanted)) % len(nodes.dt_node)
    parts["dt"][added] = nodes.dt_node[place]
    parts["feeder"][added] = nodes.feeder_node[nodes.dt_feeder[place]]
    orders: dict[str, Any] = {
        "link": np.argsort(parts["device"]),
        "point": np.argsort(parts["point"]),
        "node": slice(None),
    }
    return Registry(**{column.name: parts[column.name][orders[column.section]] for column in Registry.COLUMNS})


@pytest.fixture(scope="module")
def driver(both: Feed, folder: Path) -> FrameDriver:
    return world.play(world.driver(folder), both)


def truths(slow: Feed, quick: Feed) -> Iterator[tuple[int, Truth, int]]:
    """(service point, the truth that it stands in, its row there)."""
    for fed, part in ((slow, slice(None)), (quick, QUICK)):
        for place in np.arange(len(fed.truth.fleet.points))[part].tolist():
            yield int(fed.truth.fleet.points.id[place]), fed.truth, place


def test_every_meter_has_as_many_readings_as_its_interval_says(driver: FrameDriver, slow: Feed, quick: Feed) -> None:
    readings = rows.readings(driver)
    assert set(readings["service_point"].tolist()) == {point for point, _, _ in truths(slow, quick)}
    for point, truth, _ in truths(slow, quick):
        mine = rows.take(readings, readings["service_point"] == point)
        secs = truth.fleet.config.interval_secs
        assert np.diff(mine["interval_start"]).tolist() == [secs] * (DAYS * 86_400 // secs - 1)
        assert set(mine["interval_secs"].tolist()) == {secs}


def test_days_of_both_meet_their_registers(driver: FrameDriver, slow: Feed, quick: Feed) -> None:
    days = rows.days(driver)
    total = rows.sums(days, ("day_service_point", "day_start"), days["day_actual"] + days["day_estimated"])
    estimated = rows.sums(days, ("day_service_point",), days["day_counts"][:, 1].astype(np.int64))
    checked = guessed = 0
    for point, truth, place in truths(slow, quick):
        flowed = truth.billed(truth.register_energy)[:, place]
        guessed += int(estimated[point,]) if truth.fleet.config.interval_secs == 900 else 0
        for day in np.flatnonzero(truth.known[:, place]).tolist():
            assert total[point, truth.fleet.config.start_time + day * 86_400].tolist() == flowed[day].tolist()
            checked += 1
    assert checked > 40
    assert guessed > 10


def test_determinants_count_intervals_and_demand_by_each_meters_own_length(
    driver: FrameDriver, slow: Feed, quick: Feed
) -> None:
    found = rows.last_of(driver.records("determinants"), "kind", "service_point", "period_start")
    readings = rows.readings(driver)
    for point, truth, place in truths(slow, quick):
        if truth.fleet.points.role[place] != Role.CONSUMER:
            continue
        config = truth.fleet.config
        mine = readings["service_point"] == point
        for day in range(DAYS):
            start = config.start_time + day * 86_400
            today = rows.take(readings, mine & (readings["day"] == start))
            actual = today["energy"][today["q"][:, 0] == Quality.ACTUAL][:, 0]
            record = found["DAY", point, start]
            assert record["intervals_expected"] == config.slots_per_day
            assert record["demand_w"] == actual.max() * 3600 // config.interval_secs


def test_a_balance_of_both_covers_the_same_time_on_either_side(driver: FrameDriver, slow: Feed, quick: Feed) -> None:
    config = slow.truth.fleet.config
    nodes, network = slow.truth.nodes, slow.truth.fleet.network
    net = quick.truth.billed(quick.truth.energy.astype(np.int64))[:, QUICK]
    net = (net[:, :, 0] - net[:, :, 2]).reshape(config.intervals, 2, -1).sum(axis=1)
    found = rows.last_of(driver.records("losses"), "node", "span", "start")
    points = slow.truth.fleet.points
    consumers = np.bincount(points.dt[points.role == Role.CONSUMER])
    checked = 0
    for row, number in enumerate(network.dt_node.tolist()):
        below = net[:, np.arange(net.shape[1]) % len(network.dt_node) == row].sum(axis=1)
        whole = nodes.output_wh[:, row] + below
        for interval in range(config.intervals):
            record = found[number, "INTERVAL", config.start_time + interval * config.interval_secs]
            assert record["secs"] == config.interval_secs
            assert record["expected"] == consumers[row] + 2 * (net.shape[1] // len(network.dt_node))
            if record["actual"] == record["expected"]:
                assert record["output_wh"] == whole[interval]
                checked += 1
    assert checked > 50
    assert {key[2] % config.interval_secs for key in found if key[1] == "INTERVAL"} == {0}


def test_the_place_of_an_interval_in_the_window_leaves_no_trace(driver: FrameDriver, both: Feed, folder: Path) -> None:
    other = world.play(
        world.driver(
            folder, change=lambda text: text.replace("vee: {}", "vee: {slot_secs: 900, grid_tolerance_secs: 200}")
        ),
        both,
    )
    assert rows.histories(other) == rows.histories(driver)
