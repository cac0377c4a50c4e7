"""Hostile input to the decoder for single frames: always an answer, never an exception, never work without bounds."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.decode.describe import Keys, Options, describe_with
from agents.decode.single.octets import FrameError
from agents.decode.single.texts import whole
from pipeline.axdr import FORMATS, NESTING, read_datum
from pipeline.axdr_compact import unpacked
from pipeline.codes import REJECT_NUMBER, Kind
from tests.builders_apdus import (
    LONG_KEYS,
    attribute,
    blocks,
    ciphering_fields,
    definition,
    general,
    general_ciphering,
    get_blocks,
    hdlc,
    mbus,
    notification,
    obis,
    octet_string,
    scaler,
    segments,
    service,
)
from tests.builders_frames import (
    ALERT_PLAIN,
    BLOCK_BLOCKS,
    BLOCK_HDLC,
    BLOCK_PLAIN,
    BLOCK_WRAPPED,
    DEVICE,
    KEYS,
    datum,
    plain_columns,
    push,
    stamp,
    wrapped,
)
from tests.conformance.real_frames import FRAMES

DEDICATED = bytes(range(0x30, 0x40))
LIST = notification(
    datum(2, [obis("1.0.1.8.0.255"), datum(6, 5), scaler(-1, 30), obis("0.0.1.0.0.255"), datum(9, stamp())])
)
OBJECTS = notification(
    datum(
        2, [datum(1, [definition(3, "1.0.1.8.0.255"), definition(3, "1.0.1.8.0.255", 3)]), datum(6, 5), scaler(1, 30)]
    )
)
ROWS = datum(1, [datum(2, [datum(9, stamp()), *plain_columns(1, Kind.BLOCK)]), datum(2, [datum(0)] * 9)])
PLAIN = [
    BLOCK_PLAIN, ALERT_PLAIN, LIST, OBJECTS, ROWS,
    *[push(kind, plain_columns(model, kind)) for kind in (Kind.DAILY, Kind.INSTANT) for model in (1, 3)],
    notification(datum(2, [datum(9, b"M"), obis("0.5.25.9.0.255"), ROWS])),
    notification(b"\x13\2\3\x12\x11\x09\x0c\0\1\7\2ab\0\2\x08\1c", b"\x0c" + stamp()),
    b"\xc2\1\x0c" + stamp() + attribute(1, "0.0.96.11.0.255", 2) + datum(18, 101),
    b"\xc0\x01\xc1" + attribute(7, "1.0.99.1.0.255", 2) + b"\0",
    b"\xc4\x01\xc1\0" + ROWS, b"\xc4\x03\x41\x02\0" + datum(6, 7) + b"\x01\x04",
    b"\xc1\x01\xc1" + attribute(70, "0.0.96.3.10.255", 4) + b"\0" + datum(22, 4),
    b"\xc3\x01\xc2" + attribute(70, "0.0.96.3.10.255", 1) + b"\1" + datum(15, 0), b"\xc7\x01\xc2\0\1\0" + datum(6, 7),
    *get_blocks(ROWS, 60)[:1], *BLOCK_BLOCKS, b"\xd8\x02\x06\0\0\0\1", b"\x0e\x01\x06\x01",
    b"\xdf" + ciphering_fields() + octet_string(BLOCK_PLAIN) + octet_string(bytes(64)),
    *[bytes.fromhex(frame["plaintext_hex"]) for frame in FRAMES.values() if "plaintext_hex" in frame],
]  # fmt: skip
"""What stands inside ciphering and framing; mutated before it is sealed, to reach the walk through the data."""

WHOLE = [
    BLOCK_WRAPPED, BLOCK_HDLC, b"".join(segments(BLOCK_PLAIN, 30)), b"".join(mbus(BLOCK_PLAIN, 60)),
    json.dumps({"device": "M", "payload": BLOCK_PLAIN.hex()}).encode(), base64.b64encode(BLOCK_WRAPPED),
    *[bytes.fromhex(frame["hex"]) for frame in FRAMES.values()],
]  # fmt: skip

SEALS = [
    lambda plain: plain,
    lambda plain: general(0xDB, plain),
    lambda plain: general(0xDB, plain, control=0x20),
    lambda plain: general(0xDB, plain, control=0x10),
    lambda plain: general(0xDC, plain, keys=(DEDICATED, KEYS[1])),
    lambda plain: service(0xCC, plain),
    lambda plain: service(0xD4, plain, keys=(DEDICATED, KEYS[1])),
    lambda plain: general_ciphering(plain, b"\0\0"),
]
FRAMINGS = [
    lambda apdu: [apdu],
    lambda apdu: [wrapped(apdu)],
    lambda apdu: [hdlc(b"\xe6\xe7\0" + apdu[:1900])],
    lambda apdu: [b"".join(segments(apdu, 100))],
    lambda apdu: [b"".join(mbus(apdu))],
    lambda apdu: blocks(apdu, 50),
    lambda apdu: [apdu.hex().encode()],
]

telling = st.sampled_from(
    [0, 1, 2, 9, 0x0F, 0x13, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xDB, 0xE0, 0xFF, *FORMATS]
)  # fmt: skip
octets_in = st.one_of(telling, st.integers(0, 255))


@st.composite
def mutated(draw, sources):
    """Octets of one of `sources` with some of them changed, cut out, put in or said twice."""
    octets = bytearray(draw(st.sampled_from(sources)))
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, max(len(octets) - 1, 0)))
        match draw(st.integers(0, 4)):
            case 0 | 1 if octets:
                octets[place] = draw(octets_in)
            case 2:
                del octets[place : place + draw(st.integers(1, 8))]
            case 3:
                octets[place:place] = bytes(draw(st.lists(octets_in, max_size=6)))
            case _:
                end = draw(st.integers(place, min(place + 60, len(octets))))
                octets[place:place] = bytes(octets[place:end]) * draw(st.integers(1, 4))
    return bytes(octets)


def tell(frames, keys=KEYS):
    """What is said of the frames, as JSON that stands in proportion to them."""
    known = Keys(lambda _title: keys, dedicated=DEDICATED, kek=bytes(16), server=DEVICE, client=DEVICE)
    found = list(describe_with(frames, Options(known, period_secs=900, explain=True)))
    for item in found:
        text = json.dumps(item.as_dict(explain=True), allow_nan=False)
        assert len(text) < 5_000 + 3_000 * sum(map(len, frames))
        assert item.error is None or (item.error["code"] in REJECT_NUMBER and item.error["reason"])
        for section in item.explained():
            assert sum(part["length"] for part in section["parts"]) == section["length"]
    return found


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(mutated(PLAIN), st.sampled_from(SEALS), st.sampled_from(FRAMINGS))
def test_mutated_contents_sealed_again_get_an_answer(plain, seal, framing):
    tell(framing(seal(plain)))


@QUICK
@given(st.lists(mutated(WHOLE + PLAIN), min_size=1, max_size=3))
def test_mutated_frames_get_an_answer_alone_and_together(frames):
    for found in (tell(frames), tell([b"".join(frames)]), tell(frames, LONG_KEYS)):
        assert all(item.framing for item in found)


@QUICK
@given(st.binary(max_size=400) | st.lists(octets_in, max_size=400).map(bytes))
def test_random_octets_get_an_answer(octets):
    assert tell([octets])


values = st.one_of(
    st.sampled_from([b"\0", b"\xff", b"\3\1", b"\4\x0a\xa0\x40", b"\x0d\x42", b"\x16\7", b"\x1a\7\xe9\7\1\2",
                     b"\x1b\1\2\3\4"]),
    st.builds(datum, st.just(6), st.integers(0, 2**32 - 1)),
    st.builds(datum, st.just(20), st.integers(-(2**63), 2**63 - 1)),
    st.builds(datum, st.just(23), st.floats(width=32)),
    st.builds(datum, st.just(24), st.floats()),
    st.builds(datum, st.sampled_from([9, 10, 12]), st.binary(max_size=200)),
    st.builds(datum, st.just(25), st.just(stamp())),
)  # fmt: skip
trees = st.recursive(values, lambda inner: st.builds(datum, st.sampled_from([1, 2]), st.lists(inner, max_size=5)))


names = st.sampled_from(["1.0.99.1.0.255", "1.0.98.1.0.255", "0.5.25.9.0.255", "1.0.1.8.0.255", "0.0.1.0.0.255"])
questions = st.tuples(st.sampled_from([1, 3, 5, 7, 8, 40, 70]), names, st.sampled_from([1, 2, 3, 4]))
lists = st.lists(st.builds(definition, st.sampled_from([3, 7, 8]), names), max_size=4).map(
    lambda items: datum(1, items)
)
rows = st.lists(
    st.lists(values | st.just(datum(9, stamp())), max_size=4).map(lambda items: datum(2, items)), max_size=4
)
answers = trees | lists | rows.map(lambda items: datum(1, items)) | st.just(scaler(-1, 30))


@QUICK
@given(st.lists(st.tuples(questions, answers), max_size=5), trees)
def test_whatever_a_meter_answers_about_itself_the_next_frame_gets_an_answer(asked, last):
    frames = [
        part
        for question, answer in asked
        for part in (b"\xc0\x01\xc1" + attribute(*question) + b"\0", b"\xc4\x01\xc1\0" + answer)
    ]
    head = [datum(9, b"M"), obis("0.5.25.9.0.255"), datum(9, stamp())]
    found = tell([*frames, notification(last), notification(datum(2, [*head, last]))])
    assert len(found) == len(frames) + 2


@QUICK
@given(trees)
def test_all_data_are_read_to_their_last_octet_and_told_whole(octets):
    found, end = read_datum(octets, 0)
    assert end == found.end == len(octets)
    json.dumps(whole(found), allow_nan=False)
    depth = 0
    while found.tag in (1, 2) and found.value:
        found, depth = found.value[0], depth + 1
    assert depth <= NESTING


@QUICK
@given(trees, st.integers(0, 400))
def test_data_cut_short_are_malformed(octets, cut):
    if cut < len(octets):
        with pytest.raises(FrameError, match="DATA_MALFORMED"):
            read_datum(octets[:cut], 0)


types = st.recursive(
    st.sampled_from([bytes([tag]) for tag in (0, 4, 9, 10, 12, *FORMATS)]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: b"\2" + bytes([len(parts)]) + b"".join(parts)),
        st.builds(
            lambda count, part: b"\1" + count.to_bytes(2, "big") + part, st.sampled_from([0, 1, 2, 65535]), inner
        ),
    ),
    max_leaves=8,
)


@QUICK
@given(types, st.binary(max_size=200))
def test_compact_arrays_unpack_in_proportion_to_their_octets_or_are_malformed(description, packed):
    octets = b"\x13" + description + octet_string(packed)
    found, _ = read_datum(octets, 0)
    try:
        array = unpacked(found)
    except FrameError:
        return
    pending, count = [array], 0
    while pending:
        item = pending.pop()
        count += 1
        if item.tag in (1, 2):
            pending.extend(item.value)
    assert count <= 4 * len(octets) + 1
