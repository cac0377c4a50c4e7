"""One slot of the state in numbers of 64 bits: what kernels reckon with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.rating.state import M_WORDS, SETTLED_NUMBERS, ZONES
from pipeline.channels import N_ENERGY
from pipeline.columns import Array

OPEN_DAY = np.dtype(
    [
        ("day", "<i8"),
        ("touched", "<i8"),  # flags TOUCHED, EDITED_DAY
        ("zones", "<i8", (ZONES,)),
        ("first_offset", "<i8"),  # -1: none
        ("last_offset", "<i8"),
    ]
)
"""As state.DAY."""

OPEN_SETTLED = np.dtype(
    [
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("revision", "<i8"),
        ("state", "<i8"),
        ("registers", "<i8"),
        ("demand_w", "<i8"),
        ("demand_va", "<i8"),
        ("demand_start", "<i8"),  # epoch seconds, 0 without a demand
        ("demand_va_start", "<i8"),
        ("counts", "<i8", (4,)),  # actual, estimated, missing, suspect
    ]
)
"""As state.SETTLED."""

OPEN_MONTH = np.dtype(
    [
        ("month", "<i8"),
        ("revision", "<i8"),
        ("state", "<i8"),
        ("known", "<i8"),
        ("carry_wh", "<i8"),
        ("last_day", "<i8"),
        ("days", "<i8"),
        ("register_days", "<i8"),
        ("exchange_days", "<i8"),
        ("demand_w", "<i8"),
        ("demand_va", "<i8"),
        ("demand_start", "<i8"),
        ("demand_va_start", "<i8"),
        ("counts", "<i8", (4,)),
        ("zones", "<i8", (ZONES,)),
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("first_offset", "<i8"),
        ("last_offset", "<i8"),
        ("opening", "<i8", (N_ENERGY,)),  # meter-side registers
        ("closing", "<i8", (N_ENERGY,)),
    ]
)
"""One of the months of state.MONTH: sums of its closed days, and its head."""


class Work(NamedTuple):
    """A slot taken apart: days OPEN_DAY (slices,), settled OPEN_SETTLED (slices,), months OPEN_MONTH (2,) by month % 2.

    What was changed, u1: days_changed, settled_changed (slices,), month_changed (1,). Scratch: OPEN_MONTH (1,), and the
    numbers as they are stored, words i64 (M_WORDS + 2,), numbers i64 (slices, SETTLED_NUMBERS)."""

    days: Array
    settled: Array
    months: Array
    scratch: Array
    days_changed: Array
    settled_changed: Array
    month_changed: Array
    words: Array
    numbers: Array


def new_work(slices: int) -> Work:
    """Room for a slot of so many days."""
    return Work(
        np.zeros(slices, OPEN_DAY),
        np.zeros(slices, OPEN_SETTLED),
        np.zeros(2, OPEN_MONTH),
        np.zeros(1, OPEN_MONTH),
        np.zeros(slices, np.uint8),
        np.zeros(slices, np.uint8),
        np.zeros(1, np.uint8),
        np.zeros(M_WORDS + 2, np.int64),
        np.zeros((slices, SETTLED_NUMBERS), np.int64),
    )
