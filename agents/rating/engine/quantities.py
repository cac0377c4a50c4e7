"""What a period is rated by. Energy is Wh, VAh and varh, demand and load W and VA, money paise: integers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

WHOLE = ""
"""Zone of what is not split by zones."""


class Missing(Exception):
    """A charge needs a quantity that is not given."""

    def __init__(self, quantity: str) -> None:
        super().__init__(quantity)
        self.quantity = quantity


@dataclass(frozen=True)
class Quantities:
    """One period of one connection. None: not known; a charge that needs it is named in the bill's `missing`."""

    wh: int
    """Imported energy."""
    days: int | None = None
    """Days of the period; None: a whole billing cycle."""
    slab_months: Fraction | None = None
    """Length that slab bounds follow, in months, where it is not that of the days."""
    fixed_months: Fraction | None = None
    """Length that fixed charges follow, in months, where it is not that of the days."""
    begins: datetime.date | None = None
    """First local day."""
    zones_wh: Mapping[str, int] = field(default_factory=dict)
    """Imported energy by zone; what is missing to `wh` is in no zone."""
    vah: int | None = None
    zones_vah: Mapping[str, int] = field(default_factory=dict)
    varh_lag: int | None = None
    varh_lead: int | None = None
    power_factor: Fraction | None = None
    """Average power factor, where it is read and not computed."""
    export_wh: int = 0
    zones_export_wh: Mapping[str, int] = field(default_factory=dict)
    generation_wh: int = 0
    """Whole generation, at a meter of its own: gross metering."""
    bank_wh: Mapping[str, int] = field(default_factory=dict)
    """Surplus carried into the period, by zone."""
    md_w: int | None = None
    """Recorded demand of the whole day."""
    md_va: int | None = None
    md_window_w: int | None = None
    """Recorded demand within the billing-demand window."""
    md_window_va: int | None = None
    demand_history: tuple[int, ...] = ()
    """Billing demands of the months before, newest first, W or VA as the tariff's demand."""
    load_w: int | None = None
    """Sanctioned load."""
    load_va: int | None = None
    """Contract demand."""
    phases: int | None = None
    hours: Fraction | None = None
    """Hours of the period; None: 24 for each day."""
    interruption_hours: Fraction = Fraction(0)
    flags: frozenset[str] = frozenset()
    """Marks of the consumer and the payment: prepaid, online, bpl."""
    adjustments: Mapping[str, tuple[Decimal, ...]] = field(default_factory=dict)
    """Values of this month's FAC or FPPAS by code of the charge; one, or one for each slab."""
    arrears_paise: int = 0
    arrears_days: int = 0
