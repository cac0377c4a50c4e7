"""Revision of the sanctioned load (rule 5 of the consumer rules, amended 2023).

A load is revised only when recorded demand exceeded it at least three times in a financial year, to the lowest of those
months' demands: 5 kW with demands of 4, 5.6, 5.2, 5.9, 4.8 and 5.4 kW becomes 5.2 kW.
"""

from __future__ import annotations

from collections.abc import Sequence

TIMES = 3


def revised_load(sanctioned: int, demands: Sequence[int]) -> int | None:
    """The new load, in the unit of the arguments (W or VA), or None. demands: of the months of one financial year."""
    above = [demand for demand in demands if demand > sanctioned]
    return min(above) if len(above) >= TIMES else None
