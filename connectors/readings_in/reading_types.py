"""ReadingType of IEC 61968-9: eighteen numbers with points between them, to a kind, a quantity and an interval.

macroPeriod . aggregate . measuringPeriod . accumulation . flowDirection . commodity . measurementKind . harmonic
numerator . denominator . argument numerator . denominator . tou . cpp . consumptionTier . phases . multiplier . uom .
currency.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.readings_in.quantities import KNOWN, Quantity
from pipeline.codes import Kind
from pipeline.reading_frames import TARGET

FIELDS = 18
PERIODS = {1: 600, 2: 900, 5: 1800, 6: 300, 7: 3600, 51: 1800, 53: 900}
"""measuringPeriod -> seconds of an interval."""
DAILY_PERIOD = 11
"""macroPeriod: daily."""
DELTA, REGISTERS, MOMENTARY = 4, (1, 3, 9), (6, 12)
"""accumulation: energy of an interval; registers (bulk quantity, cumulative, summation); indicating, instantaneous."""
ELECTRICITY = (1, 2)
ENERGY_KIND, VOLTAGE_KIND, CURRENT_KIND, FACTOR_KIND, FREQUENCY_KIND, POWER_KIND = 12, 54, 4, 38, 15, 37
MULTIPLIERS = {0: 0, 3: 3, 6: 6, 9: 9, 253: -3, -3: -3}
FORWARD, REVERSE = 1, 19

ENERGIES = {
    (72, FORWARD): "wh_imp", (71, FORWARD): "vah_imp", (72, REVERSE): "wh_exp", (71, REVERSE): "vah_exp",
    (73, 15): "varh_q1", (73, 16): "varh_q2", (73, 17): "varh_q3", (73, 18): "varh_q4",
}  # fmt: skip
"""(uom, flowDirection) -> channel."""
PHASES = {0: "r", 128: "r", 129: "r", 64: "y", 65: "y", 32: "b", 33: "b"}
"""phases -> letter of a phase; 0: a meter that has one."""
POWERS = {38: "active_power", 61: "apparent_power", 63: "reactive_power"}


@dataclass(frozen=True)
class ReadingType:
    """What values of a type are; `register`: of a register, whose stamp tells whether it is that of a midnight.

    interval: seconds, of BLOCK alone.
    """

    kind: Kind
    quantity: Quantity
    interval: int = 0
    register: bool = False


def reading_type(text: str) -> ReadingType:
    """The meaning of a type; raises ValueError for one that is not taken, with the reason."""
    parts = text.strip().split(".")
    if len(parts) != FIELDS or not all(part.removeprefix("-").isdecimal() for part in parts):
        raise ValueError(f"{text[:60]!r} is no reading type of {FIELDS} numbers")
    numbers = [int(part) for part in parts]
    macro, _, period, accumulation, flow, commodity, measured = numbers[:7]
    tou, cpp, tier, phases, multiplier, uom = numbers[11:17]
    if commodity not in ELECTRICITY or tou or cpp or tier or any(numbers[7:11]):
        raise ValueError(f"{text}: only electricity, without zones, tiers or harmonics")
    if multiplier not in MULTIPLIERS:
        raise ValueError(f"{text}: multiplier {multiplier} is not known")
    name = quantity_name(measured, uom, flow, phases)
    if name is None:
        raise ValueError(
            f"{text}: kind {measured}, uom {uom}, flow {flow}, phases {phases} is no quantity that is kept"
        )
    quantity = Quantity(TARGET[name], KNOWN[name][1] + MULTIPLIERS[multiplier])
    energy = measured == ENERGY_KIND
    if energy and accumulation in REGISTERS and macro in (0, DAILY_PERIOD):
        return ReadingType(Kind.DAILY, quantity, register=True)
    if macro == 0 and period in PERIODS and (accumulation == DELTA or (not energy and measured != POWER_KIND)):
        return ReadingType(Kind.BLOCK, quantity, PERIODS[period])
    if macro == 0 and period == 0 and not energy and accumulation in (0, *MOMENTARY):
        return ReadingType(Kind.INSTANT, quantity)
    raise ValueError(f"{text}: accumulation {accumulation} over period {macro}, {period} is not taken")


def quantity_name(measured: int, uom: int, flow: int, phases: int) -> str | None:
    """Channel or snapshot field of a kind, a unit, a direction and phases; None for what is not kept."""
    if measured == ENERGY_KIND:
        return ENERGIES.get((uom, flow)) if phases in (0, 224) else None
    if measured == VOLTAGE_KIND and uom == 29:
        return f"voltage_{PHASES[phases]}" if phases in PHASES else None
    if measured == CURRENT_KIND and uom == 5:
        return "current_n" if phases == 16 else f"current_{PHASES[phases]}" if phases in PHASES else None
    if measured == FACTOR_KIND:
        return "power_factor" if phases in (0, 224) else f"power_factor_{PHASES[phases]}" if phases in PHASES else None
    if measured == FREQUENCY_KIND and uom == 33:
        return "frequency"
    return POWERS.get(uom) if measured == POWER_KIND and phases in (0, 224) else None
