"""Settled days as what months are made of: one item each, of days that have left the hot window.

A day may be final while it is in the window (a cut-off), and late frames still change it then: it is not taken yet.
When it leaves, it is settled for the last time.
"""

from __future__ import annotations

import numpy as np

from agents.usage.kernels_code import code_of
from agents.usage.limits import DEFAULT_SECS, Prepared
from pipeline.batch import ReadingBatch
from pipeline.codes import FINAL
from pipeline.columns import Array
from pipeline.jit import kernel
from pipeline.localtime import DAY_SECS

OPENING, CLOSING, SEVERAL_DAYS, EXCHANGED = 1, 2, 8, 16
"""Bits of `day_registers`."""
BOTH = OPENING | CLOSING
ACTUAL, ESTIMATED, MISSING = 0, 1, 2
"""Places of `day_counts`."""
WHOLE_SECS = 23 * 3600
"""A shorter day is part of one: a meter came or went."""

ITEM = np.dtype(
    [
        ("point", "<u8"),
        ("row", "<i8"),  # of the settlement
        ("day", "<i8"),  # local day
        ("limits", "<i8"),  # row of Prepared.limits
        ("use", "<i8"),  # Wh imported
        ("span", "<i8"),  # Wh that the registers moved; -1: not known
        ("balance", "<i8"),  # intervals that did not come less those that did
        ("peak", "<i8"),  # code of the highest interval, W
        ("known", "<i8"),  # 1: the use of the whole day is known
        ("rolled", "<i8"),  # 1: a register passed its last digit, and that was taken out
    ]
)


def items_of(batch: ReadingBatch, prepared: Prepared, offset_secs: int, last: int | None = None) -> Array:
    """ITEM (n,) of the days that are final and have left the window, those of earlier days first.

    last: local day that has left it last; None: all have that are in the batch.
    """
    rows, days = _left(batch, offset_secs, last)
    if (days[1:] < days[:-1]).any():
        order = np.argsort(days, kind="stable")
        rows, days = rows[order], days[order]
    items = np.empty(len(rows), ITEM)
    link = batch.day_link[rows].astype(np.int64)
    here = link < len(prepared.interval_secs)
    secs = np.full(len(rows), DEFAULT_SECS, np.int64)
    secs[here] = prepared.interval_secs[link[here]]
    items["limits"] = prepared.rows_of(link, days)
    items["point"], items["row"], items["day"] = batch.day_service_point[rows], rows, days
    counts = batch.day_counts[rows].astype(np.int64)
    expected = counts.sum(axis=1)
    items["balance"] = 2 * (counts[:, ESTIMATED] + counts[:, MISSING]) - expected
    registers = batch.day_registers[rows]
    moved = batch.day_register_energy[rows, 0]
    use = batch.day_actual[rows, 0] + batch.day_estimated[rows, 0]
    alone = (registers & (BOTH | SEVERAL_DAYS)) == BOTH
    # Of a span that is not known the register energy is 0, whatever was used.
    by_registers = alone & (moved == use)
    came = (counts[:, ACTUAL] == expected) & (expected * secs >= WHOLE_SECS)
    items["use"], items["known"] = use, came | (by_registers & (expected * secs >= WHOLE_SECS))
    items["span"] = np.where(by_registers, moved, -1)
    turned = batch.day_closing[rows, 0] < batch.day_opening[rows, 0]
    items["rolled"] = alone & ((registers & EXCHANGED) == 0) & turned & (moved > 0)
    power_codes(batch.day_demand[rows, 0].astype(np.int64), secs, items["peak"])
    return items


def _left(batch: ReadingBatch, offset_secs: int, last: int | None) -> tuple[Array, Array]:
    """(rows, local days) of settlements of days that have left the window: the last row of each."""
    every = (batch.day_start + offset_secs) // DAY_SECS
    rows = np.flatnonzero((batch.day_state == FINAL) & (last is None or every <= last))
    days, points = every[rows], batch.day_service_point[rows]
    # Of equal keys the order is that of rows: a tick that passes several midnights may settle a day more than once.
    order = np.lexsort((points, days))
    again = np.zeros(len(rows), np.bool_)
    again[order[:-1]] = (points[order[1:]] == points[order[:-1]]) & (days[order[1:]] == days[order[:-1]])
    return rows[~again], days[~again]


@kernel
def power_codes(energy, secs, out):  # type: ignore[no-untyped-def]
    """out i64 (n,): codes of the power W of intervals of energy i64 (n,) Wh and secs i64 (n,); 0 of none."""
    for item in range(energy.shape[0]):
        out[item] = code_of(energy[item] * (3600 * 100 // secs[item]) // 100) if energy[item] > 0 else np.int64(0)
