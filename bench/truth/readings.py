"""The rows of `readings` that a slice of meters must have, every revision of them."""

from __future__ import annotations

import numpy as np

from bench.truth.history import Version
from bench.truth.published import Published
from bench.truth.rows import KEY, Rows, pack
from connectors.simulator.burst import BurstPlan
from connectors.simulator.network import FIRST_POINT
from pipeline.channels import CHANNELS, ENERGY, N_ENERGY
from pipeline.codes import Quality
from pipeline.columns import Array

MOST_REVISIONS, MOST_INTERVALS = 16, 1024
SENT_PHYSICAL = {"voltage_r": 0, "current_r": 1, "current_n": 1}
"""Channels of a block push, and which quantity of the truth they are."""

ACTUAL = int(Quality.ACTUAL)
PHYSICAL_WORD = sum(ACTUAL << (4 * place) for place, channel in enumerate(CHANNELS) if channel.name in SENT_PHYSICAL)
ENERGY_WORD = sum(1 << (4 * channel) for channel in range(N_ENERGY))
"""Times a quality: that quality for every energy channel."""

NEVER_SENT = [channel.name for channel in CHANNELS if channel not in ENERGY and channel.name not in SENT_PHYSICAL]

COLUMNS: dict[str, str] = {
    "point": "service_point",
    "start": "interval_start",
    "device": "device",
    "counter": "counter",
    "from_frame": "frame >= 0",
    "quality": "quality",
    "method": "toUInt8(method)",
    "rules": "rules",
    "flags": "flags",
    **{channel.name: channel.name for channel in ENERGY},
    **dict(zip(SENT_PHYSICAL, SENT_PHYSICAL, strict=True)),
    "secs": "interval_secs",
    "never_sent": " OR ".join(f"{name} != 0" for name in NEVER_SENT),
}
"""Column of the comparison -> expression over the table."""


def key(plan: BurstPlan, point: Array, start: Array, revision: Array) -> Array:
    """i64 (n,): of a row. `revision` counts from 0 within an interval."""
    return pack(
        (point - FIRST_POINT, plan.meters),
        ((start - plan.start) // plan.interval_secs, MOST_INTERVALS),
        (revision, MOST_REVISIONS),
    )


def expected(published: Published) -> Rows:
    """All rows of the slice."""
    sent = published.sent
    plain = np.ones(len(sent.meters), np.bool_)
    plain[list(published.revisions)] = False
    parts = [_as_sent(published, np.flatnonzero(plain))]
    if published.revisions:
        parts.append(_revised(published))
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows[KEY] = key(sent.plan, rows["point"], rows["start"], rows.pop("revision"))
    return rows


def _as_sent(published: Published, meters: Array) -> Rows:
    """Meters that have one row an interval."""
    sent, count = published.sent, len(published.sent.numbers)
    energy, physical = sent.energy[:, meters].reshape(-1, 4), sent.physical[:, meters].reshape(-1, 2)
    rows = _shared(published, np.tile(meters, count), np.repeat(np.arange(count), len(meters)))
    return rows | _arrived(energy, physical, np.repeat(sent.counters, len(meters)))


def _shared(published: Published, place: Array, interval: Array) -> Rows:
    sent, count = published.sent, len(place)
    return {
        "point": sent.points[place],
        "start": sent.starts[interval],
        "device": sent.devices[place],
        "secs": np.full(count, sent.plan.interval_secs, np.int64),
        "flags": np.zeros(count, np.int64),
        "never_sent": np.zeros(count, np.int64),
        "revision": np.zeros(count, np.int64),
    }


def _arrived(energy: Array, physical: Array, counter: Array) -> Rows:
    count = len(counter)
    return {
        "counter": counter.astype(np.int64),
        "from_frame": np.ones(count, np.int64),
        "quality": np.full(count, ACTUAL * ENERGY_WORD + PHYSICAL_WORD, np.int64),
        "method": np.zeros(count, np.int64),
        "rules": np.zeros(count, np.int64),
        **{channel.name: energy[:, place] for place, channel in enumerate(ENERGY)},
        **{name: physical[:, place] for name, place in SENT_PHYSICAL.items()},
    }


def _revised(published: Published) -> Rows:
    sent = published.sent
    listed = [(place, version) for place, versions in published.revisions.items() for version in versions]
    places = np.array([place for place, _ in listed], np.int64)
    intervals = np.array([version.number - sent.numbers.start for _, version in listed], np.int64)
    rows = _shared(published, places, intervals)
    rows["revision"] = _revisions(listed)
    arrived = np.array([version.arrived for _, version in listed])
    physical = np.where(arrived[:, None], sent.physical[intervals, places], 0)
    energy = np.array([version.energy for _, version in listed], np.int64).reshape(-1, N_ENERGY)
    rows |= _arrived(energy, physical, np.where(arrived, sent.counters[intervals], 0))
    rows["from_frame"] = arrived.astype(np.int64)
    rows["quality"] = np.array([_word(version) for _, version in listed], np.int64)
    rows["flags"] = np.array([version.flags for _, version in listed], np.int64)
    rows["method"] = np.array([int(version.method) for _, version in listed], np.int64)
    rows["rules"] = np.array([version.rules for _, version in listed], np.int64)
    return rows


def _revisions(listed: list[tuple[int, Version]]) -> Array:
    seen: dict[tuple[int, int], int] = {}
    numbers = []
    for place, version in listed:
        numbers.append(seen.get((place, version.number), 0))
        seen[place, version.number] = numbers[-1] + 1
    return np.array(numbers, np.int64)


def _word(version: Version) -> int:
    """Quality nibbles: the energies share one quality, the rest comes with a push only."""
    word = int(version.quality) * ENERGY_WORD
    return word | PHYSICAL_WORD if version.arrived else word
