"""State of the node-energy stage: what has changed since the last tick, a (node, interval) a slot.

The key is node << 32 | start of the balance's interval; the page is one of the partition's (`pipeline.keyed`). Every
tick sends all rows and empties the tables, so they are as large as what one tick's time brings.
"""

from __future__ import annotations

import numpy as np

from pipeline.state import Layout, Table

PENDING = np.dtype(
    [
        ("input_wh", "<i8"),
        ("output_wh", "<i8"),
        ("estimated_wh", "<i8"),
        ("expected", "<i4"),
        ("actual", "<i4"),
        ("estimated", "<i4"),
        ("inputs_expected", "<i4"),
        ("inputs_actual", "<i4"),
        ("interval_secs", "<u4"),
    ]
)
"""Differences to what was sent before, as in NodeEnergy."""

LAYOUT = Layout("nodes", 1, (Table("pending", PENDING),))
