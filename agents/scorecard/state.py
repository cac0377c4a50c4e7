"""State of the scorecard stage: a window of each sampled service point, sums of each class, and the day it is at.

The key is the service point, CLASS | its class, or CLOCK. Each kind of row uses one table and leaves the others
untouched, which takes no memory. Sampled points are few and lie apart, so a window is made of records of 4 kB: each is
a page of memory, and brings nothing of its neighbours.
"""

from __future__ import annotations

import numpy as np

from agents.scorecard.config import PART_PLACES, ScorecardConfig
from agents.vee.estimate.errors import LENGTHS
from agents.vee.estimate.kernels_trial import COLUMNS, SUMS
from pipeline.state import Layout, Table

CLASS = np.uint64(0xFFFF_FFFE_0000_0000)
CLOCK = np.uint64(2**64 - 1)
"""Keys that are no service point's; ids of service points lie below."""

POINT = np.dtype(
    [
        ("newest", "<i8"),  # number of the newest interval: local seconds over its length; of CLOCK: local day
        ("interval", "<i8"),  # s; 0: none yet
    ]
)

CLASS_SUMS = np.dtype([("sums", "<i8", (len(LENGTHS), COLUMNS, SUMS))])
"""Sums of one class, as `kernels_trial.try_gaps` adds to them."""


WINDOW_PART = np.dtype([("value", "<u4", (PART_PLACES,))])
"""A part of a window. Interval n stands at place n mod all places: its import in Wh and one more; 0: it is not as the
meter sent it."""


def layout(config: ScorecardConfig) -> Layout:
    """Tables for this window."""
    parts = config.places // PART_PLACES
    return Layout(
        "scorecard",
        1,
        (Table("points", POINT), Table("windows", WINDOW_PART, parts), Table("classes", CLASS_SUMS)),
    )
