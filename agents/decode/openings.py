"""Blocks of models whose stamps open their interval: their rows get the stamp that closes it, as all others have.

Everything behind decode, and the choice of a row's link, goes by the end of the interval.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_rows import Rows
from pipeline.codes import Flag, Kind
from pipeline.columns import Array


def close_intervals(rows: Rows, count: int, links: Array) -> None:
    """Move the stamps of the first `count` rows from the start of their interval to its end; links: LINK.

    Head-ends' frames hold ends already.
    """
    blocks = (rows.kind[:count] == Kind.BLOCK) & (rows.flags[:count] & np.uint16(Flag.HEAD_END) == 0)
    rows.time[:count] += np.where(blocks, links["opens"][rows.link[:count]], 0)
