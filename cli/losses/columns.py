"""Columns of a file of AT&C inputs: a quantity and its unit, `sold_mu` say; and cells as exact integers."""

from __future__ import annotations

import difflib
import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from agents.losses.indices.inputs import BY_NAME, QUANTITIES, Quantity

UNITS: dict[str, dict[str, int]] = {
    "energy": {"wh": 0, "kwh": 3, "mwh": 6, "gwh": 9, "mu": 9},
    "money": {"paise": 0, "rs": 2, "lakh": 7, "crore": 9},
}
"""Kind -> unit -> power of ten in Wh or paise: a million units is a GWh, a lakh of rupees ten million paise."""
KEYS = {
    "node": "name or number of the node; needed",
    "period": "what the row is of, in your words: `2025-26`, `2025-26 Q1`, `2025-04`; needed",
    "level": "level of the node (discom, feeder, DT): only nodes of one level are ranked together",
    "remark": "not read",
}
NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")


class Cell(NamedTuple):
    """A value as it is written, and where; line and column begin with 1. None: nothing is written."""

    text: str | None
    line: int
    column: int


class Fault(NamedTuple):
    """What is wrong with a file, and where."""

    line: int
    column: int
    what: str


class Column(NamedTuple):
    """A quantity in a unit."""

    quantity: Quantity
    unit: str

    def number(self, text: str) -> int:
        """The value in Wh or paise; raises ValueError with the reason."""
        if not NUMBER.fullmatch(text):
            separated = ": write it without separators" if "," in text else ""
            raise ValueError(f"{text!r} is not a number{separated}")
        value = Fraction(text) * Fraction(10) ** UNITS[self.quantity.kind][self.unit]
        if value.denominator != 1:
            least = "Wh" if self.quantity.kind == "energy" else "paise"
            raise ValueError(f"{text} {self.unit} is not a whole number of {least}")
        if value < 0 and not self.quantity.signed:
            raise ValueError(f"{self.quantity.name} cannot be less than zero")
        return int(value)


@cache
def column_of(name: str) -> Column | None:
    """The column of a name, None for the row's own keys; raises ValueError that says what it could be."""
    if name in KEYS:
        return None
    quantity, _, unit = name.rpartition("_")
    if quantity in BY_NAME and unit in UNITS[BY_NAME[quantity].kind]:
        return Column(BY_NAME[quantity], unit)
    if (of := BY_NAME.get(name) or BY_NAME.get(quantity)) is not None:
        units = ", ".join(f"{of.name}_{unit}" for unit in UNITS[of.kind])
        raise ValueError(f"{name!r} has no unit that is known: write {units}")
    near = difflib.get_close_matches(name, known(), 1)
    raise ValueError(f"{name!r} is not known" + (f": is it {near[0]}?" if near else "; docs/atc.md lists the names"))


def known() -> list[str]:
    """Every name that a column can have."""
    return [*KEYS, *(f"{item.name}_{unit}" for item in QUANTITIES for unit in UNITS[item.kind])]
