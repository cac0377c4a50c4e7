"""Runs of days at which main and check meter differ, and what is new of them.

A run begins with a day that differs and goes on until one that agrees; days that cannot be judged do not end it. The
exception of a run is OPEN while no later day agrees. It is reckoned anew from all days that are kept, so the order in
which they came does not matter.
"""

from __future__ import annotations

import numpy as np

from agents.checks.state import CLOSED, NOTHING, OPEN, ROW, day_keys, known_slots, rows_of, touch
from pipeline.columns import Array
from pipeline.state import StateStore

FINDING = np.dtype(
    [("point", "<u8"), *((name, "<i8") for name in ("first", "last", "main", "check", "wh")), ("said", "u1")]
)
"""What is to be said of a run: its days, Wh of both meters on those that differ, and the sum of what they differ by."""

SUMS = ("last", "main", "check", "wh")


def differs(rows: Array) -> tuple[Array, Array]:
    """Masks of ROW of days: (main and check differ by more than the tolerance, they do not). V34:
    |main - check| / main above the tolerance; a main meter that stood still differs from anything but zero."""
    judged = (rows["measured"] != 0) & (rows["covered"] != 0) & (rows["permille"] >= 0)
    apart = np.abs(rows["main"] - rows["check"]) * 1000 > np.abs(rows["main"]) * rows["permille"]
    return judged & apart, judged & ~apart


def judge(points: Array, store: StateStore, days: range) -> Array:
    """FINDING of service points u64 (n,), which rise and have rows, by point and first day; it is noted as said."""
    window = np.arange(days.start, days.stop, dtype=np.int64)
    keys = np.concatenate([points[:, None], day_keys(points[:, None], window[None, :])], axis=1)
    slots = known_slots(store, keys.reshape(-1)).reshape(keys.shape)
    kept = rows_of(store)
    rows = kept[slots]
    rows[slots < 0] = np.zeros((), ROW)
    rows[:, 1:][rows["day"][:, 1:] != window] = np.zeros((), ROW)
    wanted = _runs(rows)
    new = (slots >= 0) & _news(rows, wanted)
    point = np.nonzero(new)[0]
    found = np.zeros(len(point), FINDING)
    found["point"], found["first"] = points[point], rows["day"][new]
    for name in (*SUMS, "said"):
        found[name] = wanted[name][new]
    for name in SUMS:
        kept[f"said_{name}"][slots[new]] = found[name]
    kept["said"][slots[new]] = found["said"]
    touch(store, "rows", slots[new])
    return found


def _runs(rows: Array) -> Array:
    """FINDING (points, 1 + days) of ROW of the same shape: at the row where each run begins, how it stands."""
    apart, agree = differs(rows[:, 1:])
    wanted, each = np.zeros(rows.shape, FINDING), np.arange(len(rows))
    carried = rows[:, 0]
    holder = np.where(carried["day"] != 0, 0, -1)
    for name in SUMS:
        wanted[name][:, 0] = np.where(holder == 0, carried[name], 0)
    wanted["said"][:, 0] = np.where(holder == 0, OPEN, NOTHING)
    for place in range(1, rows.shape[1]):
        ends = agree[:, place - 1] & (holder >= 0)
        wanted["said"][each[ends], holder[ends]] = CLOSED
        holder[ends] = -1
        here = apart[:, place - 1]
        holder[here & (holder < 0)] = place
        at, row = (each[here], holder[here]), rows[here, place]
        wanted["said"][at], wanted["last"][at] = OPEN, row["day"]
        wanted["main"][at] += row["main"]
        wanted["check"][at] += row["check"]
        wanted["wh"][at] += np.abs(row["main"] - row["check"])
    return wanted


def _news(rows: Array, wanted: Array) -> Array:
    """Mask of what has not been said yet; a run that was said and is none any more is closed, with nothing at stake."""
    none = (wanted["said"] == NOTHING) & (rows["said"] == OPEN)
    for name in SUMS:
        wanted[name][none] = rows[f"said_{name}"][none]
    wanted["wh"][none], wanted["said"][none] = 0, CLOSED
    new = wanted["said"] != rows["said"]
    for name in SUMS:
        new |= wanted[name] != rows[f"said_{name}"]
    found: Array = new & (wanted["said"] != NOTHING)
    return found


def carry_on(slots: Array, owners: Array, store: StateStore) -> None:
    """Days that leave the window, of one local day: rows at slots i64 (n,), the points' own rows at owners i64 (n,).

    A run that goes on is kept in the point's row; a day that agrees ends it.
    """
    kept = rows_of(store)
    apart, agree = differs(kept[slots])
    kept["day"][owners[agree]], kept["said"][owners[agree]] = 0, NOTHING
    begins = apart & (kept["day"][owners] == 0)
    mine, own = slots[begins], owners[begins]
    for name in ("day", "said", *(f"said_{name}" for name in SUMS)):
        kept[name][own] = kept[name][mine]
    for name in ("main", "check", "wh"):
        kept[name][own] = 0
    mine, own = slots[apart], owners[apart]
    kept["last"][own] = kept["day"][mine]
    kept["main"][own] += kept["main"][mine]
    kept["check"][own] += kept["check"][mine]
    kept["wh"][own] += np.abs(kept["main"][mine] - kept["check"][mine])
    touch(store, "rows", owners)
