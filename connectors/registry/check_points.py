"""Checks of `service_points`: validity, account, tariff, place in the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from connectors.registry.spans import Book, Spans, book_of, check_reversed, check_spans, ends_of
from pipeline.codes import Level, Role
from pipeline.columns import Array

VALIDITY = Spans("service_point", "valid_from", "valid_to", "POINT_OVERLAP", "POINT_GAP")


@dataclass(frozen=True)
class Calendar:
    """Tariffs: number -> epoch second of the first local midnight it is in force. told: there are no others."""

    begins: Mapping[int, int]
    told: bool


def check_points(
    points: Rows, accounts: Rows, network: Rows, nodes: Book, tariffs: Calendar, measured: Array,
    findings: Findings,
) -> Book:  # fmt: skip
    """Check the service points; returns the book of their numbers.

    measured u64: numbers that `installations` names.
    """
    book = book_of(points, "service_point")
    dated = check_reversed(points, "valid_from", "valid_to", findings)
    check_spans(points, VALIDITY, dated, findings)
    _check_accounts(points, accounts, findings)
    _check_tariffs(points, tariffs, dated, findings)
    for column, level in (("dt", Level.DT), ("feeder", Level.FEEDER)):
        _check_node(points, column, level, network, nodes, findings)
    _check_roles(points, network, nodes, findings)
    first = np.zeros(len(points), bool)
    first[book.first] = True
    lonely = first & ~points.bad & ~np.isin(points["service_point"], measured)
    points.fault(findings, "POINT_WITHOUT_METER", "service_point", lonely)
    return book


def _is(points: Rows, role: Role) -> Array:
    mine: Array = points.usable("role") & (points["role"] == role)
    return mine


def _check_accounts(points: Rows, accounts: Rows, findings: Findings) -> None:
    usable = points.usable("account")
    missing = usable & _is(points, Role.CONSUMER) & ~points.given["account"]
    points.fault(findings, "ACCOUNT_MISSING", "account", missing)
    if accounts.there:
        unknown = usable & points.given["account"] & (book_of(accounts, "account").find(points["account"]) < 0)
        points.fault(findings, "ACCOUNT_UNKNOWN", "account", unknown)


def _check_tariffs(points: Rows, tariffs: Calendar, dated: Array, findings: Findings) -> None:
    usable = points.usable("tariff")
    given = usable & points.given["tariff"]
    numbers = np.array(sorted(tariffs.begins), np.int64)
    known = np.isin(points["tariff"], numbers)
    points.fault(findings, "TARIFF_UNKNOWN" if tariffs.told else "TARIFF_NOT_TOLD", "tariff", given & ~known)
    if len(numbers):
        begins = np.array([tariffs.begins[number] for number in numbers.tolist()], np.int64)
        start = begins[np.minimum(np.searchsorted(numbers, points["tariff"]), len(numbers) - 1)]
        told = given & known & dated
        ended = told & (ends_of(points, "valid_to") <= start)
        points.fault(findings, "TARIFF_NOT_IN_FORCE" if tariffs.told else "TARIFF_NOT_TOLD", "tariff", ended)
        later = told & ~ended & (points["valid_from"] < start) & ~points.bad
        points.fault(findings, "TARIFF_STARTS_LATER", "tariff", later)
    missing = usable & _is(points, Role.CONSUMER) & ~points.given["tariff"] & ~points.bad
    points.fault(findings, "TARIFF_MISSING", "tariff", missing)


def _check_node(
    points: Rows, column: str, level: Level, network: Rows, nodes: Book, findings: Findings
) -> None:  # fmt: skip
    given = points.usable(column) & points.given[column]
    row = nodes.row(points[column])
    points.fault(findings, "NODE_UNKNOWN", column, given & (row < 0) & network.there)
    at = np.flatnonzero(given & (row >= 0))
    at = at[network.fine["level"][row[at]] & (network["level"][row[at]] != level)]
    points.fault(findings, "NODE_LEVEL_OTHER", column, at)


def _check_roles(points: Rows, network: Rows, nodes: Book, findings: Findings) -> None:
    for role, column in ((Role.DT_METER, "dt"), (Role.FEEDER_METER, "feeder")):
        lacking = _is(points, role) & points.fine[column] & ~points.given[column]
        points.fault(findings, "NODE_MISSING", column, lacking)
    usable = points.usable("dt", "feeder") & ~points.bad
    nowhere = usable & _is(points, Role.CONSUMER) & ~points.given["dt"] & ~points.given["feeder"]
    points.fault(findings, "POINT_WITHOUT_NODE", "dt", nowhere)
    at = np.flatnonzero(usable & points.given["dt"] & points.given["feeder"])
    row = nodes.row(points["dt"][at])
    at, row = at[row >= 0], row[row >= 0]
    other = network.fine["parent"][row] & ~network.bad[row] & (network["parent"][row] != points["feeder"][at])
    points.fault(findings, "DT_FEEDER_DIFFER", "dt", at[other])
