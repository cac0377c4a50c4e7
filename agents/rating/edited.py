"""Determinants that are revised because a person changed a reading, or took that back.

An edit of a day in the window comes before the settlement that it changes, so the day keeps a flag until then. One of a
day that has left the window comes with it.
"""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import month_of
from agents.rating.rows import DAY_KIND, EDITED, LATE_DATA
from agents.rating.state import EDITED_DAY
from pipeline.batch import ReadingBatch
from pipeline.codes import Flag, Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore


def edits_in(batch: ReadingBatch) -> Array:
    """Mask of the readings that are edits, in the place of one, or of a value that a person has discarded just now."""
    mask: Array = batch.method == int(Method.MANUAL)
    if len(batch.prior_reading):
        at, before = batch.prior_reading, batch.prior_quality
        discarded = ((batch.flags[at] & int(Flag.DISCARDED)) != 0) & (before == int(Quality.ACTUAL))
        # An edit is sent once more, as it is, when the meter's own value comes behind it.
        again = (before == int(Quality.MANUAL)) & mask[at] & (batch.prior_energy == batch.energy[at]).all(axis=1)
        mask[at[discarded | (before == int(Quality.MANUAL))]] = True
        mask[at[again]] = False
    return mask


def note_edits(points: Array, start: Array, mask: Array, store: StateStore, offset: int) -> None:
    """Flag the days of the readings of points u64 (n,), start i64 (n,) that are edits. Their days are open, and marked
    as changed, since the readings are accumulated. offset: seconds of local time east of UTC."""
    at = np.flatnonzero(mask)
    if not len(at):
        return
    slots, days = store.locate(points[at], points[at]), store.areas["day"].flat
    days["flags"][(start[at] + offset) // DAY_SECS % len(days), slots] |= EDITED_DAY


def say_edited(rows: Array, batch: ReadingBatch, offset: int) -> None:
    """Give determinants ROW (n,) of corrected days and months the reason EDITED where an edit is among their readings;
    so for the month after, into which another remainder is carried then."""
    at = np.flatnonzero(edits_in(batch))
    if not len(at):
        return
    points = batch.service_point[at]
    day = (batch.interval_start[at] + offset) // DAY_SECS
    days = set(zip(points.tolist(), day.tolist(), strict=True))
    months = {(point, int(month_of(day))) for point, day in days}
    months |= {(point, month + 1) for point, month in months}
    own = np.isin(rows["service_point"], points.astype(np.int64)) & (rows["reason"] == LATE_DATA)
    for place in np.flatnonzero(own).tolist():
        row = rows[place]
        point = int(row["service_point"])
        if row["kind"] == DAY_KIND:
            found = (point, (int(row["period_start"]) + offset) // DAY_SECS) in days
        else:
            found = (point, int(row["month"])) in months
        if found:
            rows["reason"][place] = EDITED
