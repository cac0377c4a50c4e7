"""The columns that a bill is rated by: what `engine.quantities.Quantities` says, as a row of int64.

One array int64 (bills, WIDTH). A value that is not known is 0, and its bit in the column `known` is not set; a column
without a bit is 0 when there is nothing. Energy is Wh, VAh, varh; power W and VA; money paise; lengths and factors are
exact fractions, a numerator beside a denominator above 0. Zones count as in the tariff's calendar, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array

BULK_ZONES = 8
"""Zones that a tariff may have here."""
WHOLE_ZONE = BULK_ZONES
"""Where the bank keeps what belongs to no zone."""
LARGEST_ENERGY = 10**15
"""Wh, VAh or varh of a period; a bill with more is refused."""
LARGEST_POWER = 10**12
"""W or VA; a bill with more is refused."""


@dataclass(frozen=True)
class Column:
    """A column, or `count` of them side by side. known: name of its bit; empty: it is always known."""

    name: str
    unit: str
    doc: str
    known: str = ""
    count: int = 1


COLUMNS = (
    Column("known", "bits", "which values are known: the bits of KNOWN"),
    Column("marks", "bits", "marks of consumer and payment (prepaid, bpl): bits as the book of tariffs numbers them"),
    Column("follows", "0 or 1", "1: the next part of the bill in the row before; its carry and bank come in"),
    Column("wh_imp", "Wh", "imported energy of the period"),
    Column("wh_exp", "Wh", "exported energy"),
    Column("wh_generation", "Wh", "whole generation, at a meter of its own"),
    Column("vah_imp", "VAh", "apparent energy imported", "vah"),
    Column("varh_lag", "varh", "reactive energy, lagging", "varh_lag"),
    Column("varh_lead", "varh", "reactive energy, leading", "varh_lead"),
    Column("zone_wh_imp", "Wh", "imported energy by zone; what is missing to the whole is in no zone", "zones_wh",
           BULK_ZONES),
    Column("zone_vah_imp", "VAh", "apparent energy imported, by zone", "zones_vah", BULK_ZONES),
    Column("zone_wh_exp", "Wh", "exported energy by zone; what is missing to the whole is in no zone", "",
           BULK_ZONES),
    Column("bank_wh", "Wh", "surplus carried into the period, by zone; the last is of no zone", "", BULK_ZONES + 1),
    Column("md_w", "W", "recorded demand of the whole day", "md_w"),
    Column("md_va", "VA", "the same, apparent", "md_va"),
    Column("md_window_w", "W", "recorded demand within the tariff's window", "md_window_w"),
    Column("md_window_va", "VA", "the same, apparent", "md_window_va"),
    Column("history", "W or VA", "highest billing demand of the months before that the tariff counts", "history"),
    Column("load_w", "W", "sanctioned load", "load_w"),
    Column("load_va", "VA", "contract demand", "load_va"),
    Column("phases", "", "phases of the connection, 1 or 3", "phases"),
    Column("begin_day", "days", "first local day, counted since 1970-01-01", "begins"),
    Column("days", "days", "days of the period; not known: a whole billing cycle", "days"),
    Column("slab_months", "months", "numerator of the length that slab bounds follow, where the days do not say it",
           "slab_months"),
    Column("slab_months_in", "", "and its denominator", "slab_months"),
    Column("fixed_months", "months", "numerator of the length that fixed charges follow, where the days do not say it",
           "fixed_months"),
    Column("fixed_months_in", "", "and its denominator", "fixed_months"),
    Column("power_factor", "", "numerator of the average power factor, where it is read and not computed",
           "power_factor"),
    Column("power_factor_in", "", "and its denominator", "power_factor"),
    Column("hours", "h", "numerator of the period's hours; not known: 24 for each day", "hours"),
    Column("hours_in", "", "and its denominator", "hours"),
    Column("dark_hours", "h", "numerator of the hours without supply"),
    Column("dark_hours_in", "", "and its denominator; 0 is 1"),
    Column("arrears_paise", "paise", "what is in arrears"),
    Column("arrears_days", "days", "for so many days"),
)  # fmt: skip

KNOWN = tuple(dict.fromkeys(column.known for column in COLUMNS if column.known))
"""Names of the bits of `known`, from the lowest."""


def _places() -> dict[str, int]:
    found, place = {}, 0
    for column in COLUMNS:
        found[column.name] = place
        place += column.count
    return found


PLACES = _places()
"""First place of each column."""
WIDTH = sum(column.count for column in COLUMNS)


def bit(name: str) -> int:
    """The bit of a value in `known`."""
    return 1 << KNOWN.index(name)


# For kernels, which take constants.
K_ZONES_WH, K_ZONES_VAH, K_VAH = bit("zones_wh"), bit("zones_vah"), bit("vah")
K_VARH_LAG, K_VARH_LEAD, K_POWER_FACTOR = bit("varh_lag"), bit("varh_lead"), bit("power_factor")
K_MD_W, K_MD_VA, K_MD_WINDOW_W, K_MD_WINDOW_VA = bit("md_w"), bit("md_va"), bit("md_window_w"), bit("md_window_va")
K_HISTORY, K_LOAD_W, K_LOAD_VA, K_PHASES = bit("history"), bit("load_w"), bit("load_va"), bit("phases")
K_BEGINS, K_DAYS, K_HOURS = bit("begins"), bit("days"), bit("hours")
K_SLAB_MONTHS, K_FIXED_MONTHS = bit("slab_months"), bit("fixed_months")

QUANTITY = np.dtype([(c.name, "<i8") if c.count == 1 else (c.name, "<i8", (c.count,)) for c in COLUMNS])
"""A row as a record: kernels take `columns.view(QUANTITY)`, which copies nothing."""


def new_quantities(bills: int) -> Array:
    """Rows int64 (bills, WIDTH) in which nothing is known."""
    return np.zeros((bills, WIDTH), np.int64)


def records(columns: Array) -> Array:
    """The rows int64 (bills, WIDTH), C-contiguous, as QUANTITY (bills,)."""
    return columns.view(QUANTITY)[:, 0]
