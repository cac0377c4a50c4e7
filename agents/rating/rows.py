"""One determinant as a record of numbers: what the kernels write and the encoder reads."""

from __future__ import annotations

import numpy as np

from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from schemas.records import DETERMINANT_KIND, DETERMINANT_REASON, REGISTER_SOURCE, STATE

KINDS = tuple(name for name, _ in DETERMINANT_KIND)
REASONS = tuple(name for name, _ in DETERMINANT_REASON)
SOURCES = tuple(name for name, _ in REGISTER_SOURCE)
STATES = tuple(name for name, _ in STATE)

DAY_KIND, MONTH_KIND = KINDS.index("DAY"), KINDS.index("MONTH")
FIRST = REASONS.index("FIRST")
LATE_DATA = REASONS.index("LATE_DATA")
RE_ESTIMATED = REASONS.index("RE_ESTIMATED")
FINALISED = REASONS.index("FINALISED")
RUNNING = REASONS.index("RUNNING")
FROM_REGISTERS, FROM_INTERVALS = SOURCES.index("REGISTERS"), SOURCES.index("INTERVALS")

ROW = np.dtype(
    [
        ("account", "<u8"),
        ("service_point", "<u8"),
        ("slot", "<i8"),
        ("month", "<i4"),
        ("version", "<i4"),  # row of TariffBook.versions; -1: not rated
        ("period_start", "<i8"),
        ("period_end", "<i8"),
        ("kind", "<u1"),
        ("reason", "<u1"),
        ("state", "<u1"),
        ("source", "<u1"),
        ("known", "<u1"),  # bits: 1 opening, 2 closing register known
        ("segments", "<i4"),
        ("revision", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),
        ("delta", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("opening", "<i8", (N_ENERGY,)),
        ("closing", "<i8", (N_ENERGY,)),
        ("zones", "<i8", (ZONES,)),
        ("demand_w", "<i8"),
        ("demand_va", "<i8"),
        ("demand_start", "<i8"),  # 0: none
        ("demand_va_start", "<i8"),
        ("counts", "<i8", (4,)),  # actual, estimated, missing, suspect
        ("expected", "<i8"),
        ("units", "<i8"),  # Wh billed: whole units, with the carry
        ("delta_paise", "<i8"),
        ("first_offset", "<i8"),
        ("last_offset", "<i8"),
    ]
)
