"""Which quantity of Kvarn a code is that a frame names itself, and its value in the integer unit of that quantity.

Codes: IEC 62056-6-1, value groups A-B:C.D.E*F. Group A is 1 (electricity) or 0 (abstract objects), B the measuring
channel 0 or 1 of the meter, F 255 (not a former billing period). Units: Blue Book, scaler_unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cache, lru_cache

from pipeline.channels import CHANNELS, FIRST_PHYSICAL, SNAPSHOT
from pipeline.codes import Kind
from pipeline.templates import SNAPSHOT_TARGET, TIMES

_CODE = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*.](\d{1,3}))?"
                   r"|(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")  # fmt: skip
_ELECTRICITY, _ABSTRACT, _NOW = 1, 0, 255
_OWN_CHANNELS = (0, 1)
_MEAN, _MOMENTARY = 27, 7
_ANY_PHASE = (11, 12)
"""Value group C of current and voltage of no phase in particular: of a single-phase meter."""

_UNITS: dict[str, tuple[str, int]] = {
    **{f"{prefix}{unit}": (unit, power) for unit in ("Wh", "VAh", "varh", "W", "VA", "var", "V", "A")
       for prefix, power in (("", 0), ("k", 3), ("M", 6))},
    "Hz": ("Hz", 0), "min": ("min", 0), "": ("1", 0),
}  # fmt: skip
"""Unit of a frame -> the quantity's own unit, and the power of ten between them."""

_BASE = {"mV": "V", "mA": "A", "mHz": "Hz", "1/1000": "1"}
_HALF = Decimal("0.5")
_MOST_DIGITS = 16
LARGEST = 2**53
LARGEST_PHYSICAL = 2**31 - 1
"""Values beyond these are no measurement, as in the kernels."""


class NoMeasurementError(ValueError):
    """A number that no meter measures."""


@dataclass(frozen=True)
class Place:
    """Where a quantity belongs: `target` of `pipeline.templates` in a row of `kind`; `scale`: power of ten from `unit`.

    `any_phase`: it gives way to the same quantity of phase R.
    """

    kind: Kind
    target: int
    unit: str
    scale: int
    any_phase: bool = False

    @property
    def counts(self) -> bool:
        """A number that needs no unit to be understood."""
        return self.unit == "1" and self.scale == 0

    def whole(self, value: Decimal, unit: str) -> int | None:
        """The value in the integer unit, half up as the kernels round; None for a unit of another quantity.

        Raises NoMeasurementError.
        """
        own, power = _UNITS.get(unit, ("", 0))
        if own != self.unit:
            return None
        shifted = value.scaleb(power + self.scale)
        limit = LARGEST_PHYSICAL if FIRST_PHYSICAL <= self.target < SNAPSHOT_TARGET else LARGEST
        if not shifted:
            return 0
        if not shifted.is_finite() or shifted.adjusted() > _MOST_DIGITS:
            raise NoMeasurementError
        found = int((shifted + _HALF).to_integral_value(ROUND_FLOOR))
        if abs(found) > limit:
            raise NoMeasurementError
        return found


@cache
def _places() -> dict[tuple[int, ...], Place]:
    """(A, C, D, E) -> place, of all channels and snapshot fields."""
    found: dict[tuple[int, ...], Place] = {}
    for target, channel in enumerate(CHANNELS):
        unit = _BASE.get(channel.unit, channel.unit)
        for obis in channel.block_obis:
            a, _, c, d, e, _ = (int(part) for part in obis.split("."))
            any_phase = c in _ANY_PHASE
            found[a, c, d, e] = Place(Kind.BLOCK, target, unit, channel.scale, any_phase)
            if d == _MEAN:
                found[a, c, _MOMENTARY, e] = Place(Kind.INSTANT, target, unit, channel.scale, any_phase)
        for obis in channel.register_obis:
            a, _, c, d, e, _ = (int(part) for part in obis.split("."))
            found[a, c, d, e] = Place(Kind.INSTANT, target, unit, channel.scale)
    for number, field in enumerate(SNAPSHOT):
        if field.name not in TIMES and field.unit != "bits":
            a, _, c, d, e, _ = (int(part) for part in field.obis.split("."))
            place = Place(Kind.INSTANT, SNAPSHOT_TARGET + number, _BASE.get(field.unit, field.unit), field.scale)
            found.setdefault((a, c, d, e), place)
    return found


DEMAND_TIMES: dict[str, int] = {
    (field.obis if field.name == "billing_time" else f"{field.obis}/5"): SNAPSHOT_TARGET + number
    for number, field in enumerate(SNAPSHOT)
    if field.name in TIMES
}
"""Code of a date-time -> target."""


@lru_cache(4096)
def place_of(code: str) -> Place | None:
    """Where the value of a code belongs, None for what has no place. Telegrams write codes as 1-0:1.8.0."""
    match = _CODE.fullmatch(code)
    if match is None:
        return None
    groups = [int(part or _NOW) for part in (match.groups()[:6] if match[1] else match.groups()[6:])]
    a, b, c, d, e, f = groups
    own = b in _OWN_CHANNELS if a == _ELECTRICITY else a == _ABSTRACT and b == 0
    return _places().get((a, c, d, e)) if own and f == _NOW else None


def is_clock(code: str) -> bool:
    """The code of a meter's clock (0-b:1.0.0)."""
    parts = code.split(".")
    return len(parts) == 6 and parts[0] == "0" and parts[2:] == ["1", "0", "0", "255"]
