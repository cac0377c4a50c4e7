"""Profiles of IS 15959 that only the decoder for single frames reads, as versioned data: columns by meter category.

`pipeline.templates` has the pushes of the hot path (instantaneous, block, daily, alert of all models) and is asked
first. This table adds billing, event logs and nameplate. Columns stand in the order of the profile's capture list; a
push sends them behind device, logical name and clock.

Numbers are read by their tag, as in `pipeline.templates`: floats are in kWh, kW, V, A; integers in Wh, W, 0.1 V,
0.01 A, thousandths of a power factor.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.decode.single.clock import clock_octets
from pipeline.axdr import BIT_STRING, FLOATS, NOTHING, NUMBERS, STRINGS, Datum

VERSION = 1

SCALES: dict[str, tuple[str, int, int]] = {
    "energy": ("Wh", 0, 3), "apparent energy": ("VAh", 0, 3), "reactive energy": ("varh", 0, 3), "power": ("W", 0, 3),
    "apparent power": ("VA", 0, 3), "reactive power": ("var", 0, 3), "voltage": ("V", -1, 0),
    "current": ("A", -2, 0), "power factor": ("", -3, 0), "frequency": ("Hz", -3, 0), "minutes": ("min", 0, 0),
    "signal": ("dBm", 0, 0), "number": ("", 0, 0),
}  # fmt: skip
"""Quantity -> unit, power of ten of integers, power of ten of floats."""


@dataclass(frozen=True)
class Column:
    """One column: an attribute (2 is the value, 5 the time of a maximum) and what kind of quantity it is."""

    obis: str
    attribute: int
    quantity: str

    @property
    def name(self) -> str:
        """Its key among the values."""
        return self.obis if self.attribute == 2 else f"{self.obis}/{self.attribute}"

    def fits(self, datum: Datum) -> bool:
        """The datum is of the kind that the column takes."""
        if datum.tag in NOTHING:
            return True
        if self.quantity == "time":
            return clock_octets(datum) is not None
        if self.quantity == "text":
            return datum.tag in STRINGS and clock_octets(datum) is None
        if self.quantity == "bits":
            return datum.tag == BIT_STRING
        return datum.tag in NUMBERS or datum.tag in FLOATS


_TEXTS = frozenset({"0.0.96.1.0", "0.0.96.1.2", "0.0.96.1.1", "1.0.0.2.0", "0.0.94.91.11", "0.0.94.91.12"})
_MINUTES = frozenset({"0.0.94.91.8", "0.0.94.91.13", "0.0.94.91.14"})
_QUANTITY_OF_C = {
    **dict.fromkeys((1, 2, 16, 21, 22, 41, 42, 61, 62), "energy"),
    **dict.fromkeys((9, 10, 29, 30, 49, 50, 69, 70), "apparent energy"),
    **dict.fromkeys((3, 4, 5, 6, 7, 8, 23, 24, 43, 44, 63, 64), "reactive energy"),
    **dict.fromkeys((11, 31, 51, 71, 91, 94), "current"), **dict.fromkeys((12, 32, 52, 72), "voltage"),
    **dict.fromkeys((13, 33, 53, 73, 84), "power factor"), 14: "frequency",
}  # fmt: skip
_POWERS = {"energy": "power", "apparent energy": "apparent power", "reactive energy": "reactive power"}
_ENERGY_D = (8, 29)
"""Value group D of time integrals."""


def quantity_of(obis: str, attribute: int = 2) -> str:
    """What kind of quantity a code of the table below is (value groups C and D)."""
    if attribute == 5 or obis in ("0.0.1.0.0", "0.0.0.1.2"):
        return "time"
    if obis in _TEXTS:
        return "text"
    if obis in _MINUTES:
        return "minutes"
    fixed = {"0.0.94.91.18": "bits", "0.1.96.12.5": "signal", "0.0.17.0.0": "power", "1.0.94.91.14": "current"}
    if obis in fixed:
        return fixed[obis]
    a, _, c, d, _ = (int(part) for part in obis.split("."))
    if a != 1 or c not in _QUANTITY_OF_C or (c == 0):
        return "number"
    found = _QUANTITY_OF_C[c]
    return found if d in _ENERGY_D else _POWERS.get(found, found)


def columns(text: str) -> tuple[Column, ...]:
    """Columns written short: C.D for 1.0.C.D.0, C.D.E for 1.0.C.D.E, five groups as they are; @5 its time."""
    found = []
    for word in text.split():
        code, _, attribute = word.partition("@")
        groups = code.split(".")
        obis = {2: f"1.0.{code}.0", 3: f"1.0.{code}"}.get(len(groups), code)
        number = int(attribute or 2)
        found.append(Column(f"{obis}.255", number, quantity_of(obis, number)))
    return tuple(found)


@dataclass(frozen=True)
class ProfileTemplate:
    """Columns of one profile of one category; the last ones may be absent, but `required` of them must be there.

    `verified`: the order was read from such a meter. `source`: where it comes from.
    """

    name: str
    profile: str
    category: str
    verified: bool
    source: str
    columns: tuple[Column, ...]
    required: int
    version: int = VERSION

    def fits(self, data: list[Datum]) -> bool:
        """As many columns, each of its kind."""
        return self.required <= len(data) <= len(self.columns) and all(
            column.fits(datum) for column, datum in zip(self.columns, data, strict=False)
        )


INSTANT, BLOCK, DAILY, BILLING = "1.0.94.91.0.255", "1.0.99.1.0.255", "1.0.99.2.0.255", "1.0.98.1.0.255"
NAMEPLATE = "0.0.94.91.10.255"
EVENTS = tuple(f"0.0.99.98.{log}.255" for log in range(8))
"""Logical names of the profiles; event logs: voltage, current, power, transaction, other, non-rollover, control."""

PUSHES: dict[str, str] = {
    "0.0.25.9.0.255": INSTANT, "0.5.25.9.0.255": BLOCK, "0.6.25.9.0.255": DAILY, "0.103.25.9.0.255": BILLING,
    "0.106.25.9.0.255": BILLING, "0.107.25.9.0.255": BILLING, "0.104.25.9.0.255": NAMEPLATE,
    "0.10.25.9.0.255": EVENTS[2], **{f"0.{120 + log}.25.9.0.255": EVENTS[log] for log in range(7)},
}  # fmt: skip
"""Logical name of a push setup -> the profile that it pushes."""

CLOCK = columns("0.0.1.0.0")
_D1_METER, _D2_METER = "capture list of a single-phase meter", "capture list of a three-phase meter"
_MAKERS, _DEFAULT = "a maker's head-end", "default order of part 1, seen in no meter"


def _zones(code: str) -> str:
    return " ".join(f"{code}.{zone}" for zone in range(9))


def _demands(*codes: str) -> str:
    return " ".join(f"{code} {code}@5" for code in codes)


def _all_zones(code: str) -> str:
    return _demands(*(f"{code}.{zone}" for zone in range(9)))


_THREE = "31.{d} 51.{d} 71.{d} 32.{d} 52.{d} 72.{d}"
_QUADRANT_REGISTERS = "5.8 6.8 7.8 8.8"
_CUMULATIVE = f"13.0 {_zones('1.8')} {_zones('9.8')}"
_NAMEPLATE = "0.0.96.1.0 0.0.96.1.2 0.0.96.1.1 1.0.0.2.0 0.0.94.91.9 0.0.94.91.11 0.0.94.91.12 0.0.96.1.4"
_LOG_THREE = f"{_THREE.format(d=7)} 33.7 53.7 73.7"


def _of(
    name: str, profile: str, category: str, verified: bool, source: str, text: str, absent: int = 0
) -> ProfileTemplate:
    found = columns(text)
    return ProfileTemplate(name, profile, category, verified, source, found, len(found) - absent)


def _logs() -> tuple[ProfileTemplate, ...]:
    """Event logs: the long ones of voltage, current and other; those of power and the rest have a code alone."""
    found = []
    for log, profile in enumerate(EVENTS):
        code = f"0.0.96.11.{log}"
        if log in (0, 1, 4):
            single = f"{code} 1.0.94.91.14 12.7 13.7 1.8 2.8 0.0.94.91.0"
            found += [
                _of("single-phase event log", profile, "D1", True, _D1_METER, single),
                _of("three-phase event log", profile, "D2", True, _D2_METER, f"{code} {_LOG_THREE} 1.8"),
                _of("CT event log", profile, "D3 D4", False, _MAKERS, f"{code} {_LOG_THREE} 91.7 1.8"),
            ]
        else:
            found.append(_of("event log", profile, "D1 D2 D3 D4", log != 7, _D1_METER if log != 7 else _DEFAULT, code))
    return tuple(found)


PROFILES: tuple[ProfileTemplate, ...] = (
    _of(
        "single-phase billing", BILLING, "D1", True, _D1_METER,
        f"{_CUMULATIVE} {_demands('1.6', '9.6')} 0.0.94.91.13 2.8 10.8 {_demands('2.6', '10.6')} 84.6", absent=7,
    ),
    _of(
        "three-phase billing", BILLING, "D2 D3 D4", False, _MAKERS,
        f"{_CUMULATIVE} {_all_zones('1.6')} {_all_zones('9.6')} 0.0.94.91.13 2.8 10.8 {_demands('2.6', '10.6')} "
        f"{_QUADRANT_REGISTERS}", absent=10,
    ),
    _of(
        "part 1 billing", BILLING, "A B C", False, _DEFAULT,
        f"{_CUMULATIVE} {_all_zones('1.6')} {_all_zones('9.6')}", absent=0,
    ),
    _of("nameplate", NAMEPLATE, "D1 D2", True, _D1_METER, _NAMEPLATE),
    _of("CT nameplate", NAMEPLATE, "A B C D3 D4", False, _MAKERS, f"{_NAMEPLATE} 1.0.0.4.2 1.0.0.4.3", absent=1),
    *_logs(),
)  # fmt: skip


def fitting(profile: str, data: list[Datum]) -> tuple[ProfileTemplate | None, list[str]]:
    """(the template of `profile` that fits: a verified one, then the earlier one; names of others that fit too)."""
    found = [template for template in PROFILES if template.profile == profile and template.fits(data)]
    found.sort(key=lambda template: not template.verified)
    return (found[0] if found else None), [template.name for template in found[1:]]
