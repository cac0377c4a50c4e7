"""Names of meters as head-ends have them, to devices of the registry."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigError

TITLE = re.compile(r"[0-9A-Fa-f]{16}")
MOST = 2**64 - 1


def device_of(name: str, form: str, names: Mapping[str, int]) -> int:
    """The device of a name; 0 when it is none. `form`: title, number, name, or auto for the first that fits."""
    name = name.strip()
    if form in ("auto", "name") and name in names:
        return names[name]
    if form in ("auto", "title") and TITLE.fullmatch(name):
        return int(name, 16)
    if form in ("auto", "number") and name.isascii() and name.isdecimal() and int(name) <= MOST:
        return int(name)
    return 0


def read_names(path: Path | None) -> dict[str, int]:
    """Name -> device of a CSV file with columns `name` and `device` (system title in 16 hexadecimal digits, or number).

    Raises ConfigError naming each row that cannot be read.
    """
    if path is None:
        return {}
    found: dict[str, int] = {}
    faults: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"name", "device"} <= set(reader.fieldnames or ()):
                raise ConfigError(
                    "NAMES_FAULT", where=str(path), what="no columns name, device", do="add a header line"
                )
            for row in reader:
                name = (row["name"] or "").strip()
                device = device_of(row["device"] or "", "auto", {})
                if not name or not device or found.get(name, device) != device:
                    faults.append(f"line {reader.line_num}: {row['name']}, {row['device']}")
                found[name] = device
    except OSError as error:
        raise ConfigError("NAMES_ABSENT", where=str(path), what=str(error), do="correct `names`") from error
    if faults:
        raise ConfigError(
            "NAMES_FAULT", where=str(path), what="; ".join(faults[:20]),
            do="give each name once, with a system title (16 hexadecimal digits) or a number",
        )  # fmt: skip
    return found
