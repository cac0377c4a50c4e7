"""Rows that are right but refer to a row in error: named as consequences, with the row that is their cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from pipeline.columns import Array


@dataclass(frozen=True)
class Reference:
    """A column that names an id of another table."""

    table: str
    column: str
    target: str
    id_column: str


REFERENCES = (
    Reference("network", "parent", "network", "node"),
    Reference("service_points", "account", "accounts", "account"),
    Reference("service_points", "dt", "network", "node"),
    Reference("service_points", "feeder", "network", "node"),
    Reference("installations", "system_title", "meters", "system_title"),
    Reference("installations", "service_point", "service_points", "service_point"),
)
"""In an order in which one pass is enough, but for the network, which refers to itself."""


def follow(tables: Mapping[str, Rows], broken_tariffs: Mapping[int, str], findings: Findings) -> None:
    """Report the consequences. broken_tariffs: number of a tariff in error -> its file."""
    points = tables["service_points"]
    for number, name in sorted(broken_tariffs.items()):
        named = points.usable("tariff") & points.given["tariff"] & (points["tariff"] == number) & ~points.bad
        points.fault(findings, "REFERS_TO_ERROR", "tariff", named, details=f"tariffs/{name}")
    for reference in REFERENCES:
        rows, target = tables[reference.table], tables[reference.target]
        while _follow(reference, rows, target, findings) and rows is target:
            pass


def _follow(reference: Reference, rows: Rows, target: Rows, findings: Findings) -> bool:
    gone, lines = _all_bad(target, reference.id_column)
    if not len(gone):
        return False
    at = np.flatnonzero(rows.usable(reference.column) & rows.given[reference.column] & ~rows.bad)
    place = np.minimum(np.searchsorted(gone, rows[reference.column][at]), len(gone) - 1)
    hit = gone[place] == rows[reference.column][at]
    details = [f"{reference.target} line {line}" for line in lines[place[hit]].tolist()]
    rows.fault(findings, "REFERS_TO_ERROR", reference.column, at[hit], details=details)
    return bool(hit.any())


def _all_bad(target: Rows, column: str) -> tuple[Array, Array]:
    """(ids of which every row is in error, sorted; the first line of each)."""
    at = np.flatnonzero(target.fine[column] & target.given[column])
    ids = target[column][at]
    good = np.unique(ids[~target.bad[at]])
    left = at[~np.isin(ids, good)]
    order = np.lexsort((target.lines[left], target[column][left]))
    gone, first = np.unique(target[column][left[order]], return_index=True)
    return gone, target.lines[left[order[first]]]
