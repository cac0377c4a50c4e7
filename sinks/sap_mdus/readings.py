"""Readings of registers out of determinants: what the meter showed at both ends of a period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.channels import ENERGY
from pipeline.lookup import find
from pipeline.reference import Registry
from schemas.mdus.names import ESTIMATED_READ, UTILITY_READ

OPENING, CLOSING = "opening", "closing"
OPENING_KNOWN, CLOSING_KNOWN = 1, 2
"""Bits of the registry's column `exchange`."""
CHANNELS = tuple(channel.name for channel in ENERGY)


@dataclass(frozen=True)
class Place:
    """What is read: a register of a service point at a time; `edge`: as the first of a period, or the last."""

    service_point: int
    channel: str
    time: int
    edge: str


@dataclass(frozen=True)
class Reading:
    """A reading of a revision of a determinant. `wh`: Wh or VAh, meter side; None: not known. `name`: the record's."""

    place: Place
    revision: int
    wh: int | None
    type_code: str
    name: str


@dataclass(frozen=True)
class Standing:
    """The device that stands at a service point, and its multiplying factor."""

    device: str
    numerator: int
    denominator: int


Find = Callable[[int, int], Standing | None]
"""(service point, epoch seconds UTC) -> what stands there then."""
FindExchange = Callable[[Place, int], Reading | None]
"""See `exchanged`, of the registry in force."""


def standing(registry: Registry, service_point: int, time: int) -> Standing | None:
    """What stands at a service point at a time; None: nothing that the registry knows."""
    for link in _links(registry, service_point):
        if int(registry.valid_from[link]) <= time < int(registry.valid_to[link]):
            numerator, denominator = int(registry.factor_numerator[link]), int(registry.factor_denominator[link])
            return Standing(f"{int(registry.device[link]):016X}", numerator, denominator)
    return None


def exchanged(registry: Registry, place: Place, until: int) -> Reading | None:
    """What a meter showed that was installed at the place's time, or removed between then and `until`.

    None: there is no such meter, or the registry does not know its registers (`exchange`, `opening`, `closing`).
    """
    known, registers, times = (
        (OPENING_KNOWN, registry.opening, registry.valid_from)
        if place.edge == OPENING
        else (CLOSING_KNOWN, registry.closing, registry.valid_to)
    )
    for link in _links(registry, place.service_point):
        time = int(times[link])
        fits = time == place.time if place.edge == OPENING else place.time <= time < until
        if fits and int(registry.exchange[link]) & known:
            wh = int(registers[link, CHANNELS.index(place.channel)])
            # The value is in the name: another one is another message.
            name = f"registry/{int(registry.device[link]):016X}/{place.edge}/{time}/{place.channel}/{wh}"
            return Reading(Place(place.service_point, place.channel, time, place.edge), 0, wh, UTILITY_READ, name)
    return None


def _links(registry: Registry, service_point: int) -> Iterator[int]:
    """Links of a service point, by their begin."""
    order, index = registry.links_of_point
    row = int(find(*index, np.uint64(service_point)))
    while 0 <= row < len(order) and int(registry.service_point[order[row]]) == service_point:
        yield int(order[row])
        row += 1


def name_of(record: Mapping[str, Any]) -> str:
    """The name of a plain record: the place in the first log that it was made from."""
    return "/".join(str(record[f"source_{part}"]) for part in ("topic_id", "partition", "offset", "index"))


def readings_of(record: Mapping[str, Any], find_standing: Find) -> Iterator[Reading]:
    """The readings at both ends of a Determinant's period, of each register that it has."""
    for register in record["registers"]:
        channel, name = register["channel"], name_of(record)
        ends = ((OPENING, record["period_start"]), (CLOSING, record["period_end"]))
        for edge, time in ends:
            wh, code = register[edge], UTILITY_READ
            if wh is None and edge == CLOSING:
                wh, code = _forward(record, register, find_standing), ESTIMATED_READ
            yield Reading(Place(record["service_point"], channel, time, edge), record["revision"], wh, code, name)


def _forward(record: Mapping[str, Any], register: Mapping[str, Any], find_standing: Find) -> int | None:
    """The closing reading from the opening one and the energy, where one device measured the whole period."""
    stands = find_standing(record["service_point"], record["period_end"] - 1)
    if register["opening"] is None or record["meter_segments"] != 1 or stands is None:
        return None
    energy: int = record[register["channel"]]
    opening: int = register["opening"]
    # Energy is times the multiplying factor, registers are not.
    return opening + energy * stands.denominator // stands.numerator
