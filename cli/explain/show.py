"""A bill and its way back, for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from agents.rating.engine.exact import rupees

DAYS_SHOWN, INTERVALS_SHOWN = 31, 48


def show(out: Console, said: dict[str, Any], zone: ZoneInfo, intervals: int = INTERVALS_SHOWN) -> None:
    """Print it: the rupees first, the octets last."""
    bill = said["bill"]

    def at(time: int | None) -> str:
        return "" if time is None else f"{datetime.fromtimestamp(time, zone):%Y-%m-%d %H:%M}"

    supersedes = "" if bill["supersedes"] is None else f", supersedes {bill['supersedes']}"
    out.print(
        f"{bill['kind']} {at(bill['period_start'])} to {at(bill['period_end'])}, account {bill['account']}, service "
        f"point {bill['service_point']}: revision {bill['revision']}{supersedes}, {bill['reason']}, {bill['state']}",
        markup=False,
    )
    for name, version in sorted(bill["versions"].items()):
        out.print(f"  {name} {version}", markup=False, style="dim")
    _lines(out, said, bill)
    _quantities(out, bill)
    _registers(out, said, at)
    _days(out, said["days"], at)
    _intervals(out, said, at, intervals)
    for frame in said["frames"]:
        _frame(out, frame, at)
    lineage = said["lineage"]
    out.print(f"Lineage: offsets {lineage['from']} to {lineage['to']} of partition {lineage['partition']}, topic id "
              f"{lineage['topic_id']}", markup=False)  # fmt: skip
    if "sha256" in lineage:
        out.print(
            f"  {lineage['frames_there']} of {lineage['frames']} frames, SHA-256 {lineage['sha256']}", markup=False
        )
    for text in said["missing"]:
        out.print(f"No longer there: {text}", markup=False, style="yellow")


def _lines(out: Console, said: dict[str, Any], bill: dict[str, Any]) -> None:
    if not said["lines"]:
        out.print("Not rated: a day, or a tariff that the stream does not rate.")
        return
    for line in said["lines"]:
        out.print(f"  {line['code']:<12} {line['words']}", markup=False)
    out.print(f"  total        Rs {rupees(bill['total_paise'])} by {bill['tariff']}", markup=False)


def _quantities(out: Console, bill: dict[str, Any]) -> None:
    if bill.get("quantities"):
        texts = (f"{one['code']} {one['value']} {one['unit']} ({one['source']})" for one in bill["quantities"])
        out.print("Determinants: " + "; ".join(texts), markup=False)


def _registers(out: Console, said: dict[str, Any], at: Any) -> None:
    for register in said["registers"]:
        out.print(f"  {register['channel']}: {register['opening']} -> {register['closing']} (meter side), energy from "
                  f"{register['source']}", markup=False)  # fmt: skip
    for row in said["midnights"]:
        out.print(
            f"  {at(row['start'])} meter {row['system_title']} said wh_imp {row['wh_imp_register']}", markup=False
        )


def _days(out: Console, days: list[dict[str, Any]], at: Any) -> None:
    table = Table("day", "state", "opening", "closing", "register Wh", "actual Wh", "estimated Wh", "notes")
    for day in days[:DAYS_SHOWN]:
        names = ("opening", "closing", "register", "actual", "estimated")
        cells = (str(day[f"wh_imp_{name}"]) for name in names)
        table.add_row(at(day["start"])[:10], day["state"], *cells, ", ".join(day["register_notes"]))
    out.print(table, markup=False)


def _intervals(out: Console, said: dict[str, Any], at: Any, most: int) -> None:
    sums = said["sums"]
    for name, one in sums["energies"].items():
        if one["bill"] or one["intervals"]:
            word = "=" if one["bill"] == one["intervals"] else "differs from"
            out.print(f"  {name} of the bill {one['bill']} {word} sum of intervals {one['intervals']}", markup=False)
    for name in ("quality", "method", "rules"):
        out.print(f"  intervals by {name}: " + ", ".join(f"{key} {count}" for key, count in sums[name].items()),
                  markup=False)  # fmt: skip
    table = Table("interval", "Wh", "VAh", "quality", "method", "rules", "offset", "frame")
    for row in said["intervals"][:most]:
        frame = "tick" if row["frame"] < 0 else str(row["frame"])
        table.add_row(at(row["start"]), str(row["wh_imp"]), str(row["vah_imp"]), row["wh_imp_quality"], row["method"],
                      ", ".join(row["failed_rules"]), str(row["origin_offset"]), frame)  # fmt: skip
    out.print(table, markup=False)
    more = len(said["intervals"]) - most
    if more > 0:
        out.print(f"{more} intervals more with --intervals or --json", style="dim")


def _frame(out: Console, frame: dict[str, Any], at: Any) -> None:
    place = f"partition {frame['partition']}, offset {frame['offset']}, frame {frame['frame']}"
    received = at(frame["received_at"])
    out.print(f"Frame of {frame['of']}: {place}, meter {frame['device']}, received {received}", markup=False)
    out.print(f"  {frame['hex']}", markup=False)
    for item in frame["decoded"]:
        if item.get("error"):
            out.print(f"  {item['error']['code']}: {item['error']['reason']}", markup=False)
        for code, value in item["values"].items():
            out.print(f"  {code} = {value} {item['units'].get(code, '')}", markup=False)
