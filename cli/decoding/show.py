"""What frames say, on a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from agents.decode.describe import Described
from cli.output import console


def show(number: int, item: Described, *, explain: bool) -> None:
    """One APDU: its head, a table of quantities, how they were read, and why not."""
    out = console()
    parts = [item.framing, item.apdu or "", item.device or "", item.time or ""]
    out.print(f"[bold]{number}[/bold] " + " · ".join(part for part in parts if part), markup=True)
    if item.values:
        table = Table(box=None, pad_edge=True)
        table.add_column("OBIS")
        table.add_column("value", justify="right")
        table.add_column("unit")
        for obis, value in item.values.items():
            table.add_row(obis, _text(value), item.units.get(obis, ""))
        out.print(table)
    if item.template is not None:
        mark = "verified" if item.template["verified"] else "unverified"
        out.print(f"  by template: {item.template['name']}, {mark}", markup=False)
    for name, value in item.details.items():
        out.print(f"  {name}: {_text(value)}", style="dim", markup=False)
    if item.data is not None:
        out.print(f"  data: {item.data}", style="dim", markup=False)
    if item.error is not None:
        out.print(f"  {item.error['code']}: {item.error['reason']}", style="red", markup=False)
    if explain:
        _explain(item)


def _explain(item: Described) -> None:
    for told in item.explained():
        table = Table(box=None, pad_edge=True, title=f"{told['of']}, {told['length']} octets", title_justify="left")
        for column in ("offset", "length"):
            table.add_column(column, justify="right")
        for column in ("octets", "what", "value"):
            table.add_column(column)
        for part in told["parts"]:
            octets = part["octets"] or ""
            shown = octets if len(octets) <= 32 else f"{octets[:28]}...."
            what = f"{part['what']}, {part['obis']}" if "obis" in part else part["what"]
            table.add_row(str(part["offset"]), str(part["length"]), shown, what, _text(part["value"], ""))
        console().print(table)


def _text(value: Any, absent: str = "absent") -> str:
    if value is None:
        return absent
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
