"""State of the losses stage: balances, partials that wait for their tick, and the sources, a row each in one table.

| row | key | what it is |
|---|---|---|
| SOURCE | source partition + 1 | last origin offset and last tick of a frames partition |
| WAITING | 2^31 + serial | a partial of a source that is ahead of the others, until all have reached its tick |
| INTERVAL | node << 32 \\| start | balance of a node in one interval |
| DAY | node << 32 \\| start + 1 | balance of a node in one local day (no interval begins at an odd second) |

A partial is counted when the smallest tick over all sources has reached its tick, so what a balance says at a tick is a
function of the set of partials and not of their order of arrival.
"""

from __future__ import annotations

import numpy as np

from pipeline.state import Layout, Table

FREE, SOURCE, WAITING, INTERVAL, DAY = range(5)

FIRST_WAITING = 2**31

SUMS = (
    "input_wh",
    "output_wh",
    "estimated_wh",
    "expected",
    "actual",
    "estimated",
    "inputs_expected",
    "inputs_actual",
)
"""Columns of NodeEnergy that are added up."""

BALANCE = np.dtype(
    [
        ("row", "<u1"),
        ("changed", "<u1"),  # balance: since it was last emitted
        ("revision", "<u2"),  # balance: of the last emission
        ("node", "<u4"),
        ("secs", "<u4"),
        ("source", "<i4"),  # waiting: the frames partition it came from
        ("start", "<i8"),
        ("tick", "<i8"),  # source: time of its last tick; waiting: of the tick it belongs to
        ("closes", "<i8"),  # source: what that tick closes
        ("offset", "<i8"),  # source: last origin offset + 1
        ("input_wh", "<i8"),
        ("output_wh", "<i8"),
        ("estimated_wh", "<i8"),
        ("expected", "<i4"),
        ("actual", "<i4"),
        ("estimated", "<i4"),
        ("inputs_expected", "<i4"),
        ("inputs_actual", "<i4"),
        ("spare", "<u4"),  # whole words
    ]
)

LAYOUT = Layout("losses", 1, (Table("balance", BALANCE),))
