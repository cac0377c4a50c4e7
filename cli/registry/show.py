"""Reports of `kvarn registry`: for people as tables, as JSON, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.registry.importing import Import
from connectors.registry.diff import KINDS, Change, TableDiff
from connectors.registry.findings import Finding
from connectors.registry.rules import RULE_BY_CODE, Severity

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.CONSEQUENCE: "cyan"}
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def numbers(found: Import) -> dict[str, Any]:
    """Rows by table, findings by severity and code; a line that could not be cut into cells is a row left out."""
    findings, tables = found.checked.findings, found.checked.tables
    no_rows = {name: findings.no_rows(name) for name in tables}
    return {
        "rows": {name: len(rows) + no_rows[name] for name, rows in tables.items()},
        "left_out": {name: int(rows.bad.sum()) + no_rows[name] for name, rows in tables.items()},
        "errors": findings.number(Severity.ERROR),
        "warnings": findings.number(Severity.WARNING),
        "consequences": findings.number(Severity.CONSEQUENCE),
        "counts": dict(sorted(findings.counts.items())),
    }


def left_out_json(found: Import) -> dict[str, Any]:
    """What is left out and why; nothing where nothing is."""
    return {} if found.checked.whole else {"left_out": numbers(found)["left_out"], "findings": findings_json(found)}


def show_left_out(out: Console, found: Import, most: int) -> None:
    """The findings, and how many rows of which table are left out for them; nothing where none are."""
    if found.checked.whole:
        return
    show_findings(out, found, most)
    left = {name: count for name, count in numbers(found)["left_out"].items() if count}
    tables = ", ".join(f"{count:,} {name}" for name, count in left.items())
    out.print(f"{sum(left.values()):,} rows are left out: {tables}", style="yellow")


def findings_json(found: Import) -> list[dict[str, Any]]:
    """All findings; with the file they stand in."""
    return [{"file": found.labels[row.table], **row.as_dict()} for row in found.checked.findings]


def write_findings(found: Import, path: Path) -> None:
    """All findings as CSV."""
    names = ["file", *(field.name for field in fields(Finding))]
    _write(path, names, ({"file": found.labels[row.table], **row.as_dict()} for row in found.checked.findings))


def write_changes(changes: Iterable[Change], path: Path) -> None:
    """All changes as CSV."""
    _write(path, [field.name for field in fields(Change)], (change.as_dict() for change in changes))


def _write(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def show_findings(out: Console, found: Import, most: int) -> None:
    """The first findings as a table, then how many there are of each code."""
    findings = found.checked.findings
    total = sum(findings.counts.values())
    if total:
        table = Table("file", "row", "column", "code", "value", "reason", box=None, pad_edge=False)
        for row in islice(findings, most):
            colour = COLOURS[row.severity]
            cells = (found.labels[row.table], str(row.row), row.column, row.code, row.value[:40], row.reason)
            table.add_row(*(escape(cell) for cell in cells), style=colour)
        out.print(table)
        if total > most:
            out.print(f"... and {total - most} more; --report FILE.csv writes all of them", style="dim")
        counts = Table("code", "severity", "number", "what to do", box=None, pad_edge=False)
        for code, count in sorted(findings.counts.items()):
            counts.add_row(code, RULE_BY_CODE[code].severity.value, str(count), escape(RULE_BY_CODE[code].do))
        out.print()
        out.print(counts)
        out.print()
    said = numbers(found)
    rows = ", ".join(f"{count:,} {name}" for name, count in said["rows"].items() if count)
    out.print(f"{rows or 'no rows'}: {said['errors']} errors, {said['warnings']} warnings, "
              f"{said['consequences']} consequences")  # fmt: skip


def diff_json(diffs: Sequence[TableDiff]) -> dict[str, Any]:
    """Counts and changes by table."""
    return {
        diff.table: {"counts": diff.counts, "changes": [change.as_dict() for change in diff]} for diff in diffs
    }  # fmt: skip


def show_diff(out: Console, diffs: Sequence[TableDiff], most: int) -> None:
    """Counts, then the first changes of each table."""
    table = Table("table", *KINDS, box=None, pad_edge=False)
    for diff in diffs:
        table.add_row(diff.table, *(f"{diff.counts[kind]:,}" for kind in KINDS))
    out.print(table)
    for diff in diffs:
        for change in islice(diff, most):
            said = f" {change.column}: {change.old or '(empty)'} -> {change.new or '(empty)'}" if change.column else ""
            out.print(escape(f"{SIGNS[change.kind]} {diff.table} {change.row}{said}"))
        left = sum(1 for _ in islice(diff, most, None))
        if left:
            out.print(f"... and {left:,} more of {diff.table}; --report FILE.csv writes all of them", style="dim")
