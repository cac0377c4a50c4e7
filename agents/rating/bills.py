"""What the registry and the tariff say of determinants: account, tariff version and bill."""

from __future__ import annotations

import numpy as np

from agents.rating.charges import MONTH, TariffBook, rate_periods
from agents.rating.kernels_bills import identify, post_money
from agents.rating.tables import Marked, Tariffs
from pipeline.columns import Array
from pipeline.reference import Registry


def bill(rows: Array, registry: Registry, tariffs: Tariffs, book: TariffBook, months: Marked) -> tuple[Array, Array]:
    """Complete rows ROW (n,) and rate the months among them: base, paise i64 (n, lines); what they come to goes into
    the rows and into the state's `months`.

    Account and tariff are those of the row's point in the registry when the period begins. Days are not rated. A tariff
    of whole units bills the units of energy plus carry; one of exact energy the energy.
    """
    count = len(rows)
    version, units = np.empty(count, np.int32), np.empty(count, np.int64)
    identify(rows, registry.account, registry.tariff, tariffs, version, units)
    base = np.empty((count, book.widest), np.int64)
    paise, total = np.empty_like(base), np.empty(count, np.int64)
    whole = np.full(count, MONTH, np.int64)
    rate_periods(units, whole, version, book.versions, book.lines, base, paise, total)
    post_money(rows, version, units, total, months)
    return base, paise
