"""What a column of a head-end may hold: a channel or snapshot field, and a unit as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.channels import CHANNELS, SNAPSHOT, Channel, SnapshotField
from pipeline.reading_frames import STATUS_WORDS, TARGET
from pipeline.templates import TIMES

PREFIXES = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9}
SCALED_UNITS = ("Wh", "VAh", "varh", "V", "A", "W", "VA", "var", "Hz")
_STORED = {"mV": "V", "mA": "A", "mHz": "Hz", "1/1000": "1"}
"""Unit of a channel -> the unit that it is a thousandth of."""


@dataclass(frozen=True)
class Quantity:
    """A target (`pipeline.reading_frames.TARGET`), and the power of ten that turns the written unit into the stored."""

    target: int
    exponent: int


def _known() -> dict[str, tuple[str, int]]:
    """Name -> (physical unit, power of ten that turns it into the stored unit)."""
    found = {}
    written: tuple[Channel | SnapshotField, ...] = (*CHANNELS, *SNAPSHOT)
    for row in written:
        if row.name not in TIMES and not STATUS_WORDS >> TARGET[row.name] & 1:
            found[row.name] = (_STORED.get(row.unit, row.unit), row.scale)
    return found


KNOWN = _known()


def units_of(name: str) -> dict[str, int]:
    """Units in which a quantity may be written, with their power of ten; the first is taken when none is said."""
    unit, _ = KNOWN[name]
    if unit == "1":
        return {"1": 0, "%": -2}
    return {prefix + unit: power for prefix, power in PREFIXES.items()} if unit in SCALED_UNITS else {unit: 0}


def quantity(text: str) -> Quantity:
    """`wh_imp`, `wh_imp kWh`, `voltage_r mV`: a name and perhaps a unit; raises ValueError."""
    name, _, unit = text.strip().partition(" ")
    if name not in KNOWN:
        raise ValueError(f"{name!r}: use one of {', '.join(KNOWN)}")
    units = units_of(name)
    unit = unit.strip() or next(iter(units))
    if unit not in units:
        raise ValueError(f"{text!r}: use one of the units {', '.join(units)}")
    return Quantity(TARGET[name], KNOWN[name][1] + units[unit])


def named(values: Mapping[str, str], usual: Mapping[str, str], *names: str) -> str | None:
    """The channel that one of a format's own names stands for, its own declaration first; None when nothing does."""
    for table in (values, usual):
        for name in names:
            if name in table:
                return table[name].strip()
    return None


def usual_columns() -> dict[str, str]:
    """Columns that are known without being declared: each quantity by its name, energies by that of a thousandfold."""
    found = {name: name for name in KNOWN}
    for name, (unit, _) in KNOWN.items():
        if unit in ("Wh", "VAh", "varh"):
            found[f"k{name}"] = f"{name} k{unit}"
    return found
