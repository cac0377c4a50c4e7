"""The report of `kvarn vee` for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.rules import RULE_BY_CODE

MOST_SERIES, MOST_FAULTS = 60, 10


def show(console: Console, said: dict[str, Any]) -> None:
    """Print a report: the series, the rules, the methods, and what could not be read."""
    totals = said["totals"]
    console.print(_series(said["series"][:MOST_SERIES]))
    if len(said["series"]) > MOST_SERIES:
        console.print(f"and {len(said['series']) - MOST_SERIES} more series: --json has all")
    if totals["rules"]:
        console.print(_rules(totals["rules"]))
    if totals["methods"]:
        console.print(_methods(totals["methods"]))
    console.print(
        f"{totals['intervals']:,} intervals in {totals['series']} series, {totals['received']:,} received "
        f"({_percent(totals['completeness'])}); {totals['changed']:,} changed; "
        f"{totals['zero_days']:,} days of zeros; {totals['before_use']:,} zeros before use begins"
    )
    for line in _lines(said):
        console.print(line, markup=False)


def _lines(said: dict[str, Any]) -> list[str]:
    source = said["file"]
    lines = list(source["notes"])
    if source["rounded"]:
        tails = f", {source['tails']:,} of them tails of binary floats" if source["tails"] else ""
        lines.append(f"{source['rounded']:,} values are finer than a watt-hour and were rounded{tails}")
    for one in said["series"]:
        name = f"{one['id']} {one['channel']}"
        told = one["zeros"]["told"][:3]
        lines += [f"{name}: {stretch['intervals']} zeros in a row from {stretch['start']}" for stretch in told]
    if source["fault_count"]:
        lines.append(f"{source['fault_count']:,} rows could not be read:")
        lines += [f"  {fault}" for fault in source["faults"][:MOST_FAULTS]]
    reasons: dict[str, set[str]] = {}
    for one in said["series"]:
        for code, reason in one["not_judged"].items():
            reasons.setdefault(reason, set()).add(code)
    if reasons:
        lines.append(
            "Not judged: " + "; ".join(f"{', '.join(sorted(codes))} ({why})" for why, codes in sorted(reasons.items()))
        )
    return lines


def _series(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Series", title_justify="left")
    table.add_column("series", overflow="fold")
    for name in ("intervals", "complete", "longest gap", "changed", "sum", "unexplained"):
        table.add_column(name, justify="right")
    for one in rows:
        unexplained = one["unexplained"]
        left = _energy(unexplained["wh"], one["unit"]) if unexplained else "no registers"
        length = _length(one["interval_secs"])
        table.add_row(
            f"{one['id']} {one['channel']}\n{length}, {one['start'][:10]} to {one['end'][:10]}",
            f"{one['intervals']:,}", _percent(one["completeness"]), _gap(one), f"{len(one['changed']):,}",
            _energy(one["sum"], one["unit"]), left,
        )  # fmt: skip
    return table


def _rules(counts: dict[str, int]) -> Table:
    table = Table(title="Rules that failed", title_justify="left")
    for name in ("rule", "name", "severity", "of"):
        table.add_column(name)
    table.add_column("count", justify="right")
    for code, count in counts.items():
        rule = RULE_BY_CODE[code]
        table.add_row(code, rule.name, rule.severity.value, rule.scope.value, f"{count:,}")
    return table


def _methods(counts: dict[str, int]) -> Table:
    table = Table(title="Substituted intervals", title_justify="left")
    table.add_column("method")
    table.add_column("intervals", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _length(secs: int) -> str:
    return "1 day" if secs == 86_400 else f"{secs // 60} min"


def _gap(one: dict[str, Any]) -> str:
    count = one["longest_gap"]["intervals"]
    if not count:
        return ""
    hours = count * one["interval_secs"] / 3600
    return f"{hours / 24:.3g} d" if hours >= 48 else f"{hours:.3g} h"


def _energy(value: int, unit: str) -> str:
    return f"{value / 1000:,.3f} k{unit}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"
