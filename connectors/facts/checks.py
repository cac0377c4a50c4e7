"""A check meter's energy of an interval as a statement of the service point. Pure: no socket, no clock.

The statement has the number of the fact's revision, and of one begin the larger number holds, so nothing needs to be
remembered of facts that were told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.channels import ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.reading_frames import EARLIEST, LATEST
from pipeline.statement_frames import ROW, Statement, StatementFrame

CHANNEL = ENERGY[0].name
"""Main and check meter are compared by their import."""
GRID_SECS = 900
MOST_WH = 10**12
LARGEST_NUMBER, LARGEST_POINT = (1 << 56) - 1, (1 << 56) - 1
"""Bounds of the stage `checks`, which keeps numbers and points in fewer bits."""


def check_statement(record: Mapping[str, Any], offset_secs: int) -> StatementFrame | None:
    """The statement of a fact of kind CHECK; None for what is not compared: another channel, or an interval that does
    not lie on quarters of an hour within one local day. Raises ValueError for energy that cannot be.
    """
    start, until, energy = record["from_time"], record["until_time"], record["energy"]
    if energy is None or abs(energy) > MOST_WH:
        raise ValueError(f"{energy} is no energy of an interval")
    if not EARLIEST <= start < LATEST or until is None or until <= start:
        raise ValueError("it is not of an interval in the years 2000 to 2099")
    if not 0 < record["service_point"] <= LARGEST_POINT:
        raise ValueError(f"it is of no service point from 1 to {LARGEST_POINT}")
    if not 0 < record["revision"] <= LARGEST_NUMBER:
        raise ValueError(f"its revision is not from 1 to {LARGEST_NUMBER}")
    local = start + offset_secs
    whole = local % GRID_SECS == 0 and until % GRID_SECS == start % GRID_SECS
    if record["channel"] != CHANNEL or not whole or local % DAY_SECS + until - start > DAY_SECS:
        return None
    rows = np.zeros(1, ROW)
    rows["start"], rows["secs"] = start, until - start
    if record["confirmed"]:
        rows["present"], rows["energy"][0, 0] = 1, energy
    return StatementFrame(
        Statement.CHECK, record["service_point"], record["revision"], record["said_at"], rows, record["id"],
        record["who"] or record["source"], record["why"],
    )  # fmt: skip
