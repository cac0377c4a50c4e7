"""Values -> texts of the CSV files: what export writes, and what reports show."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np

from connectors.registry.tables import LEVELS, ROLES, Column, Kind
from pipeline.columns import Array
from pipeline.localtime import OFFSETS
from pipeline.reference import FOREVER

SHOWN_ZONE = "Asia/Kolkata"
_ZONE = datetime.timezone(datetime.timedelta(seconds=OFFSETS[SHOWN_ZONE]))
_NAMES = {
    "role": {code: name.upper() for name, code in ROLES.items()},
    "level": {code: name.upper() for name, code in LEVELS.items()},
    "net_meter": {0: "no", 1: "yes"},
}


def texts(column: Column, values: Array) -> list[str]:
    """Texts of the values (n,) or (n, 2) of a column; an empty one for the end of what still holds."""
    if column.kind is Kind.KEY:
        return [""] * len(values)
    if column.kind is Kind.TITLE:
        return [f"{value:016X}" for value in values.tolist()]
    if column.kind is Kind.TIME:
        return _each(values, _time)
    if column.kind is Kind.RATIO:
        return [str(a) if b == 1 else f"{a}/{b}" for a, b in values.tolist()]
    if column.kind in (Kind.TEXT, Kind.ASCII):
        return [value.decode() for value in values.tolist()]
    if column.kind is Kind.DOCUMENT:
        return ["" for _ in values]
    names = _NAMES.get(column.name)
    return _each(values, lambda value: names.get(value, str(value)) if names is not None else str(value))


def _each(values: Array, show: Callable[[int], str]) -> list[str]:
    """`show` of each value, each different one once."""
    different, place = np.unique(values, return_inverse=True)
    shown = [show(value) for value in different.tolist()]
    return [shown[number] for number in place.tolist()]


def _time(value: int) -> str:
    if value >= FOREVER:
        return ""
    try:
        return datetime.datetime.fromtimestamp(value, _ZONE).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(value)
