"""What people have said of intervals, as a replay takes it: in the hot window, and when their day had left it."""

from __future__ import annotations

import numpy as np

from agents.cold.history import SAID
from pipeline.batch import DecodedBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import RULE_BIT, Flag, Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import Statement

HOT_NUMBER = 1
"""Of what was said in the hot window: a reading does not tell its number. What the lane is asked for came later."""
_BAD_ROWS = sum(1 << RULE_BIT[rule] for rule in ("V03", "V07", "V09", "V37"))
"""Rules of what was sent and cannot be used: it is published as an estimate from the start."""
_ESTIMATES_THAT_CAME = (int(Method.HEAD_END), int(Method.CLOCK_SET), int(Method.OUTAGE), int(Method.AGREED))


def by_people(readings: Array) -> Array:
    """Mask of the revisions READING (n,) that are what a person said: values, or that the interval is discarded."""
    mask: Array = (readings["quality"] & np.uint64(15) == int(Quality.MANUAL)) | (
        readings["flags"] & int(Flag.DISCARDED) != 0
    )
    return mask


def withdrawn(readings: Array) -> Array:
    """Mask of the revisions READING (n,) that a withdrawal left as an estimate: no meter has sent them."""
    estimated = (readings["quality"] & np.uint64(15) == int(Quality.ESTIMATED)) & (readings["flags"] == 0)
    mask: Array = estimated & (readings["rules"] & _BAD_ROWS == 0) & ~np.isin(readings["method"], _ESTIMATES_THAT_CAME)
    return mask


def in_the_window(last: Array) -> Array:
    """SAID (n,) of what holds since the hot window; last: last revision READING (n,) that a frame made, by interval."""
    rows = last[by_people(last)]
    made = np.zeros(len(rows), SAID)
    for name in ("service_point", "start", "secs"):
        made[name] = rows[name]
    made["number"] = HOT_NUMBER
    manual = rows["quality"] & np.uint64(15) == int(Quality.MANUAL)
    made["kind"] = np.where(manual, int(Statement.EDIT), int(Statement.DISCARD))
    shifts = np.arange(N_ENERGY, dtype=np.uint64) * np.uint64(4)
    there = (((rows["quality"][:, None] >> shifts) & np.uint64(15)) != 0) & manual[:, None]
    made["present"] = (there.astype(np.int64) << np.arange(N_ENERGY)).sum(axis=1)
    made["energy"] = np.where(there, rows["energy"], 0)
    return made


def later(requests: Array) -> Array:
    """SAID (n,) of requests, numbered behind all that the window had."""
    made: Array = requests.copy()
    made["number"] += np.uint64(HOT_NUMBER)
    return made


def from_day(said: Array, first: int, offset_secs: int) -> Array:
    """Those of local day `first` and later ones."""
    kept: Array = said[(said["start"] + offset_secs) // DAY_SECS >= first]
    return kept


def put_into(batch: DecodedBatch, said: Array) -> None:
    """SAID (n,) as the statements of a decoded batch."""
    for column in DecodedBatch.COLUMNS:
        if column.section == "statement":
            setattr(batch, column.name, column.empty(len(said)))
    batch.statement_frame = np.arange(len(said), dtype=np.uint32)
    for name in ("service_point", "kind", "number", "start", "secs", "present", "energy"):
        column = getattr(batch, f"statement_{name}")
        setattr(batch, f"statement_{name}", np.ascontiguousarray(said[name].astype(column.dtype)))
