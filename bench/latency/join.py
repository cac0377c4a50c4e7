"""All that is known of a run, put together: seconds of each frame, and of each hop on its way. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.latency.blocks import Blocks
from bench.latency.trace import Logged, Made
from pipeline.columns import Array

READING, REFUSED, NOWHERE = 0, 1, 2


@dataclass(frozen=True)
class Pushed:
    """n frames as they were sent: keys i64, due and sent f8 seconds, all of the wall clock."""

    keys: Array
    due: Array
    sent: Array


@dataclass(frozen=True)
class Rows:
    """k rows of readings that came from a frame: partition, offset and frame of their origin, i64 (k,)."""

    partition: Array
    offset: Array
    frame: Array


@dataclass(frozen=True)
class Way:
    """Of each frame that was sent, in that order, when it was where: f8 (n,), wall clock, infinite for never.

    kind u8 (n,): READING, REFUSED or NOWHERE, by the row that the warehouse has of it.
    """

    due: Array
    sent: Array
    logged: Array
    made: Array
    visible: Array
    kind: Array

    @property
    def seconds(self) -> Array:
        """From due to visible."""
        seconds: Array = self.visible - self.due
        return seconds


def join(
    pushed: Pushed,
    logged: Logged,
    readings: Made,
    rejects: Made,
    rows: Rows,
    blocks: Blocks,
    topics: tuple[str, str],
) -> Way:
    """`topics` are the names of those of readings and of rejects."""
    count = len(logged.keys)
    made, visible, kind = np.full(count, np.inf), np.full(count, np.inf), np.full(count, NOWHERE, np.uint8)
    _refused(logged, rejects, blocks.visible(topics[1], rejects.partition, rejects.offset), made, visible, kind)
    _read(logged, readings, rows, blocks.visible(topics[0], readings.partition, readings.offset), made, visible, kind)
    place = matched(pushed.keys, logged.keys)
    there = place >= 0

    def of(values: Array, never: float) -> Array:
        chosen = np.full(len(place), never, values.dtype)
        chosen[there] = values[place[there]]
        return chosen

    at = logged.at[logged.record] if count else np.zeros(0)
    return Way(pushed.due, pushed.sent, of(at, np.inf), of(made, np.inf), of(visible, np.inf), of(kind, NOWHERE))


def _read(logged: Logged, readings: Made, rows: Rows, shown: Array, made: Array, visible: Array, kind: Array) -> None:
    """Frames with a row of readings: visible with the record that was made of theirs."""
    records = logged.places(readings.source, readings.origin)
    at, then = np.full(len(logged.offset), np.inf), np.full(len(logged.offset), np.inf)
    at[records[records >= 0]], then[records[records >= 0]] = readings.at[records >= 0], shown[records >= 0]
    record = logged.places(rows.partition, rows.offset)
    found = record >= 0
    frames = logged.first[record[found]] + rows.frame[found]
    made[frames], visible[frames], kind[frames] = at[record[found]], then[record[found]], READING


def _refused(logged: Logged, rejects: Made, shown: Array, made: Array, visible: Array, kind: Array) -> None:
    record = logged.places(rejects.source, rejects.origin)
    found = (record >= 0) & (rejects.frame >= 0)
    frames = logged.first[record[found]] + rejects.frame[found]
    made[frames], visible[frames], kind[frames] = rejects.at[found], shown[found], REFUSED


def matched(sent: Array, logged: Array) -> Array:
    """Of each key in `sent` i64 (n,) its place in `logged` i64 (m,), -1 where there is none.

    The same key twice is a duplicate: the first in the one is the first in the other, and so on.
    """
    mine, theirs = np.argsort(sent, kind="stable"), np.argsort(logged, kind="stable")
    own, other = sent[mine], logged[theirs]
    place = np.searchsorted(other, own) + _rank(own)
    there = place < len(other)
    there[there] = other[place[there]] == own[there]
    found = np.full(len(sent), -1, np.int64)
    found[mine[there]] = theirs[place[there]]
    return found


def _rank(keys: Array) -> Array:
    """How many of the same stand right before each, i64 (n,); keys are sorted."""
    begins = np.ones(len(keys), np.bool_)
    begins[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(begins)
    return np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
