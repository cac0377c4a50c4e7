"""State of the exceptions stage: a row a service point that has had something to look at lately, and no other.

The key is the service point; the page is one of the partition's (`pipeline.keyed`), since rows come and go. What is
said of a local day stands at place day mod WINDOW. Runs of days are bits: bit n is the day `newest` - n.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.config import WINDOW
from pipeline.state import Layout, Table

POINT = np.dtype(
    [
        ("newest", "<i8"),  # local day of bit 0; of the row SWEPT: the last day that was swept
        ("zero", "<u8"),  # days without any use
        ("estimated", "<u8"),  # days of which no interval came
        ("zero_from", "<i8"),  # first day of the run that is open; 0: none
        ("estimated_from", "<i8"),
        ("days", "<u2", (WINDOW,)),  # local day of each place; 0: none
        ("seen", "<u4", (WINDOW,)),  # bits of rules that failed at some reading of the day
        ("open", "<u4", (WINDOW,)),  # bits of rules whose exception is open; those of days are below READING_BITS
        ("since", "<i8"),  # the load switch has been open from then on, epoch seconds; 0: it is not known to be
        ("until", "<i8"),  # until then; 0: it still is
        ("heard", "<i8"),  # the newest value that said so
    ]
)

SWEPT = np.uint64(2**64 - 1)
"""Key of the row that is no service point's."""

LAYOUT = Layout("exceptions", 3, (Table("points", POINT),))
