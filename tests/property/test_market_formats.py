"""NEM12, ESPI, MSCONS and Parquet: what was written is what is read; what was broken gets an answer all the same."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.readings_in.qualities import FLAGS, class_of
from pipeline.codes import Kind
from pipeline.reading_frames import TARGET
from tests.property.test_readings_in import answered, mutated
from tests.unit.connectors.readings_in.made import MIDNIGHT, faults, frames, known, read
from tests.unit.connectors.readings_in.written import Told, as_parquet, espi, mscons, nem12

DEVICES = ("4711", "4B564E0000000001", "99")
NUMBERS = {"4711": 4711, "4B564E0000000001": 0x4B564E0000000001, "99": 99}
KINDS = {"block": Kind.BLOCK, "daily": Kind.DAILY}
ENERGIES = ("wh_exp", "vah_imp", "vah_exp", "varh_q1", "varh_q2", "varh_q3", "varh_q4")
WAYS: dict[str, tuple[Callable[[list[Told]], bytes], tuple[str, ...], tuple[str, ...], bool]] = {
    "nem12": (nem12, ("wh_exp", "varh_q1", "varh_q4", "vah_imp"), ("A", "E52", "S14", "F16"), False),
    "espi": (espi, (*ENERGIES, "voltage_r", "current_n", "power_factor"), ("0", "8", "7", "10"), True),
    "mscons": (mscons, ENERGIES, ("220", "67", "Z18", "20"), True),
    "parquet": (as_parquet, (*ENERGIES, "voltage_y", "power_factor"), ("A", "2.8.0", "edited", "bad"), True),
}
"""Format -> its writer, channels that it has beside wh_imp, qualities, and whether it has registers."""


@st.composite
def readings(draw: st.DrawFn, form: str) -> list[Told]:
    """Readings of different meters, stamps and kinds, of intervals of one length."""
    _, channels, qualities, registers = WAYS[form]
    secs = draw(st.sampled_from([300, 900, 1800]))
    kinds = ("block", "daily") if registers else ("block",)
    keys = st.tuples(st.sampled_from(DEVICES), st.integers(1, 60), st.sampled_from(kinds))
    found = []
    for device, slot, kind in draw(st.lists(keys, max_size=12, unique=True)):
        own = channels if kind == "block" else tuple(name for name in channels if name in ENERGIES)
        chosen = ["wh_imp", *draw(st.lists(st.sampled_from(own), max_size=4, unique=True))]
        values = {name: Decimal(draw(st.integers(0, 2**31 - 1))).scaleb(-3) for name in chosen}
        time = MIDNIGHT + (86_400 if kind == "daily" else secs) * slot
        found.append(Told(device, time, values, kind, draw(st.sampled_from(qualities)), secs))
    return found


def as_read(one: Told) -> tuple[Any, ...]:
    """What a reading should come to: meter, kind, stamp, values in the stored units, flags, quality."""
    values = tuple(sorted((TARGET[name], int(value.scaleb(3))) for name, value in one.values.items()))
    means = class_of(one.quality, {})
    assert means is not None
    assert means != "missing"
    return NUMBERS[one.device], KINDS[one.kind], one.time, values, FLAGS[means], one.quality


@pytest.mark.parametrize("form", list(WAYS))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_was_written_is_what_is_read(form: str, data: st.DataObject) -> None:
    told = data.draw(readings(form))
    own = known(told[0].secs if told else 1800)
    found = read(WAYS[form][0](told), own=own, format=form)
    if form == "espi" and not told:  # a feed without an interval is none
        return
    assert faults(found) == []
    back = [
        (frame.device, frame.kind, one.time, tuple(sorted(one.values.items())), one.flags, one.quality)
        for frame in frames(found)
        for one in frame.readings
    ]
    assert sorted(back, key=repr) == sorted(map(as_read, told), key=repr)


@pytest.mark.parametrize("form", list(WAYS))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_files_sound_and_broken_get_an_answer(form: str, data: st.DataObject) -> None:
    octets = data.draw(mutated(WAYS[form][0](data.draw(readings(form)))))
    answered(octets, form, unknown_quality=data.draw(st.sampled_from(["suspect", "refuse"])))


@pytest.mark.parametrize("form", list(WAYS))
@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_get_an_answer(form: str, octets: bytes) -> None:
    answered(octets, form)


RECORDS = st.sampled_from(
    ["100,NEM12,202507010000,A,B", "200,4711,E1,1,E1,N1,1,KWH,30,", "200,4711,E1,1,B1,N1,1,WH,15,", "200,,,,,,,,",
     "300,20250701" + ",1" * 48 + ",A,,,,", "300,20250701" + "," * 96 + "V,,,,", "300,20250230" + ",1" * 48 + ",N,,",
     "400,1,48,S14,76,", "400,5,2,A,,", "400,1,1,N,,", "500,N,,,", "900", "", '"', ",,,"]
)  # fmt: skip
SEGMENTS = st.sampled_from(
    ["UNB+UNOC:3+1+2+250701:0000+R", "UNH+1+MSCONS:D:04B:UN:2.4c", "BGM+7+D", "UNS+D", "NAD+DP", "LOC+172+4711",
     "RFF+MG:4711", "LIN+1", "PIA+5+1-1?:1.29.0:SRW", "PIA+5+1-1?:1.8.0:SRW", "QTY+220:1:KWH", "QTY+67:x", "QTY",
     "DTM+163:202507010000?+00:303", "DTM+164:202507010030?+00:303", "DTM+9:20250701:102", "STS+Z34++ZA4", "UNT+9+1",
     "UNT+2+1", "UNZ+1+R", "UNG+1", "+", ""]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(RECORDS, max_size=14), st.booleans())
def test_records_of_nem12_in_any_order_get_an_answer(records: list[str], begun: bool) -> None:
    answered("\n".join([*(["100,NEM12,202507010000,A,B"] if begun else []), *records]).encode(), "nem12")


@settings(max_examples=400, deadline=None)
@given(st.lists(SEGMENTS, max_size=25), st.booleans())
def test_segments_of_mscons_in_any_order_get_an_answer(found: list[str], begun: bool) -> None:
    head = ["UNB+UNOC:3+1+2+250701:0000+R", "UNH+1+MSCONS:D:04B:UN:2.4c"] if begun else []
    answered("'".join([*head, *found, "UNT+9+1", "UNZ+1+R", ""]).encode(), "mscons")
