"""Rejects as Avro from columns against the general writer, record by record; and what the chain makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.records import rejects_of
from pipeline.batch import FrameBatch
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.errors import ContractError
from pipeline.rejects import MEANINGS, RAW_LIMIT, Rejects
from pipeline.step import Origin, Parcel
from schemas.load import load_contracts

CONTRACTS = load_contracts()

long = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-130, 130))
rows = st.lists(
    st.tuples(
        st.sampled_from(sorted(REJECT_BY_NUMBER)),
        st.integers(0, 2**31 - 1),  # frame
        st.integers(0, 2**63 - 1),  # service point
        st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 16)),  # device
        long,  # received at
        long,  # time
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
        st.binary(max_size=300),
    ),
    max_size=12,
)
origins = st.builds(Origin, st.text(st.characters(codec="utf-8"), max_size=80), st.integers(-1, 2**31 - 1), long)


def rejects(listed, origin: Origin, timed: bool) -> Rejects:  # type: ignore[no-untyped-def]
    code, frame, point, device, received_at, time, detail, raw = zip(*listed, strict=True) if listed else ((),) * 8
    return Rejects(
        stage="vee", topic="frames", origin=origin, code=np.array(code, np.uint8), frame=np.array(frame, np.int64),
        service_point=np.array(point, np.uint64), device=np.array(device, np.uint64),
        received_at=np.array(received_at, np.int64), time=np.array(time, np.int64) if timed else None,
        detail=np.array([text.encode() for text in detail], np.bytes_),
        raw=np.frombuffer(b"".join(raw), np.uint8), raw_length=np.array([len(one) for one in raw], np.int64),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(rows, origins, st.booleans())
def test_each_reject_has_the_bytes_that_the_general_writer_gives_it(listed, origin, timed) -> None:  # type: ignore[no-untyped-def]
    batch = rejects(listed, origin, timed)
    encoded, records = batch.encode(CONTRACTS), batch.records()
    assert list(encoded.values) == [CONTRACTS.encode("Reject", record) for record in records]
    assert encoded.keys.tobytes() == b"".join(record["device"].encode() for record in records)
    said = [(REJECT_BY_NUMBER[code].code, frame, point, f"{device:016X}", received_at, time if timed else None, detail,
             raw) for code, frame, point, device, received_at, time, detail, raw in listed]  # fmt: skip
    names = ("code", "frame", "service_point", "device", "received_at", "time", "detail", "raw")
    assert [tuple(record[name] for name in names) for record in records] == said
    assert [record["source_index"] for record in records] == list(range(len(listed)))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(st.just(0), st.sampled_from(sorted(REJECT_BY_NUMBER))), st.integers(0, 2**32 - 1),
                       st.binary(max_size=40)), max_size=20),
    st.lists(st.integers(0, 19), max_size=2),
)  # fmt: skip
def test_decode_rejects_the_frames_with_a_code_with_their_octets_and_counters(listed, long_ones) -> None:  # type: ignore[no-untyped-def]
    frames = [
        (raw if place not in long_ones else raw * 3000 + bytes(RAW_LIMIT)) for place, (_, _, raw) in enumerate(listed)
    ]
    count = len(listed)
    batch = FrameBatch(
        np.arange(1, count + 1, dtype=np.uint64), np.arange(count, dtype=np.uint64) << np.uint64(40),
        np.arange(count, dtype=np.int64), np.array([len(raw) for raw in frames], np.uint32),
        np.frombuffer(b"".join(frames), np.uint8),
    )  # fmt: skip
    code, counter = np.array([one[0] for one in listed], np.uint8), np.array([one[1] for one in listed], np.uint32)
    found = rejects_of(Parcel(Origin("log", 3, 4), batch), code, counter, {})
    bad = [place for place, one in enumerate(listed) if one[0]]
    records = [] if found is None else found.records()
    assert [record["frame"] for record in records] == bad
    for record, place in zip(records, bad, strict=True):
        row = REJECT_BY_NUMBER[int(code[place])]
        counted = row.code in ("COUNTER_REPLAYED", "COUNTER_TOO_OLD", "COUNTER_DUPLICATE")
        assert record["detail"] == (f"{row.meaning}; counter {counter[place]}" if counted else row.meaning)
        assert record["raw"] == frames[place][:RAW_LIMIT]
        assert (record["code"], record["parked"], record["service_point"]) == (row.code, row.parked, place + 1)


def test_every_code_has_its_meaning() -> None:
    assert [MEANINGS[number].decode() for number in REJECT_BY_NUMBER] == [
        row.meaning for row in REJECT_BY_NUMBER.values()
    ]


def test_a_field_that_a_reject_does_not_have_is_refused() -> None:
    schema = {**CONTRACTS.schemas["Reject"]}  # type: ignore[dict-item]
    schema["fields"] = [*schema["fields"], {"name": "colour", "type": "string"}]
    contracts = replace(CONTRACTS, schemas={**CONTRACTS.schemas, "Reject": schema})
    with pytest.raises(ContractError, match="FIELD_UNKNOWN"):
        rejects([], Origin("log", 0, 0), timed=False).encode(contracts)
