"""Lists of makers whose meaning the frame does not tell whole: values by position, or codes without scalers.

A table a maker, versioned; verified where such a frame was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents.decode.single.clock import clock_octets
from agents.decode.single.described import Described
from agents.decode.single.lists import note_stamp
from agents.decode.single.texts import text_of, value_of
from pipeline.axdr import Datum


@dataclass(frozen=True)
class PositionalList:
    """A list that goes by position: `begins` is the start of its first element, a text; columns (code, unit, power)."""

    name: str
    begins: bytes
    verified: bool
    columns: tuple[tuple[str, str, int], ...]
    version: int = 1


_KAIFA_HEAD = (("1.1.0.2.129.255", "", 0), ("0.0.96.1.0.255", "", 0), ("0.0.96.1.7.255", "", 0),
               ("1.0.1.7.0.255", "W", 0), ("1.0.2.7.0.255", "W", 0), ("1.0.3.7.0.255", "var", 0),
               ("1.0.4.7.0.255", "var", 0))  # fmt: skip
_KAIFA_ONE = (("1.0.31.7.0.255", "A", -3), ("1.0.32.7.0.255", "V", -1))
_KAIFA_THREE = (("1.0.31.7.0.255", "A", -3), ("1.0.51.7.0.255", "A", -3), ("1.0.71.7.0.255", "A", -3),
                ("1.0.32.7.0.255", "V", -1), ("1.0.52.7.0.255", "V", -1), ("1.0.72.7.0.255", "V", -1))  # fmt: skip
_KAIFA_HOUR = (("0.0.1.0.0.255", "", 0), ("1.0.1.8.0.255", "Wh", 0), ("1.0.2.8.0.255", "Wh", 0),
               ("1.0.3.8.0.255", "varh", 0), ("1.0.4.8.0.255", "varh", 0))  # fmt: skip

POSITIONAL: tuple[PositionalList, ...] = (
    PositionalList("Kaifa HAN list 2, three-phase", b"KFM_", True, (*_KAIFA_HEAD, *_KAIFA_THREE)),
    PositionalList("Kaifa HAN list 3, three-phase", b"KFM_", False, (*_KAIFA_HEAD, *_KAIFA_THREE, *_KAIFA_HOUR)),
    PositionalList("Kaifa HAN list 2, single-phase", b"KFM_", False, (*_KAIFA_HEAD, *_KAIFA_ONE)),
    PositionalList("Kaifa HAN list 3, single-phase", b"KFM_", False, (*_KAIFA_HEAD, *_KAIFA_ONE, *_KAIFA_HOUR)),
)
"""Lists of Norwegian meters (HAN interface); verified where such a frame was read."""


def read_positional(items: list[Datum], found: Described) -> bool:
    """A list of the table above."""
    first = items[0].value if items and items[0].tag in (9, 10) else b""
    for known in POSITIONAL:
        if first.startswith(known.begins) and len(items) == len(known.columns):
            for (obis, unit, power), datum in zip(known.columns, items, strict=True):
                found.place(datum, obis)
                note_stamp(found, obis, datum)
                found.values[obis] = _scaled(found, obis, value_of(datum), unit, power)
                if unit:
                    found.units[obis] = unit
            found.template = {"name": known.name, "version": known.version, "verified": known.verified}
            return True
    return False


def _scaled(found: Described, obis: str, value: Any, unit: str, power: int) -> Any:
    if not unit or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    exact = Decimal(str(value)).scaleb(power)
    found.measured[obis] = (exact, unit)
    return float(exact) if power else value


@dataclass(frozen=True)
class CodedList:
    """A list of OBIS codes and values without scalers: by value groups C.D the unit and the power of ten.

    `begins` is the start of a text in it.
    """

    name: str
    begins: str
    verified: bool
    scales: dict[str, tuple[str, int]]
    version: int = 1


_PHASES = ((31, 32), (51, 52), (71, 72))
_POWERS = {"1.7": ("W", 0), "2.7": ("W", 0), "3.7": ("var", 0), "4.7": ("var", 0)}

CODED: tuple[CodedList, ...] = (
    CodedList(
        "Kamstrup list", "Kamstrup_V", True,
        {
            **_POWERS, "1.8": ("Wh", 1), "2.8": ("Wh", 1), "3.8": ("varh", 1), "4.8": ("varh", 1),
            **{f"{current}.7": ("A", -2) for current, _ in _PHASES}, **{f"{volt}.7": ("V", 0) for _, volt in _PHASES},
        },
    ),
    CodedList(
        "Kaifa list", "KFM_", True,
        {
            **_POWERS, "1.8": ("Wh", 0), "2.8": ("Wh", 0), "3.8": ("varh", 0), "4.8": ("varh", 0),
            **{f"{current}.7": ("A", -3) for current, _ in _PHASES}, **{f"{volt}.7": ("V", -1) for _, volt in _PHASES},
        },
    ),
)  # fmt: skip


def read_maker(items: list[Datum], found: Described) -> None:
    """What a maker's table adds to a list of codes: the values stay as sent, `details` gets them scaled."""
    _name_last(items, found)
    texts = [text_of(item.value) for item in items[:6] if item.tag in (9, 10)]
    known = next((known for known in CODED if any(text.startswith(known.begins) for text in texts)), None)
    if known is None or found.units:
        return
    scaled = {}
    for obis, value in found.values.items():
        unit, power = known.scales.get(".".join(obis.split(".")[2:4]), ("", 0))
        if unit and isinstance(value, int | float) and not isinstance(value, bool):
            scaled[obis] = {"value": _scaled(found, obis, value, unit, power), "unit": unit}
    if scaled:
        found.details["scaled"] = scaled
        found.template = {"name": known.name, "version": known.version, "verified": known.verified}


SERIAL = "0.0.96.1.0.255"


def _name_last(items: list[Datum], found: Described) -> None:
    """Netz NÖ: date-time first, quantities, and last the meter's number without a code."""
    if len(items) < 3 or clock_octets(items[0]) is None or SERIAL in found.values or not found.values:
        return
    last = items[-1]
    if last.tag in (9, 10) and len(items) % 3 == 2 and last.value.isdigit():
        found.values[SERIAL] = text_of(last.value)
        found.template = {"name": "Netz NÖ list", "version": 1, "verified": True}
