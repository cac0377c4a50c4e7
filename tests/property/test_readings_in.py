"""Whatever a head-end sends gets an answer: frames that decode takes, or a reason; and the same one again."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.codes import REJECT_NUMBER
from tests.unit.connectors.readings_in.made import TITLE, faults, payload, read, rows
from tests.unit.connectors.readings_in.test_formats import REGISTER, WH, cim, value

devices = st.sampled_from([TITLE, "4711", "99", "", "nobody", "0", "ffffffffffffffff"])
stamps = st.sampled_from(
    ["2025-07-01T00:30:00", "2025-07-01T01:00:00+05:30", "2025-06-30T24:00", "", "1751310000", "x"]
)
numbers = st.sampled_from(["0.125", "-1", "", "1e3", "x", "9" * 17, "0.0000000001", "null", "٣"])
qualities = st.sampled_from(["A", "E", "S14", "N", "1.0.0", "2.8.0;1.0.0", "?", ""])
texts = st.text(max_size=5)
records = st.fixed_dictionaries(
    {"device": devices, "time": stamps, "kwh_imp": numbers},
    optional={
        "vah_imp": numbers, "voltage_r": numbers, "quality": qualities, "id": texts, "frequency": numbers,
        "kind": st.sampled_from(["", "daily", "instant", "Block", "month"]),
    },
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["device", "time", "readings", "id"]), inner)
    ),
    max_leaves=6,
)


def as_json(found: list[dict[str, str]]) -> bytes:
    return json.dumps(found).encode()


def as_csv(found: list[dict[str, str]]) -> bytes:
    names = ["device", "time", "kwh_imp", "vah_imp", "voltage_r", "quality", "id", "frequency", "kind"]
    return "\n".join([",".join(names), *(",".join(row.get(name, "") for name in names) for row in found)]).encode()


def as_avro(found: list[dict[str, str]]) -> bytes:
    names = {name for row in found for name in row} | {"device", "time"}
    fields = [{"name": name, "type": ["null", "string"], "default": None} for name in sorted(names)]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "R", "fields": fields}, found)
    return out.getvalue()


def as_cim(found: list[dict[str, str]]) -> bytes:
    return "".join(
        cim(
            value(WH, row["time"], row["kwh_imp"], row.get("quality", "")),
            value(REGISTER if "id" in row else "1.2.3", row["time"], row["kwh_imp"]),
            meter=row["device"],
        )
        for row in found[:1]
    ).encode()


WAYS = {"json": as_json, "csv": as_csv, "avro": as_avro, "cim": as_cim}


@st.composite
def mutated(draw: st.DrawFn, octets: bytes) -> bytes:
    """The octets, or some of them changed, cut off, put in or repeated."""
    how = draw(st.sampled_from(["keep", "keep", "flip", "cut", "insert", "repeat"]))
    if how == "keep" or not octets:
        return octets
    place = draw(st.integers(0, len(octets) - 1))
    if how == "cut":
        return octets[:place]
    if how == "insert":
        return octets[:place] + draw(st.binary(min_size=1, max_size=4)) + octets[place:]
    if how == "repeat":
        return octets[:place] + octets[max(0, place - 30) :]
    changed = bytearray(octets)
    for _ in range(draw(st.integers(1, 3))):
        changed[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


def answered(octets: bytes, form: str, **options: Any) -> None:
    """It gets an answer, twice the same, whose frames can be read and whose reasons have a code."""
    first, second = (read(octets, format=form, **options) for _ in range(2))
    found = rows(first)
    assert len(found) == sum(portion.rows for portion in first)
    assert {code for code, _ in faults(first)} <= set(REJECT_NUMBER)
    assert faults(first) == faults(second)
    if first:
        assert payload(first) == payload(second)


@pytest.mark.parametrize("form", list(WAYS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_messages_sound_and_broken_get_an_answer(form: str, data: st.DataObject) -> None:
    octets = data.draw(mutated(WAYS[form](data.draw(st.lists(records, max_size=6)))))
    answered(octets, form, unknown_quality=data.draw(st.sampled_from(["suspect", "refuse"])))


@pytest.mark.parametrize("form", list(WAYS))
@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_get_an_answer(form: str, octets: bytes) -> None:
    answered(octets, form)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_json_gets_an_answer(message: Any) -> None:
    answered(json.dumps(message).encode(), "json")
