"""Kernels of rating: what the registry, the tariff and the bill say of determinants."""

from __future__ import annotations

import numpy as np

from agents.rating.rows import MONTH_KIND
from agents.rating.state import MONTH
from agents.rating.tables import version_at
from pipeline.jit import AHEAD, kernel, prefetch

_FIELDS = MONTH.fields
assert _FIELDS is not None
PAISE_AT, MONTH_OCTETS = int(_FIELDS["paise"][1]), MONTH.itemsize


@kernel
def identify(rows, account, tariff, tariffs, version, units):  # type: ignore[no-untyped-def]
    """Fill in what the registry says of rows ROW (n,), and what follows from their other fields.

    account, tariff: columns of the registry's points; tariffs: tables.Tariffs. Out: version i32 (n,), row of the tariff
    version that a month is rated by, -1 for none; units i64 (n,), the Wh that are billed.
    """
    for item in range(rows.shape[0]):
        row = rows[item]
        found = np.int64(-1)
        row.account = 0
        if row.holder >= 0:
            row.account = np.int64(account[row.holder])
            place = tariffs.place[tariff[row.holder]]
            if place >= 0:
                found = version_at(place, row.period_start, tariffs.first, tariffs.last, tariffs.versions)
        row.tariff, row.has_tariff = found, found >= 0
        _complete(row)
        row.source_index = item
        version[item], units[item] = -1, 0
        # A tariff without lines is one that this stage does not rate.
        if row.kind == MONTH_KIND and found >= 0 and tariffs.versions[found].lines > 0:
            step = tariffs.versions[found].step_wh
            exact = max(row.units if step > 1 else row.energy[0], np.int64(0))
            version[item], units[item] = found, exact - exact % step


@kernel
def _complete(row):  # type: ignore[no-untyped-def]
    """The fields that follow from others."""
    row.supersedes, row.has_supersedes = row.revision - 1, row.revision > 1
    row.has_demand_w = row.has_demand_start = row.demand_start > 0
    row.has_demand_va = row.has_demand_va_start = row.demand_va_start > 0
    wh, vah = row.energy[0], row.energy[1]
    row.has_power_factor = vah > 0
    row.power_factor = (2000 * wh + vah) // max(2 * vah, np.int64(1))


@kernel
def post_money(rows, version, units, total, months):  # type: ignore[no-untyped-def]
    """What months are billed: units i64 (n,) Wh, total i64 (n,) paise, and in rows.delta_paise the difference to what
    the month's last determinant came to, which then is this one. months: tables.Marked."""
    for item in range(rows.shape[0]):
        if item + AHEAD < rows.shape[0]:
            coming = rows[item + AHEAD]
            prefetch(months.octets, coming.slot * MONTH_OCTETS + PAISE_AT + 8 * (coming.month % 2))
        row, rated = rows[item], version[item] >= 0
        row.units, row.total_paise = units[item], total[item]
        row.has_total_paise = row.has_delta_paise = rated
        row.delta_paise = 0
        if rated:
            stored = months.rows[0, row.slot]
            row.delta_paise = total[item] - stored.paise[row.month % 2]
            stored.paise[row.month % 2] = total[item]
