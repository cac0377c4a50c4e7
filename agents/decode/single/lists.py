"""Lists that name their own quantities, as most meters outside India push them.

A quantity stands as OBIS code, value and often {scaler, unit}, flat or in structures, with its class and attribute or
without; or the push-object list stands before the values.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.decode.single.clock import clock_octets
from agents.decode.single.described import Described
from agents.decode.single.messages import Attribute
from agents.decode.single.names import UNITS
from agents.decode.single.octets import dotted
from agents.decode.single.texts import value_of
from pipeline.axdr import ARRAY, COMPACT, CONTAINERS, DESCRIPTOR, STRUCTURE, Datum
from pipeline.axdr_compact import unpacked

OBIS_LENGTH = 6
CLASS, NAME, ATTRIBUTE, INDEX = 18, 9, 15, 18
"""Tags of an object definition: class u16, logical name, attribute i8, data index u16."""

LEAST_OBJECTS = 2


def is_obis(datum: Datum) -> bool:
    """Six octets that end with 255."""
    return datum.tag == NAME and len(datum.value) == OBIS_LENGTH and datum.value[-1] == 0xFF


def is_scaler(datum: Datum) -> bool:
    """{scaler i8, unit}."""
    return datum.tag == STRUCTURE and [part.tag for part in datum.value] == [15, 22]


def object_definitions(datum: Datum) -> list[Attribute]:
    """The attributes that an array of object definitions names; none when it is another array."""
    if datum.tag == COMPACT:
        datum = unpacked(datum)
    found = []
    for item in datum.value if datum.tag == ARRAY else []:
        tags = [part.tag for part in item.value[:4]] if item.tag == STRUCTURE else []
        if tags != [CLASS, NAME, ATTRIBUTE, INDEX] or len(item.value[1].value) != OBIS_LENGTH:
            return []
        class_id, name, number, index = (part.value for part in item.value[:4])
        found.append(Attribute(class_id, dotted(name), number, index))
    return found


def put(found: Described, obis: str, value: Any, scaler: Datum | None = None) -> None:
    """A value under its code, scaled when the frame says how."""
    if scaler is not None:
        exponent, unit = (part.value for part in scaler.value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            exact = Decimal(str(value)).scaleb(exponent)
            found.measured.setdefault(obis, (exact, UNITS.get(unit, "")))
            value = float(exact) if exponent else value
        if unit in UNITS:
            found.units[obis] = UNITS[unit]
    if obis in found.values:
        # The same code twice is two attributes or two moments: nothing is lost.
        found.repeats[obis] = found.repeats.get(obis, 1) + 1
        obis = f"{obis}#{found.repeats[obis]}"
    found.values[obis] = value


def note_stamp(found: Described, obis: str, datum: Datum) -> None:
    """Keep the octets of a date-time: as text it has lost its deviation."""
    octets = clock_octets(datum)
    if octets is not None:
        found.stamps.setdefault(obis, octets)


def read_list(items: list[Datum], found: Described) -> None:
    """Quantities that name themselves among `items`, at any depth."""
    place = 0
    while place < len(items):
        datum = items[place]
        if datum.tag == DESCRIPTOR and place + 1 < len(items):
            put(found, dotted(datum.value[2:8]), value_of(items[place + 1]))
            found.place(items[place + 1], dotted(datum.value[2:8]))
            note_stamp(found, dotted(datum.value[2:8]), items[place + 1])
            place += 2
        elif _names_next(items, place):
            place = _take(items, place, found)
        elif datum.tag in CONTAINERS:
            read_list(datum.value, found)
            place += 1
        elif datum.tag == COMPACT:
            read_list(unpacked(datum).value, found)
            place += 1
        else:
            place += 1


def _names_next(items: list[Datum], place: int) -> bool:
    """An OBIS code stands here and a value behind it."""
    if place + 1 >= len(items):
        return False
    datum, follower = items[place], items[place + 1]
    if datum.tag != NAME or len(datum.value) != OBIS_LENGTH:
        return False
    scaled = place + 2 < len(items) and is_scaler(items[place + 2])
    if not is_obis(datum):
        # Codes of former billing periods end otherwise; six octets of text do not have a scaler behind the next one.
        return scaled and follower.tag not in CONTAINERS
    return not (follower.tag in CONTAINERS and _names_any(follower))


def _names_any(datum: Datum) -> bool:
    pending = [datum]
    while pending:
        found = pending.pop()
        if is_obis(found):
            return True
        if found.tag in CONTAINERS:
            pending.extend(found.value)
    return False


def _take(items: list[Datum], place: int, found: Described) -> int:
    """One quantity; the place behind it."""
    obis = dotted(items[place].value)
    place += 1
    typed = items[place].tag == ATTRIBUTE and place >= 2 and items[place - 2].tag == CLASS and place + 1 < len(items)
    if typed and items[place + 1].tag not in CONTAINERS:
        if items[place].value != 2:
            obis = f"{obis}/{items[place].value}"
        place += 1
    scaler = items[place + 1] if place + 1 < len(items) and is_scaler(items[place + 1]) else None
    put(found, obis, value_of(items[place]), scaler)
    found.place(items[place], obis)
    note_stamp(found, obis, items[place])
    return place + (1 if scaler is None else 2)


def read_by_objects(items: list[Datum], found: Described) -> bool:
    """Values behind a push-object list that stands among them: one a definition, in their order."""
    for place, datum in enumerate(items[:3]):
        objects = object_definitions(datum) if datum.tag in (ARRAY, COMPACT) else []
        if len(objects) < LEAST_OBJECTS:
            continue
        if len(objects) == len(items):
            pairs = [pair for number, pair in enumerate(zip(objects, items, strict=True)) if number != place]
        elif len(objects) == len(items) - place - 1:
            pairs = list(zip(objects, items[place + 1 :], strict=True))
        else:
            continue
        found.details["push_objects"] = [str(attribute) for attribute in objects]
        put_attributes(pairs, found)
        return True
    return False


def put_attributes(pairs: list[tuple[Attribute, Datum]], found: Described) -> None:
    """Values of attributes; the scalers among them are used."""
    scalers = {attribute.obis: datum for attribute, datum in pairs if attribute.number in (3, 4) and is_scaler(datum)}
    for attribute, datum in pairs:
        if scalers.get(attribute.obis) is datum:
            continue
        obis = attribute.obis if attribute.number == 2 else f"{attribute.obis}/{attribute.number}"
        found.place(datum, obis)
        note_stamp(found, obis, datum)
        put(found, obis, value_of(datum), scalers.get(attribute.obis) if attribute.number == 2 else None)
