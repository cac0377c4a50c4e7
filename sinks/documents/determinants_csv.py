"""Determinants as a billing team reads them: one line a revision, kWh, kVA and rupees, dates in local time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.channels import ENERGY
from sinks.documents.tables import mappings_of
from sinks.records import Record

UNIT = {"wh_imp": "kwh_import", "vah_imp": "kvah_import", "wh_exp": "kwh_export", "vah_exp": "kvah_export"}
"""Energy channel -> begin of its columns."""
HEAD = ("account", "service_point", "kind", "period_start", "period_end", "days", "revision", "supersedes", "reason",
        "state", "meters")  # fmt: skip
TAIL = (
    "estimated_kwh", "zones_kwh", "demand_kw", "demand_at", "demand_kva", "demand_kva_at", "power_factor",
    "intervals_expected", "intervals_actual", "intervals_estimated", "intervals_missing", "tariff", "total_rupees",
    "delta_rupees",
)  # fmt: skip
REGISTER = ("opening", "closing", "used", "change", "source")
"""Columns of an energy: readings before the multiplying factor, energy times the factor, what it has changed by."""
COLUMNS = (*HEAD, *(f"{UNIT[channel.name]}_{part}" for channel in ENERGY for part in REGISTER), *TAIL)


def determinants_csv(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in mappings_of(records):
        writer.writerow(_line(row, ZoneInfo(zone)))
    return text.getvalue().encode()


def _line(row: Mapping[str, Any], zone: ZoneInfo) -> dict[str, object]:
    start, end = (datetime.fromtimestamp(row[f"period_{side}"], zone) for side in ("start", "end"))
    registers = {register["channel"]: register for register in row["registers"]}
    line: dict[str, object] = {
        "account": row["account"],
        "service_point": row["service_point"],
        "kind": row["kind"],
        "period_start": start.date(),
        "period_end": end.date(),
        "days": (end.date() - start.date()).days,
        "revision": row["revision"],
        "supersedes": row["supersedes"],
        "reason": row["reason"],
        "state": row["state"],
        "meters": row["meter_segments"],
    }
    for channel in ENERGY:
        register = registers.get(channel.name, {"opening": None, "closing": None, "source": ""})
        values = (
            _thousandths(register["opening"]), _thousandths(register["closing"]), _thousandths(row[channel.name]),
            _thousandths(row[f"delta_{channel.name}"]), register["source"],
        )  # fmt: skip
        line |= {f"{UNIT[channel.name]}_{part}": value for part, value in zip(REGISTER, values, strict=True)}
    return line | {
        "estimated_kwh": _thousandths(row["estimated_wh"]),
        "zones_kwh": "; ".join(f"{each['zone']} {_thousandths(each['wh'])}" for each in row["zones"]),
        "demand_kw": _thousandths(row["demand_w"]),
        "demand_at": _local(row["demand_start"], zone),
        "demand_kva": _thousandths(row["demand_va"]),
        "demand_kva_at": _local(row["demand_va_start"], zone),
        "power_factor": _thousandths(row["power_factor"]),
        **{name: row[name] for name in TAIL if name.startswith("intervals_")},
        "tariff": row["tariff"],
        "total_rupees": _fixed(row["total_paise"], 2),
        "delta_rupees": _fixed(row["delta_paise"], 2),
    }


def _thousandths(value: int | None) -> str | None:
    return _fixed(value, 3)


def _fixed(value: int | None, places: int) -> str | None:
    """A whole number as a decimal with so many places; exact."""
    if value is None:
        return None
    whole, rest = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{rest:0{places}}"


def _local(time: int | None, zone: ZoneInfo) -> str | None:
    return None if time is None else f"{datetime.fromtimestamp(time, zone):%Y-%m-%d %H:%M}"
