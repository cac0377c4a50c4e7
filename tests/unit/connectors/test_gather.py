"""Cut, identify, resolve, scatter: what every connector does to frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.gather import kernels
from connectors.gather.gatherer import Gatherer
from connectors.gather.outlet import RECORD_OCTETS, split
from pipeline.batch import FrameBatch
from pipeline.codes import REJECT_NUMBER
from pipeline.lookup import partitions_of
from pipeline.reference import FOREVER, Registry
from tests.builders_apdus import blocks, ciphering_fields, general_ciphering, hdlc, mbus, segments

TITLE = 0x4B56_4E00_0000_0001


def registry(links: list[tuple[int, int, int, int]]) -> Registry:
    """Links of (device, service point, valid from, valid to)."""
    rows = np.array(sorted(links), dtype=np.uint64).reshape(-1, 4)
    columns = {column.name: column.empty(len(rows) if column.section == "link" else 0) for column in Registry.COLUMNS}
    for place, name in enumerate(("device", "service_point", "valid_from", "valid_to")):
        columns[name] = rows[:, place].astype(columns[name].dtype)
    return Registry(**columns)


def glo(title: int, body: bytes = b"\x30\x00\x00\x00\x01" + bytes(20)) -> bytes:
    return b"\xdb\x08" + title.to_bytes(8, "big") + bytes([len(body)]) + body


def wrapped(apdu: bytes, version: int = 1, declared: int | None = None) -> bytes:
    length = len(apdu) if declared is None else declared
    return b"".join(number.to_bytes(2, "big") for number in (version, 1, 64, length)) + apdu


def test_the_codes_of_the_kernels_are_those_of_the_table() -> None:
    assert {
        "DEVICE_UNKNOWN": kernels.UNKNOWN,
        "FRAME_UNREADABLE": kernels.UNREADABLE,
        "WRAPPER_VERSION": kernels.WRONG_VERSION,
        "FRAME_TOO_LONG": kernels.TOO_LONG,
        "FRAME_TRUNCATED": kernels.TRUNCATED,
    }.items() <= REJECT_NUMBER.items()


@given(st.lists(st.binary(max_size=40), max_size=12), st.data())
@settings(deadline=None, max_examples=60)
def test_a_stream_is_cut_the_same_however_it_is_split(apdus: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(wrapped(apdu) for apdu in apdus)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    offsets, lengths = np.empty(16, np.int64), np.empty(16, np.uint32)
    found, rest = [], b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        rest += stream[start:end]
        frames, used, code = kernels.cut_wrapper(np.frombuffer(rest, np.uint8), 0, len(rest), 4096, offsets, lengths)
        assert code == 0
        found += [rest[offsets[i] + 8 : offsets[i] + lengths[i]] for i in range(frames)]
        rest = rest[used:]
    assert found == apdus
    assert rest == b""


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (wrapped(glo(TITLE)), None),
        (glo(TITLE), None),
        (wrapped(glo(TITLE + 1)), "DEVICE_UNKNOWN"),
        (wrapped(glo(TITLE), version=2), "WRAPPER_VERSION"),
        (wrapped(glo(TITLE), declared=60_000), "FRAME_TOO_LONG"),
        (wrapped(glo(TITLE))[:12], "FRAME_TRUNCATED"),
        (wrapped(glo(TITLE))[:5], "FRAME_TRUNCATED"),
        (b"\x91\x17\x03", "FRAME_UNREADABLE"),
        (b"", "FRAME_UNREADABLE"),
        (glo(TITLE) + bytes(5000), "FRAME_TOO_LONG"),
    ],
)
def test_a_frame_is_gathered_or_put_aside_with_its_reason(frame: bytes, code: str | None) -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    gatherer.add_one(frame, 1_000)
    gathered = gatherer.cut()
    if code is None:
        (batch,) = gathered.batches.values()
        assert batch.service_point.tolist() == [7]
        assert bytes(batch.payload) == frame
        assert gathered.aside == []
    else:
        (aside,) = gathered.aside
        assert aside.number == REJECT_NUMBER[code]
        assert aside.raw == frame
        assert aside.parked == (code == "DEVICE_UNKNOWN")
        assert gathered.batches == {}


LLC = b"\xe6\xe7\x00"
NAMED = {
    "general-glo": glo(TITLE),
    "general-ded": b"\xdc" + glo(TITLE)[1:],
    "general-ciphering": general_ciphering(b"\x0f\0\0", b"\0\0", fields=ciphering_fields(TITLE)),
}
FRAMED = {
    "bare": lambda apdu: [apdu],
    "wrapper": lambda apdu: [wrapped(apdu)],
    "llc": lambda apdu: [LLC + apdu],
    "hdlc": lambda apdu: [hdlc(LLC + apdu)],
    "hdlc behind a link frame": lambda apdu: [hdlc(b"", control=0x31), b"\x7e", hdlc(apdu)],
    "hdlc segments": lambda apdu: segments(apdu, 3),
    "mbus": lambda apdu: mbus(apdu),
    "mbus segments": lambda apdu: mbus(apdu, 4),
    "blocks": lambda apdu: blocks(apdu, 40),
    "blocks in wrappers": lambda apdu: [wrapped(part) for part in blocks(apdu, 40)],
    "blocks in hdlc": lambda apdu: [hdlc(LLC + part) for part in blocks(apdu, 40)],
}


@pytest.mark.parametrize("framing", FRAMED)
@pytest.mark.parametrize("name", NAMED)
def test_the_title_is_found_in_every_framing(framing: str, name: str) -> None:
    frame = b"".join(FRAMED[framing](NAMED[name]))
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    # What the topic says stands back.
    for hint in (0, TITLE + 5):
        gatherer.add_one(frame, 1_000, hint)
    (batch,) = gatherer.cut().batches.values()
    assert batch.device.tolist() == [TITLE, TITLE]
    assert bytes(batch.payload) == frame + frame


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (hdlc(LLC + glo(TITLE), good=False), "FRAME_DAMAGED"),
        (mbus(glo(TITLE))[0][:-2] + b"\0\x16", "FRAME_DAMAGED"),
        (hdlc(LLC + glo(TITLE))[:-3], "FRAME_TRUNCATED"),
        (b"\x7e\x01" + bytes(20), "DATA_MALFORMED"),
        (hdlc(b"", control=0x31), "FRAME_UNREADABLE"),
        (b"\x7e\x7e", "FRAME_UNREADABLE"),
        (hdlc(LLC + b"\x0f\0\0\0\1"), "FRAME_UNREADABLE"),
    ],
)
def test_what_a_wrong_check_covers_names_nobody(frame: bytes, code: str) -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    gatherer.add_one(frame, 1_000)
    (aside,) = gatherer.cut().aside
    assert aside.number == REJECT_NUMBER[code]
    gatherer.add_one(frame, 1_000, hint=TITLE)
    (batch,) = gatherer.cut().batches.values()
    assert batch.device.tolist() == [TITLE], "the topic says whose it is; decode says what is wrong"


@given(
    st.sampled_from(sorted(FRAMED)), st.sampled_from(sorted(NAMED)), st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255)), max_size=2),
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_frames_cut_or_changed_anywhere_name_their_device_or_nobody_in_framings_that_check(
    framing: str, name: str, end: int, flips: list[tuple[int, int]]
) -> None:
    octets = bytearray(b"".join(FRAMED[framing](NAMED[name]))[:end])
    for place, bits in flips:
        if place < len(octets):
            octets[place] ^= bits
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    gatherer.add_one(bytes(octets), 1_000)
    gathered = gatherer.cut()
    assert gathered.frames + len(gathered.aside) == 1
    if octets[:2] == b"\x7e\xa0" and "hdlc" in framing:
        assert all(aside.device in (0, TITLE) for aside in gathered.aside)


def test_a_truncated_frame_that_says_whose_it_is_goes_on_to_decode() -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    gatherer.add_one(wrapped(glo(TITLE))[:-3], 1_000)
    assert gatherer.cut().frames == 1


def test_the_topic_names_the_device_of_a_frame_that_does_not() -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, int(FOREVER))]), 12)
    gatherer.add_one(b"\x0f\x00\x00\x00\x01", 1_000, hint=TITLE)
    (batch,) = gatherer.cut().batches.values()
    assert batch.device.tolist() == [TITLE]


def test_the_service_point_is_that_of_the_time_of_arrival_and_the_last_one_afterwards() -> None:
    gatherer = Gatherer(registry([(TITLE, 7, 0, 500), (TITLE, 8, 600, 900)]), 1)
    for received_at in (100, 550, 700, 5_000):
        gatherer.add_one(glo(TITLE), received_at)
    (batch,) = gatherer.cut().batches.values()
    assert batch.service_point.tolist() == [7, 7, 8, 8]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30)), max_size=80), st.integers(1, 24))
@settings(deadline=None, max_examples=60)
def test_scatter_keeps_every_frame_and_the_order_within_a_service_point(
    sent: list[tuple[int, int]], partitions: int
) -> None:
    gatherer = Gatherer(registry([(TITLE + p, p, 0, int(FOREVER)) for p in range(1, 41)]), partitions)
    frames = [glo(TITLE + point, i.to_bytes(4, "big") + bytes(size)) for i, (point, size) in enumerate(sent)]
    for frame in frames:
        gatherer.add_one(frame, 0)
    got: dict[int, list[bytes]] = {}
    for partition, batch in gatherer.cut().batches.items():
        assert (partitions_of(batch.service_point, partitions) == partition).all()
        ends = np.cumsum(batch.length.astype(np.int64))
        for point, end, length in zip(batch.service_point.tolist(), ends, batch.length, strict=True):
            got.setdefault(point, []).append(bytes(batch.payload[end - length : end]))
    want: dict[int, list[bytes]] = {}
    for (point, _size), frame in zip(sent, frames, strict=True):
        want.setdefault(point, []).append(frame)
    assert got == want
    assert gatherer.octets == 0


def test_a_batch_too_large_for_one_record_is_split_in_order() -> None:
    lengths = np.full(1000, 2000, np.uint32)
    batch = FrameBatch(
        np.arange(1, 1001, dtype=np.uint64), np.arange(1000, dtype=np.uint64), np.zeros(1000, np.int64), lengths,
        np.repeat(np.arange(1000) % 251, 2000).astype(np.uint8),
    )  # fmt: skip
    pieces = split(batch)
    assert len(pieces) > 1
    assert all(len(piece.payload) + 28 * len(piece.length) <= RECORD_OCTETS for piece in pieces)
    assert np.array_equal(np.concatenate([piece.payload for piece in pieces]), batch.payload)
    assert np.array_equal(np.concatenate([piece.device for piece in pieces]), batch.device)
