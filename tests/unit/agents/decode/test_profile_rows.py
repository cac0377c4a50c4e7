"""Nameplates, billing profiles and values at events: kept as the meter sends them, in records of their own."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from agents.decode.single.not_placed import NotPlacedError
from agents.decode.single.profile_rows import decimal_text
from agents.decode.single.profiles import PROFILES
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from schemas.load import load_contracts
from tests.builders_apdus import notification, obis
from tests.builders_frames import NOON, POINT, RECEIVED, Link, World, codes, datum, references, sealed, stamp
from tests.builders_records import emitted

BILLING, NAMEPLATE, VOLTAGE_LOG = "1.0.98.1.0.255", "0.0.94.91.10.255", "0.0.99.98.0.255"
DATE = datum(9, stamp((2025, 7, 1, 0, 0, 0)))
MAXIMUM = (2025, 6, 9, 18, 30, 0)


def template(name: str):
    return next(item for item in PROFILES if item.name == name)


def columns(name: str, sent: dict[str, bytes]) -> list[bytes]:
    """All columns of a template: those that are given, else null-data."""
    return [sent.get(column.name, b"\0") for column in template(name).columns]


def filled(name: str, sent: dict[str, bytes]) -> list[bytes]:
    """The same, but that a maximum, or 0, stands where nothing is given: in a buffer null-data is the value above."""
    return [
        sent.get(column.name, datum(9, stamp(MAXIMUM)) if column.quantity == "time" else datum(17, 0))
        for column in template(name).columns
    ]


def pushed(setup: int, *items: bytes) -> bytes:
    return notification(datum(2, [datum(9, b"METER1"), obis(f"0.{setup}.25.9.0.255"), *items]))


def values_of(record) -> dict[str, object]:
    """obis/attribute -> the value with its unit, the text, or the time."""
    return {
        f"{value['obis']}/{value['attribute']}": value["text"] or value["time"] or (value["value"], value["unit"])
        for value in record["values"]
    }


THREE_PHASE = {
    "1.0.13.0.0.255": datum(18, 987), "1.0.1.8.0.255": datum(23, 1234.5), "1.0.1.8.1.255": datum(23, 1000.125),
    "1.0.1.8.2.255": datum(6, 234_375), "1.0.9.8.8.255": datum(6, 17), "1.0.1.6.3.255": datum(23, 2.25),
    "1.0.1.6.3.255/5": datum(9, stamp(MAXIMUM)), "1.0.9.6.0.255/5": datum(9, stamp((2025, 13, 1, 0, 0, 0))),
    "0.0.94.91.13.255": datum(18, 43_200), "1.0.5.8.0.255": datum(6, 3),
}  # fmt: skip


def test_a_billing_row_is_kept_whole_beside_its_momentary_values():
    made = World().offer(sealed(pushed(103, DATE, *columns("three-phase billing", THREE_PHASE)), 7))
    assert codes(made) == {}
    batch = made.parcel.batch
    assert (batch.kind.tolist(), batch.time.tolist()) == ([Kind.INSTANT], [NOON - 43_200])
    assert batch.energy[0].tolist() == [1_234_500, 0, 0, 0]
    (record,) = emitted(made, "profile_rows")
    assert values_of(record) == {
        "1.0.13.0.0.255/2": ("0.987", ""), "1.0.1.8.0.255/2": ("1234500", "Wh"), "1.0.1.8.1.255/2": ("1000125", "Wh"),
        "1.0.1.8.2.255/2": ("234375", "Wh"), "1.0.9.8.8.255/2": ("17", "VAh"), "1.0.1.6.3.255/2": ("2250", "W"),
        "1.0.1.6.3.255/5": 1_749_474_000, "1.0.9.6.0.255/5": (None, ""), "0.0.94.91.13.255/2": ("43200", "min"),
        "1.0.5.8.0.255/2": ("3", "varh"),
    }  # fmt: skip
    told = {name: record[name] for name in ("profile", "template", "code", "service_point", "frame", "source_index")}
    assert told == {
        "profile": BILLING, "template": "three-phase billing", "code": 0, "service_point": POINT, "frame": 0,
        "source_index": 0,
    }  # fmt: skip
    assert (record["time"], record["received_at"]) == (NOON - 43_200, RECEIVED)
    assert record["flags"] == Flag.TEMPLATE_UNVERIFIED
    contracts = load_contracts()
    assert contracts.decode(contracts.encode("ProfileRow", record), "ProfileRow") == record


def test_maxima_of_a_billing_row_have_their_place_among_momentary_values_too():
    sent = {"1.0.1.6.0.255": datum(23, 2.25), "1.0.1.6.0.255/5": datum(9, stamp(MAXIMUM))}
    batch = World().offer(sealed(pushed(103, DATE, *columns("single-phase billing", sent)), 1)).parcel.batch
    snapshot = {name: int(batch.snapshot[0, place]) for name, place in SNAPSHOT_INDEX.items()}
    assert (snapshot["demand_w"], snapshot["demand_w_time"]) == (2250, 1_749_474_000)


def test_the_rows_of_a_billing_buffer_are_records_in_their_order():
    rows = [
        datum(2, [datum(9, stamp((2025, month, 1, 0, 0, 0))),
                  *filled("single-phase billing", {"1.0.1.8.4.255": datum(6, month)})])
        for month in (4, 5, 6)
    ]  # fmt: skip
    made = World().offer(sealed(pushed(103, datum(1, rows)), 1))
    records = emitted(made, "profile_rows")
    assert [values_of(record)["1.0.1.8.4.255/2"] for record in records] == [("4", "Wh"), ("5", "Wh"), ("6", "Wh")]
    assert [values_of(record)["0.0.0.1.2.255/2"] for record in records] == [record["time"] for record in records]
    assert [record["source_index"] for record in records] == [0, 1, 2]


PLATE = [datum(10, text) for text in (b"SERIAL01", b"DEVICE01", b"MAKER", b"V1.2")]
PLATE += [datum(17, 6), datum(10, b"D1"), datum(10, b"(10-60) A"), datum(18, 2024)]


@pytest.mark.parametrize(
    ("clock", "time", "flags"),
    [
        ([datum(9, stamp((2025, 7, 1, 12, 0, 0), status=2))], NOON, Flag.CLOCK_DOUBTFUL),
        ([], RECEIVED, Flag.CLOCK_INVALID),
    ],
)
def test_a_nameplate_is_a_record_of_texts_and_no_row(clock, time, flags):
    made = World().offer(sealed(pushed(104, *clock, *PLATE), 1), sealed(pushed(104, *PLATE), 1))
    assert codes(made) == {1: "COUNTER_REPLAYED" if clock else "COUNTER_DUPLICATE"}
    assert made.parcel.batch is None
    (record,) = emitted(made, "profile_rows")
    assert (record["profile"], record["time"], record["flags"]) == (NAMEPLATE, time, flags)
    assert list(values_of(record).values()) == [
        "SERIAL01", "DEVICE01", "MAKER", "V1.2", ("6", ""), "D1", "(10-60) A", ("2024", ""),
    ]  # fmt: skip
    assert emitted(made, "events") == []


def test_values_at_an_event_stand_beside_it_and_a_bare_event_has_none():
    row = [datum(18, 7), datum(23, 5.5), datum(18, 2715), datum(16, -987), datum(23, 12.5), b"\0", datum(6, 3)]
    long = pushed(120, datum(9, stamp((2025, 7, 1, 12, 5, 0))), *row)
    bare = pushed(122, datum(1, [datum(2, [datum(9, stamp((2025, 7, 1, 12, 7, 0))), datum(18, 101)])]))
    made = World().offer(sealed(long, 1), sealed(bare, 2))
    assert [(event["code"], event["time"] - NOON) for event in emitted(made, "events")] == [(7, 300), (101, 420)]
    (record,) = emitted(made, "profile_rows")
    assert (record["profile"], record["code"], record["time"] - NOON) == (VOLTAGE_LOG, 7, 300)
    assert values_of(record) == {
        "1.0.94.91.14.255/2": ("5.5", "A"), "1.0.12.7.0.255/2": ("271.5", "V"), "1.0.13.7.0.255/2": ("-0.987", ""),
        "1.0.1.8.0.255/2": ("12500", "Wh"), "0.0.94.91.0.255/2": ("3", ""),
    }  # fmt: skip


def test_what_is_refused_leaves_no_record():
    later = datum(9, stamp((2031, 1, 1, 0, 0, 0)))
    whole, none = (columns("single-phase billing", sent) for sent in ({"1.0.1.8.3.255": datum(24, 1e30)}, {}))
    frames = [pushed(104, later, *PLATE), pushed(103, DATE, *whole), pushed(103, later, *none)]
    made = World(references([Link(until=NOON + 10**7)])).offer(*[sealed(frame, n) for n, frame in enumerate(frames)])
    assert codes(made) == {0: "NOT_LINKED", 1: "DATA_MALFORMED", 2: "NOT_LINKED"}
    assert emitted(made, "profile_rows") == []


@pytest.mark.parametrize(
    ("number", "text"),
    [("1234.500", "1234.5"), ("-0.0", "0"), ("1E+3", "1000"), ("12", "12"), ("100", "100"), ("0.10", "0.1"),
     ("1E-45", "1E-45"), ("9007199254740993", "9007199254740993")],
)  # fmt: skip
def test_a_number_is_written_exactly(number, text):
    assert decimal_text(Decimal(number), "x") == text
    assert Decimal(text) == Decimal(number)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+17", str(np.finfo(np.float64).max)])
def test_what_is_no_measurement_is_refused(number):
    with pytest.raises(NotPlacedError) as caught:
        decimal_text(Decimal(number), "x")
    assert caught.value.code == "DATA_MALFORMED"
