"""What a meter's own clock is off by: measured at pushes that carry the time of their sending (INSTANT, ALERT).

The clock of such a push less its arrival is what the clock is ahead, less the time that the push was on its way:

    lead = (clock - true time) - delay,   delay >= 0

So one push whose lead is above the bound proves that the clock is ahead. That it is behind no single push can prove:
gateways keep pushes and send them later. It counts as behind when of a whole *span* of pushes (at least `pushes` of
them, arrived over at least `span` seconds) even the least delayed one was behind by more than the bound. What has begun
ends with the proof of the contrary: behind with a push that is not, ahead with a whole span without proof.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.codes import Flag, Kind
from pipeline.columns import Array
from pipeline.jit import inlined
from pipeline.state import mark

SAID_NOTHING, AHEAD, BEHIND = np.int64(0), np.int64(1), np.int64(2)
"""`said` of a device's record: the event that is in force."""

RESTORED = np.int64(4)
"""Added to AHEAD or BEHIND in `Drifts.what`: it has ended."""

MOST_LEAD = 32_767
"""Leads beyond are kept as this, s."""
MOST_COUNT = 255
DOUBTFUL = int(Flag.CLOCK_DOUBTFUL)
INSTANT, ALERT = int(Kind.INSTANT), int(Kind.ALERT)


class Limits(NamedTuple):
    """Settings: bound s (0: nothing is measured), pushes and seconds of a span."""

    bound: int
    pushes: int
    span: int


class Drifts(NamedTuple):
    """Clocks that came to be off, or right again; with room for two a frame.

    row i64: of the decoded batch. lead i64: s that the clock is ahead of the arrival. what u8: AHEAD, BEHIND, RESTORED.
    found i64 (1,): how many there are.
    """

    row: Array
    lead: Array
    what: Array
    found: Array


def new_drifts(frames: int) -> Drifts:
    """Room for a batch of `frames`."""
    room = 2 * frames
    return Drifts(np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(room, np.uint8), np.zeros(1, np.int64))


@inlined
def _say(drifts, row, lead, what):  # type: ignore[no-untyped-def]
    place = drifts.found[0]
    drifts.row[place], drifts.lead[place], drifts.what[place] = row, lead, what
    drifts.found[0] = place + 1


@inlined
def _span_of(record, lead, received):  # type: ignore[no-untyped-def]
    """Count a push in; (most lead, pushes, seconds) of the running span."""
    if record.count == 0:
        record.since, record.most, record.count = np.uint32(received), np.int16(lead), np.uint8(1)
    else:
        record.most = np.int16(max(np.int64(record.most), lead))
        if record.count < MOST_COUNT:
            record.count = np.uint8(np.int64(record.count) + np.int64(1))
    return np.int64(record.most), np.int64(record.count), received - np.int64(record.since)


@inlined
def note_drift(memory, slot, kind, time, received, limits, row, drifts):  # type: ignore[no-untyped-def]
    """Measure by a push of `kind` with the clock `time` that arrived at `received`, epoch s; 0: offered again.

    memory: Memory. row: that the push will have in the batch. Only pushes with the time of their sending measure.
    """
    if (kind != INSTANT and kind != ALERT) or limits.bound == 0 or received <= 0:
        return
    record = memory.drifts[slot]
    lead = min(max(time - received, -MOST_LEAD), MOST_LEAD)
    most, count, secs = _span_of(record, lead, received)
    whole = count >= limits.pushes and secs >= limits.span
    said = np.int64(record.said)
    if said == BEHIND and lead >= -limits.bound:
        _say(drifts, row, lead, BEHIND + RESTORED)
        said = SAID_NOTHING
    if lead > limits.bound:
        if said != AHEAD:
            _say(drifts, row, lead, AHEAD)
        said, whole = AHEAD, True
    elif whole and said == AHEAD and most <= limits.bound:
        _say(drifts, row, most, AHEAD + RESTORED)
        said = SAID_NOTHING
    if whole and said == SAID_NOTHING and most < -limits.bound:
        _say(drifts, row, most, BEHIND)
        said = BEHIND
    record.said = np.uint8(said)
    if whole:
        record.count = np.uint8(0)
    mark(memory.drifts_changed, memory.drifts_dirty, 0, slot, memory.capacity)


@inlined
def drift_flag(record):  # type: ignore[no-untyped-def]
    """Flag of the rows of a device whose clock is off."""
    return DOUBTFUL if record.said else 0
