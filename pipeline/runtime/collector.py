"""Python's cycle collector in processes that hold a hundred thousand short-lived records at once.

Records are freed by their counts; cycles are few. Python's defaults search for them so often that it costs a sink a
good part of its time while determinants come: each search walks through all records that are held.
"""

from __future__ import annotations

import gc

YOUNG = 100_000
"""Objects more than before that start a search; Python's own is 700."""
OLDER = 50


def collect_seldom() -> None:
    """Leave what is there now out of every search, and search seldom; to be called when the code is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
