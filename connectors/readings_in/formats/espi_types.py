"""ReadingType of ESPI (NAESB REQ.21) to a kind, a quantity and an interval; its code lists are those of IEC 61968-9."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from connectors.readings_in.quantities import KNOWN, Quantity
from connectors.readings_in.reading_types import (
    DELTA,
    ELECTRICITY,
    ENERGY_KIND,
    MOMENTARY,
    POWER_KIND,
    REGISTERS,
    ReadingType,
    quantity_name,
)
from pipeline.codes import Kind
from pipeline.reading_frames import TARGET

USUAL_KINDS = {72: 12, 71: 12, 73: 12, 29: 54, 5: 4, 33: 15, 65: 38, 38: 37, 61: 37, 63: 37}
"""uom -> kind, where a type does not say its kind."""
WHOLE_PHASES = (225, 768, 769)
"""phase: all of them with neutral, and both halves of a split phase."""
PLAIN_QUALIFIERS = (0, 2, 12, 26)
"""dataQualifier: none, average, normal, sum; not the largest, smallest or the like."""
MOST_POWER = 12
LONGEST = 366 * 86_400


def number_at(element: Element, name: str, usual: int = 0) -> int:
    """A whole number of a child; `usual` where there is none. Raises ValueError."""
    child = element.find(name)
    text = (child.text or "").strip() if child is not None else ""
    if not text:
        return usual
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 15:
        raise ValueError(f"{name} {text[:40]!r} is no number")
    return int(text)


def espi_type(element: Element) -> ReadingType:
    """The meaning of a ReadingType; raises ValueError for one that is not taken, with the reason."""
    uom, power, length = (number_at(element, name) for name in ("uom", "powerOfTenMultiplier", "intervalLength"))
    phase, flow = number_at(element, "phase"), number_at(element, "flowDirection")
    measured = number_at(element, "kind") or USUAL_KINDS.get(uom, 0)
    if number_at(element, "commodity", ELECTRICITY[0]) not in ELECTRICITY:
        raise ValueError("only electricity")
    for zone in ("tou", "cpp", "consumptionTier"):
        if number_at(element, zone):
            raise ValueError(f"only without zones and tiers, not {zone} {number_at(element, zone)}")
    if number_at(element, "dataQualifier") not in PLAIN_QUALIFIERS:
        raise ValueError(f"dataQualifier {number_at(element, 'dataQualifier')} is not taken")
    if abs(power) > MOST_POWER or not 0 <= length <= LONGEST:
        raise ValueError(f"powerOfTenMultiplier {power}, intervalLength {length}: one of them cannot be")
    name = quantity_name(measured, uom, flow, 224 if phase in WHOLE_PHASES else phase)
    if name is None:
        raise ValueError(f"kind {measured}, uom {uom}, flow {flow}, phase {phase} is no quantity that is kept")
    quantity = Quantity(TARGET[name], KNOWN[name][1] + power)
    accumulation = number_at(element, "accumulationBehaviour")
    energy = measured == ENERGY_KIND
    if energy and accumulation in REGISTERS:
        return ReadingType(Kind.DAILY, quantity, register=True)
    if energy and accumulation == DELTA:
        return ReadingType(Kind.BLOCK, quantity, length)
    if not energy and accumulation in (0, *MOMENTARY):
        if not length:
            return ReadingType(Kind.INSTANT, quantity)
        if measured != POWER_KIND:
            return ReadingType(Kind.BLOCK, quantity, length)
    raise ValueError(f"accumulationBehaviour {accumulation} of kind {measured} over {length} s is not taken")
