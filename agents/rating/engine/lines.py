"""A bill and its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from agents.rating.engine.exact import PAISE, exact_text, half_away


@dataclass(frozen=True)
class Part:
    """What a charge comes to, before it is rounded."""

    suffix: str
    """Of the line's code: a slab or a zone; empty where the charge has one line."""
    base: Fraction
    base_unit: str
    rate: str
    rupees: Fraction


@dataclass(frozen=True)
class Line:
    """One line of a bill: `base` x `rate`, rounded once to the paisa, a half away from zero."""

    code: str
    base: Fraction
    base_unit: str
    rate: str
    paise: int
    charge: str
    """Code of the charge that it is a line of."""

    def as_json(self) -> dict[str, object]:
        """Numbers as text, so that no reader makes floats of them; paise as an integer."""
        return {
            "code": self.code,
            "base": exact_text(self.base),
            "base_unit": self.base_unit,
            "rate": self.rate,
            "paise": self.paise,
        }


def line_of(code: str, part: Part) -> Line:
    """The line of a part. This is where money is rounded."""
    full = f"{code}.{part.suffix}" if part.suffix else code
    return Line(full, part.base, part.base_unit, part.rate, half_away(part.rupees * PAISE), code)


@dataclass(frozen=True)
class Bill:
    """A rated period."""

    tariff: str
    units_wh: int
    """Billed energy: after set-off, a multiple of the tariff's step."""
    carry_wh: int
    """Energy below one step, carried into the next period."""
    months: Fraction
    """Length that slab bounds followed."""
    lines: tuple[Line, ...]
    energy_codes: tuple[str, ...]
    rounding_paise: int = 0
    """What rounding to the rupee added; also the line ROUNDING."""
    bank_wh: Mapping[str, int] = field(default_factory=dict)
    """Surplus carried out of the period, by zone."""
    billing_demand: Fraction | None = None
    """kW or kVA, as the tariff's demand."""
    power_factor: Fraction | None = None
    load_factor: Fraction | None = None
    """Per cent."""
    missing: tuple[tuple[str, str], ...] = ()
    """Charge and the quantity that it lacks: the charge is not in the bill."""
    notes: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Charges whose value of the month has not landed: they are not in the bill either."""

    @property
    def total_paise(self) -> int:
        """Sum of the lines."""
        return sum(line.paise for line in self.lines)

    @property
    def energy_paise(self) -> int:
        """The energy charge: sum of the lines of `energy_codes`."""
        return sum(line.paise for line in self.lines if line.charge in self.energy_codes)

    def paise_of(self, charge: str) -> int:
        """Sum of the lines of one charge."""
        return sum(line.paise for line in self.lines if line.charge == charge)
