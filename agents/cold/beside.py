"""What a warehouse knows beside a service point, laid on the grid of its days: check meter, weather, neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from agents.cold.history import Around
from agents.vee.estimate.model import GOOD, LACKS, NO_TEMPERATURE, OUTSIDE, Side
from agents.vee.series.facts import means_of_days
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.quality import Quality
from pipeline.reference import Registry

PEERS_CHANNEL = 0
"""Neighbours are compared by wh_imp."""


class Laid(NamedTuple):
    """A grid of whole local days: `begin` is a local midnight, epoch seconds UTC; `interval` divides a day."""

    begin: int
    interval: int
    size: int

    def places(self, start: Array) -> Array:
        """Index i64 (n,) of the intervals that begin at `start` i64 (n,); -1 where none of the grid does."""
        index = (start - self.begin) // self.interval
        fits = (start - self.begin) % self.interval == 0
        found: Array = np.where(fits & (index >= 0) & (index < self.size), index, -1)
        return found


def actual_on(readings: Array, laid: Laid, channel: int) -> tuple[Array, Array]:
    """(values i64 (n,), standings u1 (n,)) of readings AROUND (k,) of one service point: GOOD where it is actual."""
    value, standing = np.zeros(laid.size, np.int64), np.full(laid.size, OUTSIDE, np.uint8)
    sound = (readings["quality"] >> np.uint64(4 * channel)) & np.uint64(15) == np.uint64(Quality.ACTUAL)
    place = laid.places(readings["start"])
    # The zero of an outage is actual, and no pattern.
    used = sound & (place >= 0) & (readings["secs"] == laid.interval) & (readings["method"] != Method.OUTAGE)
    value[place[used]] = readings["energy"][used, channel]
    standing[place[used]] = GOOD
    return value, standing


def checks_on(checks: Array, laid: Laid) -> tuple[Array, Array]:
    """The same of CHECK (k,): shorter intervals are added up where they fill one of the grid, longer ones not used."""
    index = (checks["start"] - laid.begin) // laid.interval
    ends = laid.begin + (index + 1) * laid.interval
    used = (index >= 0) & (index < laid.size) & (checks["until"] > checks["start"]) & (checks["until"] <= ends)
    value, covered = np.zeros(laid.size, np.int64), np.zeros(laid.size, np.int64)
    np.add.at(value, index[used], checks["energy"][used])
    np.add.at(covered, index[used], checks["until"][used] - checks["start"][used])
    return value, np.where(covered == laid.interval, GOOD, LACKS).astype(np.uint8)


def neighbours_on(around: Around, point: int, laid: Laid, within: tuple[int, int]) -> tuple[Array, Array]:
    """(values i64 (p, n), standings u1 (p, n)) of the neighbours that a point has at some time of `within`, epoch s."""
    rows = around.neighbours[around.neighbours["service_point"] == point]
    holds = (rows["start"] < within[1]) & ((rows["until"] == 0) | (rows["until"] > within[0]))
    peers = np.unique(rows["neighbour"][holds & (rows["neighbour"] != point)])
    found = [
        actual_on(around.readings[around.readings["service_point"] == peer], laid, PEERS_CHANNEL) for peer in peers
    ]
    if not found:
        return np.zeros((0, 0), np.int64), np.zeros((0, 0), np.uint8)
    return np.stack([value for value, _ in found]), np.stack([standing for _, standing in found])


def temperatures_on(around: Around, registry: Registry, point: int, laid: Laid) -> Array:
    """i32 (days,): mean of what begins on each day, tenths, a half up: of the service point itself, else of the nearest
    node above it, else of the place that stands for all; NO_TEMPERATURE where there is none."""
    rows, days = around.temperatures, laid.size * laid.interval // DAY_SECS
    found: Array = np.full(days, NO_TEMPERATURE, np.int32)
    chosen = [rows["service_point"] == point]
    chosen += [(rows["service_point"] == 0) & (rows["node"] == node) for node in nodes_above(registry, point)]
    chosen.append((rows["service_point"] == 0) & (rows["node"] == 0))
    for mine in chosen:
        mean = means_of_days((rows["start"][mine] - laid.begin) // DAY_SECS, rows["tenths"][mine], days)
        found = np.where(found == NO_TEMPERATURE, mean, found)
    return found


def nodes_above(registry: Registry, point: int) -> Iterator[int]:
    """The transformer of a service point and what feeds it, level by level, then its feeder."""
    rows = np.flatnonzero(registry.point == np.uint64(point))
    if not len(rows):
        return
    parents = dict(zip(registry.node.tolist(), registry.node_parent.tolist(), strict=True))
    seen: set[int] = {0}
    for node in (int(registry.dt[rows[-1]]), int(registry.feeder[rows[-1]])):
        while node not in seen:
            seen.add(node)
            yield node
            node = parents.get(node, 0)


def side_of(around: Around, registry: Registry, point: int, channel: int, laid: Laid, within: tuple[int, int]) -> Side:
    """What estimates of a channel go by; within: begin and end of what is estimated, epoch seconds."""
    side = Side()
    checks = around.checks[(around.checks["service_point"] == point) & (around.checks["channel"] == channel)]
    if len(checks):
        value, standing = checks_on(checks, laid)
        side = side._replace(check=value, check_standing=standing)
    if channel == PEERS_CHANNEL:
        values, standings = neighbours_on(around, point, laid, within)
        side = side._replace(neighbours=values, neighbours_standing=standings)
    if len(around.temperatures):
        temperature = temperatures_on(around, registry, point, laid)
        if (temperature != NO_TEMPERATURE).any():
            side = side._replace(temperature=temperature)
    return side
