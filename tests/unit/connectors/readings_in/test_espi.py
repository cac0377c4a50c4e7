"""ESPI: links, types, stamps, qualities, and what of a broken feed is kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from connectors.readings_in.formats.espi_types import espi_type
from connectors.readings_in.formats.xml import parse
from connectors.readings_in.reader import Portion
from pipeline.codes import Flag, Kind
from pipeline.reading_frames import TARGET
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, TITLE, faults, frames, read, rows, values
from tests.unit.connectors.readings_in.written import Told, element, entry, espi, feed, intervals, reading

POINT, TYPE = f"UsagePoint/{TITLE}", "ReadingType/07"
OWN = f"{POINT}/MeterReading/01"
BLOCKS = f"{OWN}/IntervalBlock"
USAGE = entry(POINT, element("UsagePoint"), up="UsagePoint", related=[f"{POINT}/MeterReading"])
METER = entry(OWN, element("MeterReading"), up=f"{POINT}/MeterReading", related=[BLOCKS, TYPE])
WH: dict[str, object] = {
    "accumulationBehaviour": 4, "commodity": 1, "dataQualifier": 12, "flowDirection": 1, "intervalLength": 1800,
    "kind": 12, "phase": 769, "powerOfTenMultiplier": 0, "uom": 72,
}  # fmt: skip


def typed(**changes: object) -> str:
    return entry(TYPE, element("ReadingType", **(WH | changes)))


def blocks(*readings: str, id: str = "urn:uuid:B1", **period: int) -> str:
    return entry(f"{BLOCKS}/1", intervals(*readings, **period), up=BLOCKS, id=id)


def told(*entries: str, **options: Any) -> list[Portion]:
    return read(feed(*entries), format="espi", **options)


def test_links_tie_a_reading_to_its_usage_point_and_its_type() -> None:
    ((device, found),) = rows(told(blocks(reading(MIDNIGHT, 1800, 125, "17")), METER, typed(), USAGE))
    assert (device, found.time, found.values, found.interval) == (DEVICE, MIDNIGHT + 1800, {0: 125}, 1800)
    assert (found.quality, found.flags, found.id) == ("17", Flag(0), "urn:uuid:B1")


def test_meter_readings_of_one_usage_point_make_one_reading_of_a_stamp() -> None:
    other, kind = f"{POINT}/MeterReading/02", "ReadingType/08"
    found = told(
        USAGE, typed(), METER, blocks(reading(MIDNIGHT, 1800, 125)),
        entry(kind, element("ReadingType", **(WH | {"flowDirection": 19}))),
        entry(other, element("MeterReading"), up=f"{POINT}/MeterReading", related=[f"{other}/IntervalBlock", kind]),
        entry("", intervals(reading(MIDNIGHT, 1800, 7)), up=f"{other}/IntervalBlock"),
    )  # fmt: skip
    assert values(found) == [{"wh_imp": 125, "wh_exp": 7}]


@pytest.mark.parametrize(
    ("changes", "kind", "name", "exponent", "interval"),
    [
        ({}, Kind.BLOCK, "wh_imp", 0, 1800),
        ({"powerOfTenMultiplier": -3, "flowDirection": 19}, Kind.BLOCK, "wh_exp", -3, 1800),
        ({"uom": 71, "powerOfTenMultiplier": 3, "phase": 225}, Kind.BLOCK, "vah_imp", 3, 1800),
        ({"uom": 73, "flowDirection": 17, "phase": 0}, Kind.BLOCK, "varh_q3", 0, 1800),
        ({"kind": 0, "phase": 0}, Kind.BLOCK, "wh_imp", 0, 1800),
        ({"accumulationBehaviour": 3, "intervalLength": 0}, Kind.DAILY, "wh_imp", 0, 0),
        ({"uom": 29, "kind": 54, "phase": 64, "accumulationBehaviour": 12}, Kind.BLOCK, "voltage_y", 3, 1800),
        ({"uom": 33, "kind": 15, "phase": 0, "accumulationBehaviour": 6, "intervalLength": 0}, Kind.INSTANT,
         "frequency", 3, 0),
        ({"uom": 38, "kind": 37, "phase": 0, "accumulationBehaviour": 12, "intervalLength": 0}, Kind.INSTANT,
         "active_power", 0, 0),
    ],
)  # fmt: skip
def test_a_type_is_a_kind_a_quantity_and_an_interval(
    changes: dict[str, object], kind: Kind, name: str, exponent: int, interval: int
) -> None:
    found = espi_type(parse(element("ReadingType", **(WH | changes)).encode()))
    assert (found.kind, found.quantity.target, found.interval) == (kind, TARGET[name], interval)
    assert found.quantity.exponent == exponent


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"commodity": 7}, "only electricity"), ({"tou": 2}, "only without zones"), ({"uom": 42}, "no quantity"),
        ({"flowDirection": 4}, "no quantity"), ({"phase": 128}, "no quantity"), ({"dataQualifier": 8}, "dataQualifier"),
        ({"powerOfTenMultiplier": 99}, "cannot be"), ({"intervalLength": -1}, "cannot be"),
        ({"accumulationBehaviour": 6}, "is not taken"), ({"uom": "Wh"}, "is no number"),
        ({"kind": 37, "uom": 38, "accumulationBehaviour": 12, "phase": 0}, "is not taken"),
    ],
)  # fmt: skip
def test_a_type_that_is_not_kept_says_why_once_and_the_others_are_used(changes: dict[str, object], reason: str) -> None:
    two = (reading(MIDNIGHT, 1800, 1), reading(MIDNIGHT + 1800, 1800, 1))
    found = told(USAGE, METER, typed(**changes), blocks(*two), blocks(*two))
    ((code, detail),) = faults(found)
    assert code == "READING_UNREADABLE"
    assert reason in detail
    with pytest.raises(ValueError, match=reason):
        espi_type(fromstring(element("ReadingType", **(WH | changes)).replace(' xmlns="http://naesb.org/espi"', "")))


@pytest.mark.parametrize(("power", "value"), [(0, 125_000), (3, 125), (-3, 125_000_000), (6, 0), (-6, 125_499_999_999)])
def test_powers_of_ten_are_exact(power: int, value: int) -> None:
    expected = {0: 125_000, 3: 125_000, -3: 125_000, 6: 0, -6: 125_500}[power]
    found = told(USAGE, METER, typed(powerOfTenMultiplier=power), blocks(reading(MIDNIGHT, 1800, value)))
    assert values(found) == [{"wh_imp": expected}]


def test_registers_of_midnight_settle_days_and_others_are_momentary() -> None:
    found = told(
        USAGE, METER, typed(accumulationBehaviour=3, intervalLength=0),
        blocks(reading(MIDNIGHT, 0, 900_000), reading(MIDNIGHT + 600, 0, 900_001)),
    )  # fmt: skip
    assert [(frame.kind, frame.readings[0].values) for frame in frames(found)] == [
        (Kind.DAILY, {0: 900_000}), (Kind.INSTANT, {0: 900_001}),
    ]  # fmt: skip


def test_qualities_are_those_of_the_reading_or_of_its_type() -> None:
    own = blocks(
        reading(MIDNIGHT, 1800, 1), reading(MIDNIGHT + 1800, 1800, 1, "8"), reading(MIDNIGHT + 3600, 1800, 1, "0", "10")
    )
    found = rows(told(USAGE, METER, typed(defaultQuality=14), own))
    assert [(one.quality, one.flags) for _, one in found] == [
        ("14", Flag(0)), ("8", Flag.HEAD_END_ESTIMATED), ("0; 10", Flag.HEAD_END_SUSPECT),
    ]  # fmt: skip


def test_readings_without_a_period_follow_one_another_from_the_begin_of_their_block() -> None:
    plain = "<IntervalReading><value>5</value></IntervalReading>"
    found = rows(told(USAGE, METER, typed(), blocks(plain, plain, start=MIDNIGHT, duration=3600)))
    assert [one.time for _, one in found] == [MIDNIGHT + 1800, MIDNIGHT + 3600]


def test_readings_that_cannot_be_used_are_named_and_the_others_are_used() -> None:
    found = told(
        USAGE, METER, typed(),
        blocks(
            reading(MIDNIGHT, 900, 1), reading(-5, 1800, 1), reading(MIDNIGHT, 1800, "x"), reading(MIDNIGHT, 1800, 2),
            reading(MIDNIGHT + 1800, 1800, 3), reading(MIDNIGHT + 3600, -1, 3), reading(0, 1800, 1),
        ),
        entry("a/1", intervals(reading(MIDNIGHT, 1800, 4)), up="a"),
    )  # fmt: skip
    assert values(found) == [{"wh_imp": 3}]
    assert faults(found) == [
        ("INTERVAL_OTHER", "reading 1, timePeriod: 900 s, its type says 1800 s"),
        ("CLOCK_UNUSABLE", "reading 2, timePeriod: timePeriod begins at no time"),
        ("READING_UNREADABLE", f"reading 4, espi/1_1/resource/{TYPE}: the value comes twice"),
        ("CLOCK_UNUSABLE", "reading 6, timePeriod: -1 s is no duration of an interval"),
        ("CLOCK_UNUSABLE", "reading 7, timePeriod: 0 is not in the years 2000 to 2098"),
        ("READING_UNREADABLE", "reading 8: no MeterReading with a ReadingType is linked with it"),
        ("READING_UNREADABLE", f"reading 3, espi/1_1/resource/{TYPE}: 'x' is no number"),
    ]
    assert b"<value>x</value>" in found[0].faults[-1].raw


def test_a_usage_point_that_is_not_there_or_names_nobody_is_told() -> None:
    own = blocks(reading(MIDNIGHT, 1800, 1))
    assert faults(told(METER, typed(), own)) == [
        ("NAME_UNKNOWN", "reading 1, UsagePoint: no UsagePoint is linked with it")
    ]
    other = [one.replace(TITLE, "front-door") for one in (USAGE, METER, typed(), own)]
    assert faults(told(*other)) == [("NAME_UNKNOWN", "reading 1, UsagePoint: 'front-door' names no meter")]
    found = read(feed(*other), {"front-door": DEVICE}, format="espi")
    assert [device for device, _ in rows(found)] == [DEVICE]


@pytest.mark.parametrize(
    "text",
    [
        "", "<feed/>", "<feed><entry/></feed>", '<!DOCTYPE a [<!ENTITY b "c">]><feed>&b;</feed>', "<a>" * 99,
        "<feed><entry><content><IntervalBlock></content></entry></feed>",
    ],
)  # fmt: skip
def test_what_is_no_feed_of_intervals_is_one_fault(text: str) -> None:
    (portion,) = read(text, format="espi")
    assert portion.broken
    assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]


def test_a_feed_that_was_written_is_what_is_read() -> None:
    found = read(espi([Told(TITLE, MIDNIGHT + 1800, {"wh_imp": Decimal("0.125")}, quality="0")]), format="espi")
    assert values(found) == [{"wh_imp": 125}]
