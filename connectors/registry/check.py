"""All checks of an import, in the order in which they build on one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from connectors.registry.check_installations import check_installations
from connectors.registry.check_meters import check_meters
from connectors.registry.check_network import check_network
from connectors.registry.check_points import Calendar, check_points
from connectors.registry.config import Mapping as Columns
from connectors.registry.consequences import follow
from connectors.registry.findings import Findings
from connectors.registry.read import Rows, read_tables
from connectors.registry.rules import Severity
from connectors.registry.source import Source
from connectors.registry.spans import check_twice


@dataclass(frozen=True)
class TariffFaults:
    """What tariff documents say: `begins` number -> epoch second of its first day; the rest by row of `tariffs`.

    faults: (row, code, reason). broken: number of a document that is in error, as far as it can be told -> its name.
    told: whether these are all tariffs, or those in force, which may be others, are not known.
    """

    begins: Mapping[int, int]
    faults: tuple[tuple[int, str, str], ...] = ()
    broken: Mapping[int, str] | None = None
    told: bool = True


ReadTariffs = Callable[[Mapping[int, tuple[str, bytes]] | None], TariffFaults]
"""Reads tariffs, row -> (name, text), None when the import has none; the rating stage knows how."""


@dataclass(frozen=True)
class Checked:
    """An import that was read and checked."""

    tables: Mapping[str, Rows]
    findings: Findings

    @property
    def whole(self) -> bool:
        """Whether every row can be applied. A row that could not be cut into cells is in no table, but counts."""
        return self.findings.number(Severity.ERROR) == 0


def check(source: Source, mapping: Columns, read_tariffs: ReadTariffs) -> Checked:
    """Read all tables and check them."""
    findings = Findings()
    tables = read_tables(source, mapping, findings)
    for rows in tables.values():
        check_twice(rows, findings)
    tariffs = _check_tariffs(tables["tariffs"], read_tariffs, findings)
    network, points, installations = tables["network"], tables["service_points"], tables["installations"]
    nodes = check_network(network, findings)
    installed = installations["system_title"][installations.fine["system_title"]]
    titles = check_meters(tables["meters"], tables["keys"], installed, findings)
    measured = installations["service_point"][installations.fine["service_point"]]
    known = {**tariffs.begins, **dict.fromkeys(tariffs.broken or {}, -(2**62))}
    calendar = Calendar(known, tariffs.told)
    book = check_points(points, tables["accounts"], network, nodes, calendar, measured, findings)
    check_installations(installations, tables["meters"], titles, points, book, findings)
    follow(tables, tariffs.broken or {}, findings)
    _check_emptied(tables, findings)
    return Checked(tables, findings)


def _check_tariffs(rows: Rows, read_tariffs: ReadTariffs, findings: Findings) -> TariffFaults:
    at = [row for row in range(len(rows)) if not rows.bad[row]]
    documents = {row: (rows["name"][row].decode(), rows["document"][row]) for row in at}
    said = read_tariffs(documents if rows.there else None)
    for row, code, reason in said.faults:
        name = rows["name"][row].decode()
        rows.fault(findings, code, "document", np.array([row]), [""], f"{name}: {reason}")
    return said


def _check_emptied(tables: Mapping[str, Rows], findings: Findings) -> None:
    """A table that has rows, none of them good: left out, it would empty what is in force."""
    for name, rows in tables.items():
        if (len(rows) or findings.no_rows(name)) and rows.bad.all() and not findings.whole_of(name):
            findings.add("NO_GOOD_ROW", name, "", [0])
