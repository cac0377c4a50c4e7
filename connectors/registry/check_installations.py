"""Checks of `installations`: who stands where and when, factor, registers at an exchange."""

from __future__ import annotations

from math import gcd

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from connectors.registry.spans import Book, Spans, check_reversed, check_spans, ends_of
from connectors.registry.tables import CLOSING, OPENING, REGISTERS, U32
from pipeline.columns import Array
from pipeline.templates import template_arrays

OF_METER = Spans("system_title", "installed_at", "removed_at", "METER_OVERLAP", None)
OF_POINT = Spans("service_point", "installed_at", "removed_at", "INSTALLATION_OVERLAP", "INSTALLATION_GAP")


def check_installations(rows: Rows, meters: Rows, titles: Book, points: Rows, book: Book, findings: Findings) -> None:
    """Check the installations against meters and service points, and among themselves."""
    unknown = rows.usable("system_title") & (titles.find(rows["system_title"]) < 0) & meters.there
    rows.fault(findings, "METER_UNKNOWN", "system_title", unknown)
    unplaced = rows.usable("service_point") & (book.find(rows["service_point"]) < 0) & points.there
    rows.fault(findings, "POINT_UNKNOWN", "service_point", unplaced)
    dated = check_reversed(rows, "installed_at", "removed_at", findings)
    _check_factors(rows, findings)
    _check_registers(rows, meters, titles, findings)
    check_spans(rows, OF_METER, dated, findings)
    check_spans(rows, OF_POINT, dated, findings)
    _check_within(rows, points, book, dated, findings)


def factors(rows: Rows) -> tuple[Array, Array]:
    """(numerator, denominator) i64 (n,) of the multiplying factor, a value beyond u32 where it is too large.

    `factor` as it is written; else CTR x PTR in lowest terms.
    """
    ct, pt = _or_one(rows, "ct_ratio"), _or_one(rows, "pt_ratio")
    above, below = ct[:, 0].copy(), ct[:, 1].copy()
    special = np.flatnonzero((ct != 1).any(axis=1) | (pt != 1).any(axis=1))
    for row in special.tolist():
        upper, lower = int(ct[row, 0]) * int(pt[row, 0]), int(ct[row, 1]) * int(pt[row, 1])
        common = gcd(upper, lower)
        above[row], below[row] = min(upper // common, U32 + 1), min(lower // common, U32 + 1)
    given = rows.given["factor"] & rows.fine["factor"]
    own = rows["factor"]
    return np.where(given, own[:, 0], above), np.where(given, own[:, 1], below)


def _or_one(rows: Rows, column: str) -> Array:
    given = rows.given[column] & rows.fine[column]
    return np.where(given[:, None], rows[column], 1)


def _check_factors(rows: Rows, findings: Findings) -> None:
    usable = rows.usable("factor", "ct_ratio", "pt_ratio")
    above, below = factors(rows)
    large = usable & ((above > U32) | (below > U32))
    rows.fault(findings, "OUT_OF_RANGE", "ct_ratio", large, details="CTR x PTR")
    both = np.flatnonzero(
        usable & ~large & rows.given["factor"] & (rows.given["ct_ratio"] | rows.given["pt_ratio"])
    )  # fmt: skip
    differs = [row for row in both.tolist() if not _same_factor(rows, row)]
    rows.fault(findings, "FACTOR_DIFFERS", "factor", np.array(differs, np.int64))


def _same_factor(rows: Rows, row: int) -> bool:
    ct, pt = _or_one(rows, "ct_ratio")[row].tolist(), _or_one(rows, "pt_ratio")[row].tolist()
    own = rows["factor"][row].tolist()
    return bool(own[0] * ct[1] * pt[1] == own[1] * ct[0] * pt[0])


def known(rows: Rows, columns: tuple[str, ...]) -> Array:
    """Rows of which the register of active import in `columns` is given; the others count as 0 then."""
    return rows.given[columns[0]] & rows.fine[columns[0]]


def templates(rows: Rows, meters: Rows, titles: Book) -> Array:
    """Template i64 (n,) of each installation: its own, else its meter's; 0 where neither is known."""
    own = rows.given["template"] & rows.fine["template"]
    meter = titles.row(rows["system_title"])
    there = (meter >= 0) & rows.fine["system_title"]
    of_meter = meters["template"][np.maximum(meter, 0)] if len(meters) else np.zeros(len(rows), np.int64)
    return np.where(own, rows["template"], np.where(there, of_meter, 0))


def _check_registers(rows: Rows, meters: Rows, titles: Book, findings: Findings) -> None:
    for columns in (OPENING, CLOSING):
        any_other = np.zeros(len(rows), bool)
        for name in columns[1:]:
            any_other |= rows.given[name]
        lacking = rows.usable(*columns) & any_other & ~rows.given[columns[0]]
        rows.fault(findings, "REGISTER_PARTIAL", columns[0], lacking)
    modulus = template_arrays().modulus[templates(rows, meters, titles)]
    for name in (*OPENING, *CLOSING):
        beyond = rows.usable(name) & rows.given[name] & (modulus > 0) & (rows[name] >= np.maximum(modulus, 1))
        rows.fault(findings, "OUT_OF_RANGE", name, beyond, details="the meter's registers start again before")
    standing = rows.usable("removed_at", *CLOSING) & ~rows.given["removed_at"] & known(rows, CLOSING)
    rows.fault(findings, "CLOSING_WITHOUT_REMOVAL", CLOSING[0], standing)
    both = rows.usable(*OPENING, *CLOSING) & known(rows, OPENING) & known(rows, CLOSING)
    for opening, closing, _ in zip(OPENING, CLOSING, REGISTERS, strict=True):
        back = both & (rows[closing] < rows[opening])
        rows.fault(findings, "REGISTER_BACKWARDS", closing, back & (modulus == 0))
        rows.fault(findings, "REGISTER_ROLLED", closing, back & (modulus > 0) & ~rows.bad)


def _check_within(rows: Rows, points: Rows, book: Book, dated: Array, findings: Findings) -> None:
    """A meter stands within what the rows of its point span, from the first beginning to the last end."""
    at = np.flatnonzero(points.usable("service_point", "valid_from", "valid_to"))
    place = book.find(points["service_point"][at])
    begins = np.full(len(book.ids), np.iinfo(np.int64).max)
    ends = np.full(len(book.ids), np.iinfo(np.int64).min)
    np.minimum.at(begins, place, points["valid_from"][at])
    np.maximum.at(ends, place, ends_of(points, "valid_to")[at])
    mine = np.flatnonzero(dated & ~rows.bad & rows.usable("service_point"))
    place = book.find(rows["service_point"][mine])
    mine, place = mine[place >= 0], place[place >= 0]
    told = begins[place] <= ends[place]
    out = (rows["installed_at"][mine] < begins[place]) | (ends_of(rows, "removed_at")[mine] > ends[place])
    rows.fault(findings, "INSTALLATION_OUTSIDE_POINT", "installed_at", mine[told & out])
