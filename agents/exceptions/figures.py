"""What stands beside an exception: what was found, what it was compared with, and what is at stake by it.

Changes are those of the kernels, and corrections of days that were final (V36), of which no state is kept.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.kernels import CHANGE, OPEN
from agents.exceptions.records import NOTHING
from pipeline.batch import ReadingBatch
from pipeline.channels import WH_IMP
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.rules import RULE_BIT

V24, V36 = RULE_BIT["V24"], RULE_BIT["V36"]

FIGURED = np.dtype([(name, "<i8") for name in (*(CHANGE.names or ()), "wh", "found", "expected")])
"""A CHANGE with Wh at stake (-1: what is at stake of the day) and what was compared."""


def figured(changes: Array) -> Array:
    """FIGURED (n,) of changes (n,) that have some of its fields."""
    made = np.zeros(len(changes), FIGURED)
    made["wh"], made["found"], made["expected"] = -1, NOTHING, NOTHING
    for name in changes.dtype.names or ():
        made[name] = changes[name]
    return made


def with_figures(changes: Array, batch: ReadingBatch, inactive_wh: int) -> Array:
    """FIGURED (n,) of CHANGE (n,), whose rows are settled days of `batch`."""
    made = figured(changes)
    used = np.flatnonzero(changes["bit"] == V24)
    made["found"][used] = batch.day_actual[changes["row"][used], WH_IMP]
    made["wh"][used] = np.where(changes["state"][used] == OPEN, made["found"][used], 0)
    made["expected"][used] = inactive_wh
    return made


def corrections(batch: ReadingBatch, offset_secs: int, permille: int) -> Array:
    """V36, FIGURED (n,): days that were final, whose import has changed by more than a share of it."""
    rows = batch.correction_day.astype(np.int64)
    before = batch.correction_energy[:, WH_IMP]
    now = batch.day_actual[rows, WH_IMP] + batch.day_estimated[rows, WH_IMP]
    changed = np.flatnonzero(np.abs(now - before) * 1000 > permille * np.abs(before))
    made = np.zeros(len(changed), FIGURED)
    made["row"], made["bit"], made["state"] = rows[changed], V36, OPEN
    made["first"] = made["last"] = (batch.day_start[rows[changed]] + offset_secs) // DAY_SECS
    made["found"], made["expected"] = now[changed], before[changed]
    made["wh"] = np.abs(now - before)[changed]
    return made
