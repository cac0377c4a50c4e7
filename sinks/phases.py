"""Moments of a sink process, in the order of a block's life."""

from __future__ import annotations

PHASES = (
    "sink-read",  # messages are read, and lie in memory only
    "sink-planned",  # the plan of a block is committed, nothing of it is written
    "sink-in-block",  # a table of the block is written, others are not
    "sink-written",  # the block is written, its end is not committed
    "sink-committed",  # the position is committed
    "sink-in-shutdown",  # a clean stop has begun
)
