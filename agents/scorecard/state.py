"""State of the scorecard stage: windows of the sampled service points, sums of their classes, and the day it is at.

All rows are of one table, and of one size: what is sampled is little, and a page of state has 64 slots at least. A
window is in parts, each a row by a key of its own, so that slots are taken densely and a reading changes 200 octets.

| row | key | tag | value |
|---|---|---|---|
| head | service point | number of the newest interval | |
| part | `kernels.part_key` | number // PART_PLACES of its intervals | import in Wh and one more; 0: not as sent |
| sums | SUMS, class, length of gap, which columns | | FIGURES of SUM_COLUMNS columns, i64 |
| clock | CLOCK | local day | |

The number of an interval is its local time over its length. Pages are chosen by key (`pipeline.keyed`).
"""

from __future__ import annotations

import numpy as np

from agents.scorecard.config import PART_PLACES
from agents.vee.estimate.kernels_trial import COLUMNS
from agents.vee.estimate.kernels_trial import SUMS as FIGURES
from pipeline.columns import Array
from pipeline.state import Layout, Table

SUMS = 0xFFFF_FE00_0000_0000
"""Keys from here on are sums; below the class stand 8 bits of length and 8 of columns."""
CLOCK = np.uint64(2**64 - 1)

ROW = np.dtype(
    [
        ("owner", "<u8"),  # head, part: the service point; 0: another row
        ("tag", "<u4"),
        ("interval", "<u4"),  # head, part: s; 0: none yet
        ("value", "<u4", (PART_PLACES,)),
    ]
)

ROW_WORDS, ROW_LONGS = ROW.itemsize // 4, ROW.itemsize // 8
OWNER = 0
"""Of `longs_of`."""
TAG, INTERVAL, VALUES = 2, 3, 4
"""Of `words_of`; values go on from there."""

SUM_COLUMNS = PART_PLACES // 2 // FIGURES
"""Methods whose sums fit into one row."""

SUM_ROWS = -(-COLUMNS // SUM_COLUMNS)

LAYOUT = Layout("scorecard", 1, (Table("rows", ROW),))


def words_of(octets: Array) -> Array:
    """Rows as u32 (slots, ROW_WORDS), of the octets of the table: kernels are compiled sooner for plain numbers."""
    return octets.view(np.uint32).reshape(-1, ROW_WORDS)


def longs_of(octets: Array) -> Array:
    """Rows as u64 (slots, ROW_LONGS)."""
    return octets.view(np.uint64).reshape(-1, ROW_LONGS)


def sum_keys(number: int, length: int) -> Array:
    """Keys u64 (SUM_ROWS,) of the sums of a class and a length of gap."""
    first = SUMS | number << 16 | length << 8
    return np.array([first + part for part in range(SUM_ROWS)], np.uint64)


def figures(rows: Array, slots: Array) -> Array:
    """Sums i64 (COLUMNS, FIGURES) of the rows ROW at slots i64 (SUM_ROWS,)."""
    wide = np.ascontiguousarray(rows["value"][slots]).view(np.int64)[:, : SUM_COLUMNS * FIGURES]
    found: Array = wide.reshape(-1, FIGURES)[:COLUMNS].copy()
    return found


def set_figures(rows: Array, slots: Array, sums: Array) -> None:
    """Write them back."""
    wide = np.zeros((SUM_ROWS, PART_PLACES // 2), np.int64)
    padded = np.zeros((SUM_ROWS * SUM_COLUMNS, FIGURES), np.int64)
    padded[:COLUMNS] = sums
    wide[:, : SUM_COLUMNS * FIGURES] = padded.reshape(SUM_ROWS, -1)
    rows["value"][slots] = wide.view(np.uint32)
