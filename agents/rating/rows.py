"""One determinant as a record of 64-bit numbers: what the kernels write and the encoder reads.

A field `has_x` says whether the nullable field x is there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.rating.state import ZONES
from pipeline.channels import ENERGY, N_ENERGY
from pipeline.columns import Array
from schemas.common import STATE
from schemas.determinants import DETERMINANT_KIND, DETERMINANT_REASON, REGISTER_SOURCE

KINDS = tuple(name for name, _ in DETERMINANT_KIND)
REASONS = tuple(name for name, _ in DETERMINANT_REASON)
SOURCES = tuple(name for name, _ in REGISTER_SOURCE)
STATES = tuple(name for name, _ in STATE)

DAY_KIND, MONTH_KIND = KINDS.index("DAY"), KINDS.index("MONTH")
FIRST = REASONS.index("FIRST")
LATE_DATA = REASONS.index("LATE_DATA")
RE_ESTIMATED = REASONS.index("RE_ESTIMATED")
FINALISED = REASONS.index("FINALISED")
EDITED = REASONS.index("EDITED")
RUNNING = REASONS.index("RUNNING")
FROM_REGISTERS, FROM_INTERVALS = SOURCES.index("REGISTERS"), SOURCES.index("INTERVALS")

# Of the schema, in its names where it has one.
_PLAIN = (
    "account", "service_point", "period_start", "period_end", "kind", "revision", "supersedes", "has_supersedes",
    "reason", "state", "meter_segments", "estimated_wh", "demand_w", "demand_start", "demand_va", "demand_va_start",
    "has_demand_w", "has_demand_start", "has_demand_va", "has_demand_va_start", "power_factor", "has_power_factor",
    "intervals_expected", "intervals_actual", "intervals_estimated", "intervals_missing", "intervals_suspect",
    "tariff", "has_tariff", "total_paise", "has_total_paise", "delta_paise", "has_delta_paise", "lineage_from",
    "lineage_to", "source_index",
)  # fmt: skip
_OWN = ("slot", "holder", "month", "days", "extra", "source", "has_opening", "has_closing", "units")

ROW = np.dtype(
    [
        *((name, "<i8") for name in (*_PLAIN, *_OWN)),
        ("energy", "<i8", (N_ENERGY,)),
        ("delta", "<i8", (N_ENERGY,)),
        ("opening", "<i8", (N_ENERGY,)),
        ("closing", "<i8", (N_ENERGY,)),
        ("zones", "<i8", (ZONES,)),
    ]
)
"""`tariff` is a row of TariffBook.versions, `units` the Wh billed with what was carried into the month, `days` how many
settled days are in it, `extra` its row of fine.Extras or -1; `slot`, `holder` (row of the registry's points) and
`month` say where it came from."""


def new_rows(count: int) -> Array:
    """Rows that are not cleared: at midnight there are many, and kernels write every field."""
    return np.empty(count, ROW)


COLUMNS = ROW.itemsize // 8


def column_of(field: str) -> int:
    """Place of a plain field of the schema in the row seen as int64 (COLUMNS,)."""
    fields: Any = ROW.fields
    for name, group in (("energy", ""), ("delta", "delta_")):
        for place, channel in enumerate(ENERGY):
            if field == group + channel.name:
                return int(fields[name][1]) // 8 + place
    return int(fields[field][1]) // 8
