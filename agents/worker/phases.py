"""Moments of a worker process, in the order of a record's life and of a checkpoint's."""

from __future__ import annotations

PHASES = (
    "in-batch",  # the steps have run, nothing is handed to the producer
    "in-outputs",  # some outputs of a batch are handed to the producer
    "before-flush",  # pages are copied, outputs are under way
    "after-flush",  # outputs are acknowledged, nothing of the checkpoint is written
    "in-pages",  # page records are in an open transaction
    "before-commit",  # pages and head are written, the transaction is open
    "after-commit",  # the transaction is committed, the group does not know
    "after-position",  # the group has the position
    "in-restore",  # a new owner has fenced the old one and is reading
    "in-rebalance",  # partitions are being taken away
    "in-shutdown",  # a clean stop has begun
)
