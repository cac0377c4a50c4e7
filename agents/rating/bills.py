"""What the registry and the tariff say of determinants: account, tariff version and bill."""

from __future__ import annotations

import numpy as np

from agents.rating.charges import MONTH, TariffBook, rate_periods
from agents.rating.kernels_settle import post_money
from agents.rating.rows import MONTH_KIND
from agents.rating.tables import Tariffs, versions_of
from pipeline.columns import Array
from pipeline.reference import Registry


def identify(rows: Array, registry: Registry, tariffs: Tariffs) -> None:
    """Account and tariff version of each row: of the row's point in the registry, when the period begins."""
    known = rows["holder"] >= 0
    place = np.full(len(rows), -1, np.int32)
    if known.any():
        holder = rows["holder"][known]
        rows["account"][known] = registry.account[holder].astype(np.int64)
        place[known] = tariffs.place[registry.tariff[holder]]
    version = np.empty(len(rows), np.int64)
    versions_of(place, rows["period_start"], tariffs.first, tariffs.last, tariffs.versions, version)
    rows["tariff"] = version
    rows["has_tariff"] = version >= 0


def complete(rows: Array) -> None:
    """The fields that follow from others, and the index."""
    rows["supersedes"] = rows["revision"] - 1
    rows["has_supersedes"] = rows["revision"] > 1
    for name in ("demand_w", "demand_start"):
        rows[f"has_{name}"] = rows["demand_start"] > 0
    for name in ("demand_va", "demand_va_start"):
        rows[f"has_{name}"] = rows["demand_va_start"] > 0
    wh, vah = rows["energy"][:, 0], rows["energy"][:, 1]
    rows["has_power_factor"] = vah > 0
    rows["power_factor"] = (2000 * wh + vah) // np.maximum(2 * vah, 1)
    rows["source_index"] = np.arange(len(rows))


def price(rows: Array, book: TariffBook, months: Array) -> tuple[Array, Array]:
    """Bills of the months: base, paise i64 (n, lines); what they come to goes into the rows and the state's `months`.

    Days are not rated. A tariff of whole units bills the units of energy plus carry; one of exact energy the energy.
    """
    rated = (rows["kind"] == MONTH_KIND) & (rows["has_tariff"] != 0)
    version = np.where(rated, rows["tariff"], -1)
    step = book.versions["step_wh"][np.maximum(version, 0)] if len(book.versions) else np.ones(len(rows), np.int64)
    exact = np.maximum(np.where(step > 1, rows["units"], rows["energy"][:, 0]), 0)
    units = np.where(rated, exact - exact % step, 0)
    base = np.zeros((len(rows), book.widest), np.int64)
    paise, total = np.zeros_like(base), np.zeros(len(rows), np.int64)
    whole = np.full(len(rows), MONTH, np.int64)
    rate_periods(units, whole, version.astype(np.int32), book.versions, book.lines, base, paise, total)
    post_money(rows, version, total, months)
    rows["units"], rows["total_paise"] = units, total
    rows["has_total_paise"] = rows["has_delta_paise"] = rated
    return base, paise
