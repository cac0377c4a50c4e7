"""A spreadsheet as a tariff: rows that a commercial officer can fill, saved as CSV.

Each row is a part of the tariff: a fact of it (kind `tariff`), a zone, a season, or a charge. Rows of one charge stand
together: a slab, a band or a zone each. `COLUMNS` says what each column means.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from agents.rating.engine.documents import Document, Fault, Path, Place, checked

COLUMNS: dict[str, str] = {
    "item": "code of the charge, zone or season; of a `tariff` row the fact: code, number, name, valid_from, ...",
    "kind": "tariff, billing_demand, net_metering, zone, season, or the kind of the charge: slabs, energy, fixed, ...",
    "name": "what stands on the bill, or what people call the zone",
    "upto": "end of a slab, in units, or of a band; empty in the last one; of a subsidy the last unit paid for",
    "above": "of a subsidy: the unit after which it begins",
    "value": "the rate in rupees or per cent; in a zone `20 %` is a percentage and `-0.80` rupees; a tariff's fact",
    "all_units": "yes: who ends in this slab pays its rate for every unit",
    "per": "fixed, minimum: connection, kw, kva, hp; adjustment: unit, slab, percent; zone: peak, solar, night",
    "by": "what bands are of: load_kw, load_kva, load_hp or kwh",
    "quantity": "what is counted: kwh, kvah, kvarh_lag, ...; empty: kwh",
    "zone": "of a row of a tod charge: the zone",
    "hours": "of a zone: `18:00-22:00 06:00-09:00`; of a season: `04-01 to 09-30`",
    "of": "charges that it is taken of, with spaces: `EC FIXED`; of a zone: its seasons",
    "only": "condition: `units<=500; load_kw>10; phases=3; flag=prepaid; month=4,5`",
    "options": "further keys of the charge: `round_up=true; factor=1.5`",
    "remark": "not read",
}
"""Column -> what is in it. Columns may stand in any order, and those not needed may be left out."""

PLAIN = re.compile(r"^-?\d+(\.\d+)?$|^\d{4}-\d\d-\d\d$|^(true|false)$")
RANGES = {"<=": "upto", ">=": "least", "<": "below", ">": "above"}
SEVERAL = ("slabs", "tod")


def read_sheet(raw: bytes, file: str) -> tuple[dict[str, Any], Document]:
    """The data of a tariff file of version 2, and the document with every fault by row (the line) and column."""
    faults: list[Fault] = []
    rows = _rows(raw, file, faults)
    sheet = _Sheet(file, faults)
    for line, row in rows:
        sheet.add(line, row)
    if any(fault.code == "SHEET_FORM" for fault in faults):
        return sheet.data, Document(None, tuple(faults), sheet.places)
    return sheet.data, checked(sheet.data, sheet.places, file, faults)


def _rows(raw: bytes, file: str, faults: list[Fault]) -> list[tuple[int, dict[str, str]]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.append(_fault(file, 1, 1, "SHEET_FORM", "the file is not UTF-8 text", "save the sheet as CSV (UTF-8)"))
        return []
    try:
        return _cells(text, file, faults)
    except csv.Error as error:
        faults.append(_fault(file, 1, 1, "SHEET_FORM", str(error), "save the sheet as CSV (UTF-8)"))
        return []


def _cells(text: str, file: str, faults: list[Fault]) -> list[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    head = [cell.strip().lower() for cell in next(reader, [])]
    for place, name in enumerate(head, 1):
        if name and name not in COLUMNS:
            what, hint = f"column {name!r} is not known", f"use {', '.join(COLUMNS)}"
            faults.append(_fault(file, 1, place, "SHEET_FORM", what, hint))
    lacking = [name for name in ("item", "kind", "value") if name not in head]
    faults += [_fault(file, 1, 1, "SHEET_FORM", f"column {name!r} is missing", "add it") for name in lacking]
    found = []
    for cells in reader:
        row = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if name and cell.strip()}
        row.pop("remark", None)
        if row:
            found.append((reader.line_num, row))
    return found


def _fault(file: str, line: int, column: int, code: str, message: str, hint: str) -> Fault:
    return Fault(code, "error", file, line, column, message, hint)


class _Sheet:
    """Data in the making; `places` leads a path of it back to its row."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self.file, self.faults = file, faults
        self.data: dict[str, Any] = {"version": "2", "charges": []}
        self.places: dict[Path, Place] = {(): (1, 1)}

    def add(self, line: int, row: dict[str, str]) -> None:
        kind, item, value = row.get("kind", ""), row.get("item", ""), row.get("value", "")
        if not kind or not item:
            self.fault(line, "a row needs item and kind", "fill both, or empty the row")
        elif kind == "tariff":
            self._put((item,), value, line)
        elif kind in ("billing_demand", "net_metering"):
            self.data.setdefault(kind, {})[item] = value.split() if item == "spill_to" else value
            self.places[(kind, item)] = self.places[(kind,)] = (line, 1)
        elif kind in ("zone", "season"):
            self._calendar(kind, line, row)
        else:
            self._charge(line, row)

    def fault(self, line: int, message: str, hint: str) -> None:
        self.faults.append(_fault(self.file, line, 1, "SHEET_ROW", message, hint))

    def _put(self, path: tuple[str], value: str, line: int) -> None:
        self.data[path[0]] = value
        self.places[path] = (line, 1)

    def _calendar(self, kind: str, line: int, row: dict[str, str]) -> None:
        held = self.data.setdefault("calendar", {}).setdefault(f"{kind}s", [])
        self.places[("calendar", f"{kind}s", len(held))] = (line, 1)
        self.places.setdefault(("calendar",), (line, 1))
        if kind == "season":
            since, _, until = row.get("hours", "").partition(" to ")
            held.append({"code": row["item"], "since": since.strip(), "until": until.strip()})
            return
        zone: dict[str, Any] = {"code": row["item"], "windows": row.get("hours", "").split()}
        zone |= {"name": row["name"]} if "name" in row else {}
        zone |= {"kind": row["per"]} if "per" in row else {}
        zone |= {"seasons": row["of"].split()} if "of" in row else {}
        held.append(zone)

    def _charge(self, line: int, row: dict[str, str]) -> None:
        charges = self.data["charges"]
        kind = row["kind"]
        same = bool(charges) and charges[-1]["code"] == row["item"] and charges[-1]["kind"] == kind
        if not same:
            self.places[("charges", len(charges))] = (line, 1)
            charges.append(self._head(line, row))
        charge, value = charges[-1], row.get("value", "")
        path: Path = ("charges", len(charges) - 1)
        if kind == "slabs":
            slab = ({"to": row["upto"]} if "upto" in row else {}) | {"rate": value}
            slab |= {"all_units": "true"} if row.get("all_units", "").lower() in ("yes", "true", "y") else {}
            self._part(charge, path, "slabs", slab, line)
        elif kind == "tod":
            percent = value.endswith("%")
            part = {"zone": row.get("zone", ""), "percent" if percent else "delta": value.rstrip("% ")}
            self._part(charge, path, "zones", part, line)
        elif kind == "subsidy":
            charge |= {"percent": value.rstrip("% ")} if value else {}
            charge |= {name: row[name] for name in ("above", "upto") if name in row}
        elif "by" in row or same:
            self._part(charge, path, "bands", ({"to": row["upto"]} if "upto" in row else {}) | {"rate": value}, line)
        elif value:
            charge["rate"] = value.rstrip("% ")

    def _part(self, charge: dict[str, Any], path: Path, name: str, part: dict[str, str], line: int) -> None:
        held = charge.setdefault(name, [])
        self.places[(*path, name, len(held))] = (line, 1)
        held.append(part)

    def _head(self, line: int, row: dict[str, str]) -> dict[str, Any]:
        charge: dict[str, Any] = {"code": row["item"], "kind": row["kind"]}
        charge |= {name: row[name] for name in ("name", "quantity", "per", "by") if name in row}
        if "of" in row:
            charge["of"] = row["of"] if row["kind"] in ("tod", "excess_demand") else row["of"].split()
        for text in filter(None, (part.strip() for part in row.get("options", "").split(";"))):
            name, sign, value = (part.strip() for part in text.partition("="))
            if sign:
                charge[name] = value
            else:
                self.fault(line, f"option {text!r} is not NAME=VALUE", "write it so")
        when = self._when(line, row.get("only", ""))
        return charge | ({"when": when} if when else {})

    def _when(self, line: int, text: str) -> dict[str, Any]:
        when: dict[str, Any] = {}
        for term in filter(None, (part.strip() for part in text.split(";"))):
            found = re.match(r"^(\w+)\s*(<=|>=|<|>|=)\s*(.+)$", term)
            if found is None:
                self.fault(line, f"condition {term!r} is not understood", "write as `units<=500` or `flag=prepaid`")
                continue
            name, sign, value = found.groups()
            if name == "flag":
                when.setdefault("flags", []).append(value)
            elif name == "month":
                when["months"] = [part.strip() for part in value.split(",")]
            elif sign == "=":
                when[name] = value
            else:
                when.setdefault(name, {})[RANGES[sign]] = value
        return when


def to_yaml(data: dict[str, Any], source: str) -> bytes:
    """The YAML file of data read from a sheet; numbers and dates stay as they were written."""
    out = io.BytesIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.width = 118
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.Representer = _Plain
    last = ("calendar", "billing_demand", "net_metering", "charges")
    facts = {name: value for name, value in data.items() if name not in last}
    yaml.dump(facts | {name: data[name] for name in last if name in data}, out)
    return f"# From {source}.\n".encode() + out.getvalue()


class _Plain(SafeRepresenter):
    """Writes numbers, dates and true or false without quotes, though they are text here."""


def _text(representer: SafeRepresenter, text: str) -> ScalarNode:
    if PLAIN.match(text):
        tag = "tag:yaml.org,2002:" + ("timestamp" if text.count("-") == 2 else "float" if "." in text else "int")
        tag = "tag:yaml.org,2002:bool" if text in ("true", "false") else tag
        return representer.represent_scalar(tag, text)
    return representer.represent_scalar("tag:yaml.org,2002:str", text)


_Plain.add_representer(str, _text)
