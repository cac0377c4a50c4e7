"""Days that leave the hot window with a long gap in them, as requests to the cold lane without rows: docs/cold.md.

The lane has weeks of readings and the facts of the warehouse to estimate by. Arrays of a whole partition, once a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agents.vee.cold_requests import request
from agents.vee.kernels_words import GOOD_AS_SENT, KIND, KIND_SHIFT, KINDS, SENT
from agents.vee.state import CARRIED, FLAT, LIKE_DAY, LINEAR, MISSING, NOTHING, POINT, SCALED, SENT_SHIFT, Limits, Pages
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.step import Emission, Origin

GAPS = np.array([(NOTHING << SENT_SHIFT) | one for one in (MISSING, LINEAR, LIKE_DAY, CARRIED, SCALED, FLAT)], np.int64)
"""Cells of what did not come and is estimated."""
OF_KIND = np.array([0, *KINDS], np.int64)


class Long(NamedTuple):
    """Service points u64 (n,) whose local day has a long gap, and the devices u64 (n,) that stand there; time: of the
    log, when the day left the window."""

    points: Array
    devices: Array
    day: int
    time: int


def cells_of(words: Array) -> Array:
    """Bytes of cells i64 (n,) of words i64 (n,): as `kernels_words.cell_of`."""
    kinds = OF_KIND[np.where(words < SENT, words >> KIND_SHIFT, 0)]
    found: Array = np.where(words >= SENT, GOOD_AS_SENT, np.where(words >= KIND, kinds, words & 255))
    return found


def longest_gaps(pages: Pages, limits: Limits, day: int) -> Array:
    """Seconds i64 (slots,) of the longest row of intervals of a day that did not come and are estimated."""
    per_day = DAY_SECS // limits.slot_secs
    first = day * per_day % limits.slices
    run = np.zeros(len(pages.keys), np.int64)
    longest = run.copy()
    for slice_ in range(first, first + per_day):
        octets = pages.ring[slice_].astype(np.int64)
        cells = cells_of(octets[:, 0] | octets[:, 1] << 8 | octets[:, 2] << 16)
        # Longer intervals leave places empty.
        goes_on = np.isin(cells, GAPS) | ((cells == 0) & (run > 0))
        run = np.where(goes_on, run + limits.slot_secs, 0)
        np.maximum(longest, run, out=longest)
    return longest


def long_gaps(pages: Pages, links: Array, limits: Limits, day: int, time: int, least_secs: int) -> Long:
    """The service points of which a day that leaves the window has a gap of at least `least_secs`."""
    hot = pages.hot
    slots = np.flatnonzero((hot["kind"] == POINT) & (longest_gaps(pages, limits, day) >= least_secs))
    slots = slots[hot["link"][slots] < len(links)]
    slots = slots[np.argsort(pages.keys[slots])]
    return Long(pages.keys[slots].copy(), links["device"][hot["link"][slots]].copy(), day, time)


def emissions(found: Sequence[Long], origin: Origin, offset_secs: int, first: int) -> list[Emission]:
    """A request without rows of each service point and day; first: requests of the same record that come before."""
    made: list[Emission] = []
    for one in found:
        start = one.day * DAY_SECS - offset_secs
        for point, device in zip(one.points.tolist(), one.devices.tolist(), strict=True):
            made.append(request(point, device, start, one.time, origin, first + len(made)))
    return made
