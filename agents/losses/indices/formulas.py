"""The formulas of AT&C loss that are known by name. A published one is never changed: a new one is added."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

ALL = Fraction(1)
"""Cap of the collection efficiency: 100 %."""


@dataclass(frozen=True)
class Formula:
    """One revision of the methodology, and how it treats what the revisions differ in."""

    code: str
    meaning: str
    subsidy_arrears: bool
    """Subsidy received in the period for earlier ones counts in row F."""
    ce_cap: Fraction | None = None
    """Highest collection efficiency that counts; None: none."""
    include_wheeling: bool = False
    """Wheeled and open-access units stay in input and sales; no shipped formula does so, it is there to compare."""


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "mop-2023-07",
        "Ministry of Power, July 2023: all subsidy received in the period counts, arrears too; no cap",
        subsidy_arrears=True,
    ),
    Formula(
        "mop-2023-07-capped",
        "Ministry of Power, July 2023, with the collection efficiency capped at 100 %",
        subsidy_arrears=True,
        ce_cap=ALL,
    ),
    Formula(
        "cea-2016-17",
        "CEA's methodology of 2016-17: subsidy received for the period counts, arrears of earlier ones do not; no cap",
        subsidy_arrears=False,
    ),
    Formula(
        "cea-2016-17-capped",
        "CEA 2016-17, with the collection efficiency capped at 100 %, as PFC's older reports have it",
        subsidy_arrears=False,
        ce_cap=ALL,
    ),
)
"""The first is the one that holds today."""

BY_CODE = {formula.code: formula for formula in FORMULAS}
