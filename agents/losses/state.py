"""State of the losses stage: balances, partials that wait for their tick, and the sources, a row each in one table.

| row | key | what it is |
|---|---|---|
| SOURCE | source partition + 1 | last origin offset and last tick of a frames partition |
| WAITING | 2^31 + serial | a partial of a source that is ahead of the others, until all have reached its tick |
| PLACE | 2^31 + serial | place of a partial that has been counted, for the next one |
| PLACES | 2^31 | how many serials there are, and the first free place |
| INTERVAL | node << 32 \\| start | balance of a node in one interval |
| DAY | node << 32 \\| start + 1 | balance of a node in one local day (no interval begins at an odd second) |

A partial is counted when the smallest tick over all sources has reached its tick, so what a balance says at a tick is a
function of the set of partials and not of their order of arrival.

The partials of a source are a queue in the order of its ticks, and the free places a list: each row names the serial of
the one behind it, 0 is the end. So a record costs what it brings, however many balances there are
(`agents.losses.waiting`).
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.state import Layout, Table

FREE, SOURCE, WAITING, INTERVAL, DAY, PLACE, PLACES = range(7)

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
        ("behind", "<u4"),  # waiting, place: serial of the next one; source, places: of the first one
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
        ("last", "<u4"),  # source: serial of its last waiting partial; places: of the newest
        ("open", "<u4"),  # source: serial of its first partial that came without a tick
        ("spare", "<u4"),  # whole words
    ]
)

LAYOUT = Layout("losses", 2, (Table("balance", BALANCE),))


def words(rows: Array) -> Array:
    """The same rows BALANCE (n,) as words u64 (n, words): numpy moves these at once, and structures field by field."""
    return rows.view(np.uint64).reshape(len(rows), BALANCE.itemsize // 8)


def taken(rows: Array, places: Array) -> Array:
    """Copies, BALANCE (n,), of the rows at places i64 (n,)."""
    return words(rows)[places].view(BALANCE).reshape(-1)
