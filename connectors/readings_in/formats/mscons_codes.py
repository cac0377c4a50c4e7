"""What codes of MSCONS mean: OBIS codes and units (EDI@Energy, code list of OBIS codes and media), and stamps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from connectors.readings_in.formats.edifact import Segment
from connectors.readings_in.quantities import KNOWN, Quantity, named
from connectors.readings_in.times import ISO, stamp_of
from pipeline.reading_frames import TARGET

OBIS = re.compile(r"1-\d{1,3}:(\d{1,2})\.(\d{1,3})\.(\d{1,3})(\*255)?", re.ASCII)
"""Electricity, any channel: C.D.E, and perhaps the present value."""
REGISTER, PERIOD, INTERVAL = "8", "9", "29"
"""D: a register; energy of a period, and of an interval of the load profile."""
CHANNELS = {
    "1": "wh_imp", "2": "wh_exp", "3": "varh_q1", "4": "varh_q4", "5": "varh_q1", "6": "varh_q2", "7": "varh_q3",
    "8": "varh_q4", "9": "vah_imp", "10": "vah_exp",
}  # fmt: skip
"""C -> channel. 3 and 4 are reactive energy to and from the customer: of one who only draws energy these are the first
and the fourth quadrant."""
UNITS = {"KWH": ("Wh", 3), "MWH": ("Wh", 6), "WHR": ("Wh", 0), "K3": ("varh", 3), "C79": ("VAh", 3)}
"""Code of a unit of energy (UN/ECE recommendation 20) -> unit, power of ten. Without one it is the thousandfold."""
KILO = 3

MINUTE_ZONE, MINUTE, DATE = "303", "203", "102"
"""Formats of DTM: CCYYMMDDHHMMZZZ, CCYYMMDDHHMM and CCYYMMDD; without a zone it is local time."""
STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)([+-]\d\d)(\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Series:
    """Values of an OBIS code: of a channel, registers or energy of intervals."""

    obis: str
    channel: str
    register: bool
    quantity: Quantity

    def of_unit(self, code: str) -> Series:
        """The same in a unit; raises ValueError for one that is no unit of this channel."""
        unit, usual = KNOWN[self.channel]
        written, power = UNITS.get(code.upper(), ("", 0)) if code else (unit, KILO)
        if written != unit:
            raise ValueError(f"{code[:20]!r} is no unit of {self.obis}")
        return replace(self, quantity=Quantity(TARGET[self.channel], usual + power))


def series_of(obis: str, own: Mapping[str, str]) -> Series:
    """The meaning of an OBIS code, 1-b:C.D.E; `own`: channels of codes, whole or as C.D.E. Raises ValueError."""
    found = OBIS.fullmatch(obis)
    if found is None:
        raise ValueError(f"{obis[:40]!r} is no OBIS code of electricity")
    measured, form, rate = found[1], found[2], found[3]
    if form not in (REGISTER, PERIOD, INTERVAL) or rate != "0":
        raise ValueError(f"{obis}: only energy of intervals and registers, without zones")
    channel = named(own, {}, obis, f"{measured}.{form}.{rate}") or CHANNELS.get(measured)
    if channel is None or channel not in CHANNELS.values():
        raise ValueError(f"{obis} is no quantity that is kept")
    return Series(obis, channel, form == REGISTER, Quantity(TARGET[channel], KNOWN[channel][1] + KILO))


class Moments:
    """Stamps as DTM has them; each comes many times and is read once."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[tuple[str, str], int] = {}
        self._said: dict[str, tuple[str, tuple[str, str]]] = {}

    def said(self, segment: Segment) -> tuple[str, tuple[str, str]]:
        """What a DTM says: its qualifier, and (text, format)."""
        octets = "".join(segment.elements[1:2])
        found = self._said.get(octets)
        if found is None:
            name, text, form = (*segment.parts(1), "", "", "")[:3]
            found = self._said[octets] = name, (text, form)
        return found

    def read(self, text: str, form: str) -> int:
        """Epoch seconds; raises ValueError."""
        found = self._known.get((text, form))
        if found is None:
            found = self._known[text, form] = stamp_of(_iso(text, form), ISO, self.zone)
        return found


def _iso(text: str, form: str) -> str:
    stamp = re.fullmatch(STAMP, text) if form == MINUTE_ZONE else None
    if stamp is not None:
        year, month, day, hour, minute, hours, minutes = stamp.groups()
        return f"{year}-{month}-{day}T{hour}:{minute}:00{hours}:{minutes or '00'}"
    if form == MINUTE and re.fullmatch(r"\d{12}", text, re.ASCII):
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:]}:00"
    if form == DATE and re.fullmatch(r"\d{8}", text, re.ASCII):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}T00:00:00"
    raise ValueError(f"{text[:40]!r} is no time of format {form[:10]!r}")
