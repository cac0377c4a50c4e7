"""Rows of nameplates, billing profiles and event logs as their meter sends them, by code: for `profile_rows`.

Readings have eight energies and what rating needs; a billing profile also has registers by zone and maxima by zone with
their times, an event log what was measured at the event, a nameplate texts. Nothing is reckoned with here: values are
in the unit of their quantity, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from agents.decode.single.described import Described
from agents.decode.single.not_placed import NotPlacedError

MOST_DIGITS = 16
"""A number of more digits before its point is no measurement, as in `quantities`."""
LEAST_EXPONENT = -30
"""Finer numbers are written with an exponent: a float may have three hundred places."""

TimeOf = Callable[[bytes], int | None]
"""A date-time of 12 octets -> epoch seconds UTC, None when it is none."""


@dataclass(frozen=True)
class Value:
    """One attribute of an object: a number in `unit` as exact decimal, or a text, or a time in epoch seconds UTC.

    All three None: the meter sent a date-time that is none.
    """

    obis: str
    attribute: int
    value: str | None
    unit: str
    text: str | None
    time: int | None


@dataclass(frozen=True)
class ProfileRow:
    """profile: logical name; template: by which table the columns were named; code: of an event, 0 for others."""

    profile: str
    template: str
    code: int
    values: tuple[Value, ...]


def row_of(row: Described, profile: str, time_of: TimeOf, left_out: str = "-", code: int = 0) -> ProfileRow:
    """What a row says, without columns whose code begins with `left_out`; raises NotPlacedError for what is no number.

    What the meter left empty (null-data) is not there.
    """
    name = str((row.template or {}).get("name", ""))
    return ProfileRow(profile, name, code, tuple(_values(row, time_of, left_out)))


def _values(row: Described, time_of: TimeOf, left_out: str) -> Iterator[Value]:
    for name, said in row.values.items():
        obis, _, attribute = name.partition("/")
        place = (obis, int(attribute or 2))
        if obis.startswith(left_out):
            continue
        if name in row.stamps:
            octets = row.stamps[name]
            if octets:
                yield Value(*place, None, "", None, time_of(octets))
        elif name in row.measured:
            number, unit = row.measured[name]
            yield Value(*place, decimal_text(number, name), unit, None, None)
        elif said is not None:
            yield Value(*place, None, "", str(said), None)


def decimal_text(number: Decimal, name: str) -> str:
    """A number without needless zeros; raises NotPlacedError when no meter measures it."""
    if not number.is_finite() or (number and number.adjusted() > MOST_DIGITS):
        raise NotPlacedError(f"{name} is no measurement", "DATA_MALFORMED")
    if not number:
        return "0"
    text = format(number, "f") if int(number.as_tuple().exponent) >= LEAST_EXPONENT else str(number)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
