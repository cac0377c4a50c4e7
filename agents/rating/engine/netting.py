"""Set-off of export by zone, and the bank (net metering; domain rules of the State Commissions).

A zone's own export and what it has banked are set off first. What is left over of a zone goes, where the tariff says
so, to the zones of `spill_to` in their order, and then into the bank. Energy is neither made nor lost: import + bank
carried out = billed + export + bank carried in, over all zones together, each term in Wh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import WHOLE, Quantities
from pipeline.errors import ConfigError


@dataclass(frozen=True)
class SetOff:
    """Energy after set-off, Wh."""

    billed: Mapping[str, int]
    """By zone; empty when nothing is known by zone."""
    total: int
    bank: Mapping[str, int] = field(default_factory=dict)
    """Surplus, by zone; zones without one are left out."""


def set_off(tariff: Tariff, given: Quantities) -> SetOff:
    """What is billed and what is banked of a period."""
    imported = by_zone(given.wh, given.zones_wh, "import")
    scheme = tariff.net_metering
    zoned = bool(given.zones_wh)
    if scheme is None or scheme.scheme != "net_metering":
        return SetOff(imported if zoned else {}, given.wh, dict(given.bank_wh))
    exported = by_zone(given.export_wh, given.zones_export_wh, "export")
    if not zoned:
        exported = {WHOLE: given.export_wh}
    names = _in_order(tariff, {*imported, *exported, *given.bank_wh})
    net = {name: imported.get(name, 0) - exported.get(name, 0) - given.bank_wh.get(name, 0) for name in names}
    billed = {name: max(0, value) for name, value in net.items()}
    surplus = {name: max(0, -value) for name, value in net.items()}
    for giver in names:
        for taker in scheme.spill_to:
            moved = min(surplus[giver], billed.get(taker, 0))
            surplus[giver] -= moved
            if moved:
                billed[taker] -= moved
    bank: dict[str, int] = {}
    for name, value in surplus.items():
        kept = scheme.bank_as if scheme.bank_as is not None and zoned else name
        if value:
            bank[kept] = bank.get(kept, 0) + value
    return SetOff(billed if zoned else {}, sum(billed.values()), bank)


def _in_order(tariff: Tariff, names: set[str]) -> list[str]:
    """Zones in the order in which they give their surplus away: as the calendar has them, what is of no zone behind
    them, then names that it does not have."""
    own = [zone.code for zone in tariff.calendar.zones] + [WHOLE]
    return [name for name in own if name in names] + sorted(names.difference(own))


def by_zone(total: int, zones: Mapping[str, int], what: str) -> dict[str, int]:
    """Energy by zone, with what is in no zone under the empty name; raises ConfigError when zones exceed the total."""
    rest = total - sum(zones.values())
    if rest < 0 or min(zones.values(), default=0) < 0:
        raise ConfigError(
            "ZONES_SUM",
            where=what,
            what=f"the zones hold {sum(zones.values())} Wh of {total} Wh",
            do="give zones that are not more than the whole",
        )
    return {**zones, **({WHOLE: rest} if rest else {})}


def share(pool: Mapping[str, int], parts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Export of a group's plant by member and zone (group and virtual net metering), Wh.

    pool: export by zone; parts: a member's share, in any unit. Each zone is split by the shares; what whole Wh leave
    over goes to the largest remainders, and among equal ones by name, so that the members' sums are the pool.
    """
    whole = sum(parts.values())
    if whole <= 0 or min(parts.values()) < 0:
        raise ConfigError("GROUP_SHARES", where="shares", what="they do not add up", do="give shares above 0")
    shared: dict[str, dict[str, int]] = {name: {} for name in parts}
    for zone, energy in pool.items():
        floors = {name: energy * part // whole for name, part in parts.items()}
        order = sorted(parts, key=lambda name: (-(energy * parts[name] % whole), name))
        for name in order[: energy - sum(floors.values())]:
            floors[name] += 1
        for name, value in floors.items():
            shared[name][zone] = value
    return shared
