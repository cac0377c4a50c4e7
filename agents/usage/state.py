"""State of the usage stage: the running month and twelve before it, a service point a slot.

Only days that have left the hot window are taken, each once, so nothing of the days within it is kept. Figures that
others are compared with are 16-bit codes of 12 significant bits (`kernels_code`). Why, and what it takes:
docs/decisions/0016-usage-state.md.
"""

from __future__ import annotations

import numpy as np

from agents.usage.config import UsageConfig
from pipeline.state import Layout, Table

YEAR = 12

RUN_BITS = 4
LONGEST_RUN = (1 << RUN_BITS) - 1
"""Months of one exception; a longer run becomes another one."""

POINT = np.dtype(
    [
        ("use", "<u4"),  # Wh of the known days of the running month, lower 32 bits
        ("runs", "<u2"),  # months of the running exceptions of V17, V18, V19, V22, RUN_BITS each
        ("peak", "<u2"),  # code of the month's highest interval, W; 0: none
        ("last", "<u2"),  # last local day taken; 0: none
        ("balance", "<i2"),  # of the month: intervals that did not come less those that did
        ("use_high", "u1"),  # bits 32-39 of `use`
        ("days", "u1"),  # known days of the month
        ("estimated", "u1"),  # months in a row of which most intervals did not come
        ("before", "u1"),  # known days of the month before in bits 0-3, of that before it in 4-7: see `days_code`
    ]
)

MONTH = np.dtype([("use", "<u2"), ("peak", "<u2")])
"""Codes of a closed month, slice = month % YEAR: use a day, 1/16 Wh; highest interval, W. 0: it is not judged."""

SPAN = np.dtype([("low", "<u4"), ("high", "u1")])
"""Wh that the registers moved on the day `last`, + 1; 0: not known."""


DEMAND = np.dtype([("code", "<u2"), ("day", "<u2"), ("heard", "<u2")])
"""The maximum demand that the meter told last: its code, W, meter side; its local day; and the local day of telling."""


def layout(config: UsageConfig) -> Layout:
    """Tables; what V20 needs is kept where it is judged."""
    spans = (Table("spans", SPAN),) if config.register_change_percent and "V20" not in config.without else ()
    demands = (Table("demands", DEMAND),) if config.demand_secs and "V28" not in config.without else ()
    return Layout("usage", 1, (Table("points", POINT), Table("months", MONTH, YEAR), *spans, *demands))
