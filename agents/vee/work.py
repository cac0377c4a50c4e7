"""Scratch arrays for settling one service point: made once a tick, used for every point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.state import PLANES, Limits
from pipeline.channels import N_ENERGY
from pipeline.columns import Array

# What an interval is to its settlement.
NONE = 0  # no meter stood there
GOOD = 1  # sent, and good by itself
BAD = 2  # sent, and not to be used
GAP = 3  # not sent
SPIKE = 4  # sent, and taken for a spike
BEFORE = 5  # not sent, and older than the log: a gap only when registers say what was used

MOST_LINKS = 64
"""Meters of one service point within the hot window."""


class Work(NamedTuple):
    """Intervals of the closed days, in order: position (day, place, half), i64 unless said.

    start: local; state: above; cell, fresh: cell's byte before and after; sent, published, base, new: energies (n, 4);
    method: of the base; rows, count of links: `links`, `sizes[0]`; spans: first day, day after the last, channels whose
    registers are known (bits), channels that were scaled (bits), devices.
    """

    start: Array
    interval: Array
    link: Array
    state: Array
    cell: Array
    fresh: Array
    sent: Array
    published: Array
    base: Array
    new: Array
    method: Array
    pick: Array
    weight: Array
    remainder: Array
    links: Array
    sizes: Array
    midnight: Array
    span_first: Array
    span_last: Array
    span_known: Array
    span_scaled: Array
    span_devices: Array
    span_energy: Array
    span_of_day: Array
    opening: Array
    closing: Array
    planes: Array
    scratch: Array


def make_work(limits: Limits) -> Work:
    """Room for the closed days of a window."""
    days = limits.hot_days
    n = days * 2 * (86_400 // limits.slot_secs)
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(Work._fields, (n,))
    shapes |= dict.fromkeys(("sent", "published", "base", "new"), (n, N_ENERGY))
    shapes |= {name: (days,) for name in Work._fields if name.startswith("span_")}
    shapes |= {
        "span_energy": (days, N_ENERGY), "links": (MOST_LINKS,), "sizes": (1,), "midnight": (days + 1,),
        "opening": (N_ENERGY,), "closing": (N_ENERGY,), "planes": (PLANES + 1,), "scratch": (4, PLANES + 1),
    }  # fmt: skip
    return Work(**{name: np.zeros(shape, np.int64) for name, shape in shapes.items()})
