"""Tariffs and bills for people, and as JSON."""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.rating.engine.adjustments import Adjustments
from agents.rating.engine.documents import Fault
from agents.rating.engine.exact import WH, exact_text, rounded, rupees
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill

COLOURS = {"error": "red", "warning": "yellow"}


def tariff_json(tariff: Tariff) -> dict[str, Any]:
    """What `list` says of a tariff."""
    return {
        "code": tariff.code,
        "number": tariff.number,
        "name": tariff.name,
        "utility": tariff.utility,
        "category": tariff.category,
        "status": tariff.status,
        "valid_from": tariff.valid_from.isoformat(),
        "valid_to": tariff.valid_to.isoformat() if tariff.valid_to else None,
        "cycle_months": tariff.cycle_months,
        "charges": [charge.code for charge in tariff.charges],
    }


def bill_json(tariff: Tariff, bill: Bill, notes: list[str]) -> dict[str, Any]:
    """A bill; exact numbers are text, money is integer paise."""
    return {
        "tariff": tariff.code,
        "name": tariff.name,
        "status": tariff.status,
        "units": exact_text(Fraction(bill.units_wh, WH)),
        "carry_wh": bill.carry_wh,
        "months": exact_text(bill.months),
        "energy_paise": bill.energy_paise,
        "lines": [line.as_json() for line in bill.lines],
        "rounding_paise": bill.rounding_paise,
        "total_paise": bill.total_paise,
        "complete": not bill.missing,
        "missing": [{"charge": charge, "quantity": quantity} for charge, quantity in bill.missing],
        "billing_demand": _text(bill.billing_demand),
        "power_factor": _text(bill.power_factor),
        "load_factor": _text(bill.load_factor),
        "bank_wh": dict(sorted(bill.bank_wh.items())),
        "notes": notes,
    }


def _text(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


def show_tariffs(out: Console, tariffs: list[Tariff]) -> None:
    """One row for each tariff."""
    table = Table(box=None, pad_edge=False)
    for head in ("code", "name", "status", "from", "to", "charges"):
        table.add_column(head, no_wrap=head == "code")
    for tariff in tariffs:
        until = tariff.valid_to.isoformat() if tariff.valid_to else ""
        charges = " ".join(charge.code for charge in tariff.charges)
        table.add_row(
            tariff.code,
            escape(tariff.name),
            tariff.status.replace("_", " "),
            tariff.valid_from.isoformat(),
            until,
            charges,
        )
    out.print(table)


def show_bill(out: Console, tariff: Tariff, bill: Bill) -> None:
    """The lines of a bill, and its total."""
    names = {charge.code: charge.name for charge in tariff.charges}
    table = Table(box=None, pad_edge=False)
    for head, side in (
        ("line", "left"),
        ("", "left"),
        ("base", "right"),
        ("", "left"),
        ("rate", "right"),
        ("Rs", "right"),
    ):
        table.add_column(head, justify=side)  # type: ignore[arg-type]
    for line in bill.lines:
        name = names.get(line.charge, "")
        base, unit = (
            (rupees(int(line.base)), "Rs")
            if _whole_paise(line.base, line.base_unit)
            else (exact_text(line.base), line.base_unit)
        )
        table.add_row(line.code, escape(name), base, unit, line.rate, rupees(line.paise))
    table.add_section()
    table.add_row("total", "", "", "", "", rupees(bill.total_paise), style="bold")
    out.print(f"{tariff.code}: {escape(tariff.name)}, {exact_text(Fraction(bill.units_wh, WH))} kWh")
    out.print(table)


def _whole_paise(base: Fraction, unit: str) -> bool:
    return unit == "paise" and base.denominator == 1


def show_faults(out: Console, files: list[str], faults: list[Fault]) -> None:
    """Each finding with its place and a hint, and how many there are."""
    for fault in faults:
        head = f"[{COLOURS[fault.level]}]{fault.level} {fault.code}[/]"
        out.print(f"{escape(fault.file)}:{fault.line}:{fault.column}: {head}: {escape(fault.message)}")
        out.print(f"    {escape(fault.hint)}", style="dim")
    names = escape(", ".join(files)) if len(files) < 4 else f"{len(files)} files"
    errors = sum(fault.level == "error" for fault in faults)
    if faults:
        out.print(f"{names}: errors {errors}, warnings {len(faults) - errors}")
    else:
        out.print(f"{names}: nothing to complain about")


def adjustment_rows(document: Adjustments) -> list[dict[str, Any]]:
    """A row for each month; exact numbers are text."""
    rows = []
    for month, found in sorted(document.months.items()):
        first = datetime.date.fromisoformat(f"{month}-01")
        percent = None if found.fppas is None else rounded(found.fppas.percent(), document.digits)
        rows.append(
            {
                "month": month,
                "costs_of": f"{document.costs_of(first):%Y-%m}",
                "fppas_percent": _text(percent),
                "values": [str(value) for value in document.values_of((*document.tariffs, "")[0], first)],
            }
        )
    return rows


def show_adjustments(out: Console, charge: str, rows: list[dict[str, Any]]) -> None:
    """The months of a document."""
    table = Table(box=None, pad_edge=False)
    for head in ("month", "costs of", "computed %", charge):
        table.add_column(head)
    for row in rows:
        table.add_row(row["month"], row["costs_of"], row["fppas_percent"] or "", ", ".join(row["values"]))
    out.print(table)
