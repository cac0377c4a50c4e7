"""Statements about service points into the log: an edit, an outage, an answer, as frames beside those of meters.

A statement names its service point, so it needs no device to find its partition. Where the registry does not know the
point, or no meter ever stood there, nothing could take it up: the caller is told at once, and nothing is parked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np

from connectors.gather.links import devices_at
from connectors.gather.pump import Pump
from pipeline.columns import Array
from pipeline.lookup import find_many
from pipeline.reference import Registry
from pipeline.statement_frames import StatementFrame


class Outcome(Enum):
    """What became of a statement."""

    HANDED_ON = "handed on"
    POINT_UNKNOWN = "the registry does not know this service point"
    METER_NEVER = "no meter ever stood at this service point"


def hand_on(pump: Pump, statements: Sequence[StatementFrame], done: Callable[[], None] | None = None) -> list[Outcome]:
    """Offer statements to a pump that takes them (`stated`); returns what became of each.

    `done` is called when Kafka has acknowledged those that were handed on, also when there are none. Call it on the
    pump's loop, and only after `await pump.room(stop)`: a portion of a few thousand rows at a time.
    """
    points = np.array([one.service_point for one in statements], np.uint64)
    said_at = np.array([one.said_at for one in statements], np.int64)
    outcomes, devices = judged(points, said_at, pump.registry)
    taken = [place for place, outcome in enumerate(outcomes) if outcome is Outcome.HANDED_ON]
    frames = [statements[place].octets() for place in taken]
    lengths = np.array([len(frame) for frame in frames], np.uint32)
    offsets = np.cumsum(lengths, dtype=np.int64) - lengths
    pump.offer(np.frombuffer(b"".join(frames), np.uint8), offsets, lengths, devices[taken], done)
    return outcomes


def judged(points: Array, said_at: Array, registry: Registry) -> tuple[list[Outcome], Array]:
    """(what would become of statements about points u64 (n,), the device u64 (n,) at each, 0 where there is none).

    The device is the one that stood there at `said_at`, epoch s UTC i64 (n,): rejects and lineage name it.
    """
    rows = np.full(len(points), -1, np.int64)
    find_many(*registry.by_point, points, rows)
    devices = devices_at(points, said_at, registry)
    outcomes = [
        Outcome.POINT_UNKNOWN if row < 0 else Outcome.HANDED_ON if device else Outcome.METER_NEVER
        for row, device in zip(rows.tolist(), devices.tolist(), strict=True)
    ]
    return outcomes, devices
