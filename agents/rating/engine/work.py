"""What the charges of one bill see: the tariff, the period, and what stands above them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from agents.rating.engine.exact import WH, rounded
from agents.rating.engine.format.base import Range, When
from agents.rating.engine.format.charges import Band, Banded, Per, Quantity
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Line, Part
from agents.rating.engine.netting import SetOff
from agents.rating.engine.quantities import Missing, Quantities

KW_PER_HP = Fraction(746, 1000)
"""1 HP = 0.746 kW."""


@dataclass
class Work:
    """A bill in the making."""

    tariff: Tariff
    given: Quantities
    set_off: SetOff
    units_wh: int
    slab_months: Fraction
    fixed_months: Fraction
    lines: list[Line] = field(default_factory=list)
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    billing_demand: Fraction | None = None
    power_factor: Fraction | None = None
    load_factor: Fraction | None = None
    notes: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    """Charges whose value of the month has not landed."""

    @property
    def scale(self) -> Fraction:
        """Length of the period in billing cycles: what slab bounds are multiplied with."""
        return self.slab_months / self.tariff.cycle_months

    def amount(self, quantity: Quantity) -> Fraction:
        """A quantity of energy in kWh, kVAh or kVArh; raises Missing."""
        given = self.given
        values: dict[str, int | None] = {
            "kwh": self.units_wh,
            "kvah": self._billed_vah(),
            "kwh_import": given.wh,
            "kwh_export": given.export_wh,
            "kvarh_lag": given.varh_lag,
            "kvarh_lead": given.varh_lead,
            "kwh_generation": given.generation_wh,
        }
        return Fraction(_needed(quantity, values[quantity]), WH)

    def _billed_vah(self) -> int | None:
        given = self.given
        if given.vah is not None:
            return given.vah - given.vah % self.tariff.step_wh
        if given.power_factor:
            exact = given.wh / given.power_factor
            return int(exact) - int(exact) % self.tariff.step_wh
        return None

    def zone_amount(self, quantity: Quantity, zone: str) -> Fraction:
        """kWh or kVAh of a zone; raises Missing."""
        found = self.set_off.billed if quantity == "kwh" else self.given.zones_vah
        if not found and self.amount(quantity):
            raise Missing(f"zones of {quantity}")
        return Fraction(found.get(zone, 0), WH)

    def load(self, per: Per) -> Fraction:
        """Sanctioned load in kW, kVA or HP, or 1 of a connection; raises Missing."""
        watt, volt_ampere = self.given.load_w, self.given.load_va
        factor = self.tariff.load_power_factor
        if per == "connection":
            return Fraction(1)
        if per == "kva":
            if volt_ampere is None and watt is not None and factor is not None:
                return Fraction(watt, 1000) / Fraction(factor)
            return Fraction(_needed("load_kva", volt_ampere), 1000)
        if watt is None and volt_ampere is not None and factor is not None:
            kilowatt = Fraction(volt_ampere, 1000) * Fraction(factor)
        else:
            kilowatt = Fraction(_needed("load_kw", watt), 1000)
        return kilowatt / KW_PER_HP if per == "hp" else kilowatt

    def rate(self, charge: Banded) -> Fraction:
        """Rupees of a charge with one rate, or of the band that the period is in."""
        if charge.rate is not None:
            return Fraction(charge.rate)
        if charge.by == "kwh":
            return band_of(charge.bands, Fraction(self.units_wh, WH), self.scale)
        per: dict[str | None, Per] = {"load_kw": "kw", "load_kva": "kva", "load_hp": "hp"}
        return band_of(charge.bands, self.load(per[charge.by]), Fraction(1))

    def paise_of(self, codes: Iterable[str]) -> int:
        """Sum of the rounded lines of charges that stand above."""
        wanted = set(codes)
        return sum(line.paise for line in self.lines if line.charge in wanted)

    def due(self, when: When | None) -> bool:
        """Whether a condition holds; raises Missing."""
        if when is None:
            return True
        flags = self.given.flags
        if not set(when.flags) <= flags or set(when.without) & flags:
            return False
        if when.phases is not None and _needed("phases", self.given.phases) != when.phases:
            return False
        if when.units is not None and not within(when.units, Fraction(self.units_wh, WH), self.scale):
            return False
        if when.load_kw is not None and not within(when.load_kw, self.load("kw")):
            return False
        if when.load_kva is not None and not within(when.load_kva, self.load("kva")):
            return False
        return self._dated(when)

    def _dated(self, when: When) -> bool:
        if not when.months and when.since is None and when.until is None:
            return True
        begins = self.given.begins
        if begins is None:
            raise Missing("date")
        if when.months and begins.month not in when.months:
            return False
        return (when.since is None or begins >= when.since) and (when.until is None or begins <= when.until)


def _needed(name: str, value: int | None) -> int:
    if value is None:
        raise Missing(name)
    return value


def band_of(bands: tuple[Band, ...], value: Fraction, scale: Fraction) -> Fraction:
    """Rate of the band that holds `value`; its end belongs to it."""
    return next(Fraction(band.rate) for band in bands if band.to is None or value <= Fraction(band.to) * scale)


def within(wanted: Range, value: Fraction, scale: Fraction = Fraction(1)) -> bool:
    """Whether a value is in a range whose ends are multiplied with `scale`."""
    return (
        (wanted.above is None or value > Fraction(wanted.above) * scale)
        and (wanted.least is None or value >= Fraction(wanted.least) * scale)
        and (wanted.upto is None or value <= Fraction(wanted.upto) * scale)
        and (wanted.below is None or value < Fraction(wanted.below) * scale)
    )


def months_of(tariff: Tariff, days: int) -> Fraction:
    """Length of `days` in months, as the tariff rounds it: MSEDCL bills 31 days as 1.03 months."""
    exact = Fraction(days, tariff.month_days)
    return exact if tariff.month_digits is None else rounded(exact, tariff.month_digits)
