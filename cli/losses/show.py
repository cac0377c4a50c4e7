"""AT&C accounts for people, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.losses.indices.atc import HUNDRED, Row
from agents.losses.indices.formulas import Formula
from agents.losses.indices.ranking import Placed, Ranking
from agents.rating.engine.exact import exact_text, half_away, rupees

KWH, MU, CRORE = 1000, 10**9, 10**9
"""Wh of a kWh and of a million units, paise of a crore of rupees."""
WHOLE = "ABCDEFGH"
"""Rows that are integers, of Wh or paise."""


@dataclass(frozen=True)
class Report:
    """All accounts by one formula."""

    formula: Formula
    placed: list[Placed]
    rankings: list[Ranking]
    by: str


def report_json(report: Report) -> dict[str, Any]:
    """Wh and paise are integers in rows A to H; shares, per cent and what follows are text, with the exact fraction."""
    return {
        "formula": report.formula.code,
        "meaning": report.formula.meaning,
        "accounts": [_placed_json(item) for item in report.placed],
        "ranked_by": report.by,
        "rankings": [
            {
                "level": ranking.level,
                "period": ranking.period,
                "highest": [_end_json(item) for item in ranking.highest],
                "lowest": [_end_json(item) for item in ranking.lowest],
                "unknown": list(ranking.unknown),
            }
            for ranking in report.rankings
        ],
    }


def _placed_json(item: Placed) -> dict[str, Any]:
    account = item.account
    return {
        "node": item.node,
        "level": item.level,
        "period": item.period,
        "atc_loss_percent": _text(account.loss),
        "td_loss_percent": _text(account.td_loss.value),
        "billing_efficiency": _text(account.billing_efficiency.value),
        "collection_efficiency": _text(account["I"].value),
        "collection_efficiency_uncapped": _text(account.uncapped.value),
        "subsidy_booked_paise": account.subsidy_booked,
        "subsidy_received_paise": account.subsidy_received,
        "rows": [_row_json(row) for row in account.rows],
        "missing": list(account.missing),
        "notes": list(account.notes),
    }


def _row_json(row: Row) -> dict[str, Any]:
    value = row.value
    return {
        "row": row.row,
        "item": row.item,
        "unit": row.unit,
        "value": int(value) if value is not None and row.row in WHOLE else _text(value),
        "exact": None if value is None else str(value),
        "missing": list(row.missing),
        "why": row.why,
    }


def _end_json(item: Placed) -> dict[str, Any]:
    unrealised = item.account["K"].value
    return {"node": item.node, "atc_loss_percent": _text(item.account.loss), "unrealised_wh": _text(unrealised)}


def _text(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


def show_report(out: Console, report: Report, *, every_row: bool) -> None:
    """The table of accounts, with `every_row` rows A to L of each, and the ends of the rankings."""
    out.print(f"{report.formula.code}: {report.formula.meaning}", style="bold")
    table = Table(box=None, pad_edge=False)
    for head, right in (("node", False), ("level", False), ("period", False), *((name, True) for name in HEADS)):
        table.add_column(head, justify="right" if right else "left", no_wrap=True)
    for item in report.placed:
        account = item.account
        cells = (account["C"], account["D"], account["E"], account["F"], account["K"])
        shares = (account.billing_efficiency, account["I"], account["L"])
        names = (item.node, item.level, item.period)
        table.add_row(*(escape(name) for name in names), *(_short(row) for row in (*cells, *shares)))
    out.print(table)
    for item in report.placed:
        if every_row:
            _show_rows(out, item)
        for note in item.account.notes:
            out.print(f"{item.node} {item.period}: {note}", markup=False, style="yellow")
    for ranking in report.rankings:
        _show_ranking(out, ranking, report.by)


HEADS = ("net input", "sold", "revenue", "adjusted", "unrealised", "billed", "collected", "AT&C")


def _show_rows(out: Console, item: Placed) -> None:
    out.print(f"\n{item.node} {item.period}", markup=False, style="bold")
    table = Table(box=None, pad_edge=False, show_header=False)
    for right in (False, False, True, False):
        table.add_column(justify="right" if right else "left", no_wrap=True)
    account = item.account
    for row in account.rows:
        table.add_row(row.row, escape(row.item), _shown(row), escape(_cause(row)))
    table.add_row("", account.billing_efficiency.item, _shown(account.billing_efficiency), "")
    table.add_row("", account.td_loss.item, _shown(account.td_loss), "")
    for name, paise in (("subsidy booked", account.subsidy_booked), ("subsidy received", account.subsidy_received)):
        table.add_row("", name, "unknown" if paise is None else f"{rupees(paise)} Rs", "")
    out.print(table)


def _cause(row: Row) -> str:
    return row.why or (f"lacks {', '.join(row.missing)}" if row.missing else "")


def _shown(row: Row) -> str:
    value = row.value
    if value is None:
        return "-" if row.why and not row.missing else "unknown"
    if row.unit == "Wh":
        return f"{_decimals(value / KWH, 3)} kWh"
    if row.unit == "paise":
        return f"{rupees(half_away(value))} Rs"
    return f"{_decimals(value * (HUNDRED if row.unit == 'share' else 1), 3)} %"


def _short(row: Row) -> str:
    """In million units and crore rupees where it is as much as that."""
    value = row.value
    if value is not None and row.unit == "Wh" and abs(value) >= MU:
        return f"{_decimals(value / MU, 3)} MU"
    if value is not None and row.unit == "paise" and abs(value) >= CRORE:
        return f"{_decimals(value / CRORE, 3)} crore"
    return _shown(row)


def _decimals(value: Fraction, digits: int) -> str:
    number = half_away(value * 10**digits)
    text = f"{abs(number):0{digits + 1}d}"
    return f"{'-' if number < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def _show_ranking(out: Console, ranking: Ranking, by: str) -> None:
    if len(ranking.highest) + len(ranking.lowest) > 1:
        place = " ".join(part for part in (ranking.level, ranking.period) if part)
        for name, items in (("highest", ranking.highest), ("lowest", ranking.lowest)):
            said = ", ".join(f"{item.node} {_short(item.account['L' if by == 'percent' else 'K'])}" for item in items)
            out.print(f"{place}, {name} loss: {said}", markup=False)
    if ranking.unknown:
        out.print(f"not ranked, loss unknown: {', '.join(ranking.unknown)}", markup=False)
