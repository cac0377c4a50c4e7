"""The kernels against plain Python: frames of all kinds, sound and broken in every layer, in any order."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from agents.decode.prepare import tables_of
from agents.decode.step import DecodeStep, decode_batch
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import REJECT_BY_NUMBER, Kind
from pipeline.state import StateStore
from pipeline.templates import TEMPLATE_BY_NUMBER, TIMES, WORD
from tests.builders_frames import Link, datum, frame_batch, push, references, sealed, stamp, wrapped
from tests.oracles.decode import Oracle, Row

SWAP = 1_751_351_400
DEVICES = (
    0x4142430000012345, 0x4B564E0000000001, 0x4B564E0000000002, 0x4B564E0000000003, 0x4B564E0000000004,
    0x4B56530000000005,
)  # fmt: skip
POINTS = (77, 78, 79, 80, 81, 82)
KEYS = {
    device: (bytes([number]) * 16, bytes([255 - number]) * 16) for number, device in enumerate(DEVICES) if number != 4
}
LINKS = (
    Link(DEVICES[0], 77, 1),
    Link(DEVICES[1], 78, 3, 0, SWAP),
    Link(DEVICES[1], 79, 3, SWAP),
    Link(DEVICES[2], 79, 2, 0, SWAP - 900),
    Link(DEVICES[2], 79, 5, SWAP - 900, SWAP + 900),
    Link(DEVICES[4], 81, 6),
    # Stamps open their interval, until another firmware closes them.
    Link(DEVICES[5], 82, 11, 0, SWAP),
    Link(DEVICES[5], 82, 1, SWAP),
)
MODEL = {DEVICES[0]: 1, DEVICES[1]: 3, DEVICES[2]: 2, DEVICES[3]: 4, DEVICES[4]: 6, DEVICES[5]: 11}

usual_walls = st.sampled_from(
    [(2025, 7, 1, 12, 0, 0), (2025, 7, 1, 11, 45, 0), (2025, 7, 1, 12, 15, 0), (2025, 7, 1, 12, 0, 1)]
)
odd_walls = st.tuples(
    st.integers(1990, 2110), st.integers(0, 14), st.integers(0, 33), st.integers(0, 25), st.integers(0, 61),
    st.integers(0, 61),
)  # fmt: skip
walls = st.integers(0, 9).flatmap(lambda dice: usual_walls if dice else odd_walls)
stamps = st.builds(stamp, walls, st.sampled_from([-330, 330, 0, -0x8000]), st.sampled_from([0, 1, 2, 3, 0x80, 0xFF]))
usual_numbers = st.one_of(
    st.builds(datum, st.just(23), st.floats(-1e4, 1e4, width=32)),
    st.builds(datum, st.just(6), st.integers(0, 2**32 - 1)),
    st.builds(datum, st.just(18), st.integers(0, 2**16 - 1)),
    st.builds(datum, st.just(16), st.integers(-(2**15), 2**15 - 1)),
    st.builds(datum, st.just(15), st.integers(-128, 127)),
    st.builds(datum, st.sampled_from([17, 22]), st.integers(0, 255)),
    st.builds(datum, st.just(3), st.booleans()),
    st.builds(datum, st.sampled_from([0, 255])),
)
odd_numbers = st.one_of(
    st.builds(datum, st.just(23), st.floats(width=32)),
    st.builds(datum, st.just(24), st.floats() | st.sampled_from([2.0**43, 2.0**53, 9007199254740.991, -0.0005])),
    st.builds(datum, st.just(5), st.integers(-(2**31), 2**31 - 1)),
    st.builds(
        datum, st.just(20), st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**63)])
    ),
    st.builds(datum, st.just(21), st.integers(0, 2**64 - 1) | st.sampled_from([2**63, 2**63 - 1, 2**53])),
)
numbers = st.integers(0, 40).flatmap(lambda dice: usual_numbers if dice else odd_numbers)
leaves = st.one_of(
    usual_numbers,
    odd_numbers,
    st.builds(datum, st.sampled_from([9, 10, 12]), st.binary(max_size=20)),
    st.builds(datum, st.just(9), stamps),
    st.builds(datum, st.just(25), stamps),
    st.builds(datum, st.just(4), st.binary(min_size=16, max_size=16)),
    st.sampled_from([b"\x13\x12\x06\0\1\0\2\0\3", b"\x13\2\2\x12\x11\x06\0\1\7\0\2\7", b"\x13\1\0\2\x11\2\5\6"]),
    st.sampled_from([b"\x0d\x42", b"\x04\x09\xff\x80", b"\x1a\7\xe9\7\1\2", b"\x1b\1\2\3\4"]),
)  # fmt: skip
anything = st.recursive(leaves, lambda inner: st.builds(datum, st.sampled_from([1, 2]), st.lists(inner, max_size=3)),
                        max_leaves=6)  # fmt: skip


@st.composite
def pushes(draw, device):
    """A Data-Notification: mostly as the device's model sends it, with odd columns now and then."""
    kind = draw(st.sampled_from(list(Kind)))
    sent = TEMPLATE_BY_NUMBER[MODEL[device]].push(kind)
    columns = []
    for column in sent.columns:
        if draw(st.integers(0, 80)) == 0:
            columns.append(draw(anything))
        elif column.target in TIMES:
            columns.append(datum(9, draw(stamps)))
        elif column.target == WORD:
            columns.append(datum(4, draw(st.sampled_from([bytes(16), b"\x08" + bytes(15), bytes(10) + b"\x54" * 6]))))
        else:
            columns.append(draw(numbers))
    keep = draw(st.sampled_from([len(columns)] * 8 + [len(columns) - 1, len(columns) - 2]))
    return push(kind, columns[:keep], draw(stamps))


@st.composite
def profile_rows(draw, device, kind, *, first):
    """A row of a profile: null-data for what follows from the row above, and sometimes where nothing does."""
    sent = TEMPLATE_BY_NUMBER[MODEL[device]].push(kind)
    nulls = draw(st.sampled_from([0] * 60 + [1])) if first else draw(st.sampled_from([0, 1, 5, 9]))
    usual = st.builds(stamp, usual_walls, st.just(-330), st.sampled_from([0, 2, 3]))
    clock = datum(0) if draw(st.integers(0, 9)) < (nulls if first else 7) else datum(9, draw(usual))
    columns = []
    for column in sent.columns:
        if draw(st.integers(0, 9)) < nulls:
            columns.append(datum(0))
        elif column.target in TIMES:
            columns.append(datum(9, draw(stamps)))
        else:
            sent_one = draw(usual_numbers if draw(st.integers(0, 200)) else anything)
            columns.append(datum(255) if first and sent_one == datum(0) else sent_one)
    if draw(st.integers(0, 40)) == 0:
        clock, columns[0] = datum(9, draw(stamps)), draw(numbers)
    keep = draw(st.sampled_from([len(columns)] * 30 + [len(columns) - 1, len(columns) - 2, 0]))
    return draw(st.sampled_from([datum(2, [clock, *columns[:keep]])] * 60 + [datum(1, [clock]), datum(2, []), clock]))


@st.composite
def profiles(draw, device):
    """A push with the buffer of its profile; sometimes one that says it has far more rows."""
    count = draw(st.sampled_from([1, 2, 2, 3, 5, 9, 0]))
    like = draw(st.sampled_from([Kind.BLOCK] * 3 + [Kind.DAILY, Kind.INSTANT]))
    rows = [draw(profile_rows(device, like, first=not number)) for number in range(count)]
    if rows and draw(st.integers(0, 20)) == 0:
        rows += draw(st.sampled_from([[datum(2, [datum(0)] * 9)] * 395, [rows[0]] * 399, [rows[0]] * 400]))
    kind = draw(st.sampled_from([like] * 9 + [Kind.DAILY, Kind.ALERT]))
    apdu = push(kind, draw(st.sampled_from([[]] * 9 + [[datum(0)]])))
    buffer = datum(1, rows)
    if draw(st.integers(0, 20)) == 0:
        buffer = b"\1" + draw(st.sampled_from([b"\x81\xff", b"\x82\xff\xff", b"\x84\xff\xff\xff\xff"])) + b"".join(rows)
    return apdu.replace(datum(9, stamp()), buffer, 1)


WHOLE = {23: 4, 24: 8, 6: 4, 5: 4, 18: 2, 16: 2, 17: 1, 15: 1, 22: 1, 3: 1, 20: 8, 21: 8, 0: 0, 255: 0}
"""Octets of values without tags."""


@st.composite
def compact_profiles(draw, device):
    """A push with a compact array: rows of the model's columns, in types of any kind, each row the same."""
    kind = draw(st.sampled_from([Kind.BLOCK] * 3 + [Kind.DAILY, Kind.INSTANT]))
    sent = TEMPLATE_BY_NUMBER[MODEL[device]].push(kind)
    usual, odd = st.sampled_from([23, 6, 18, 16, 15, 17, 22, 3, 0]), st.sampled_from([24, 5, 20, 21, 255, 9, 4, 25])
    types = [draw(st.sampled_from([9] * 9 + [25, 0]))]
    for column in sent.columns[: draw(st.sampled_from([None] * 5 + [-1, 1]))]:
        if column.target in TIMES:
            types.append(9)
        else:
            types.append(draw(odd if draw(st.integers(0, 60)) == 0 else usual))
    body, count = b"", draw(st.sampled_from([0, 1, 2, 3, 7, 399, 400, 401]))
    row = None
    for _ in range(count):
        if len(body) > 50_000:
            break
        if row is None or count < 9:
            row = b"".join(draw(_bare(tag, wide=place == 0)) for place, tag in enumerate(types))
        body += row
    description = b"\2" + bytes([len(types), *types])
    if draw(st.integers(0, 20)) == 0:
        odd_types = [b"\2\0", b"\x12", b"\1\0\2\x12", b"\2\2\x11\2\1\x11", b"\2\3\x09\1\0\1\x11\x11"]
        description = draw(st.sampled_from(odd_types))
    body = draw(mutations(body)) if count < 9 else body
    length = bytes([0x82, len(body) >> 8, len(body) & 255]) if len(body) < 2**16 else b"\x83" + len(body).to_bytes(3)
    return push(kind, []).replace(datum(9, stamp()), b"\x13" + description + length + body, 1)


def _bare(tag, *, wide):
    """Octets of a value without its tag."""
    if tag == 25 or (tag == 9 and wide):
        return st.builds(lambda octets: octets if tag == 25 else b"\x0c" + octets, stamps)
    if tag == 9:
        return st.one_of(st.builds(lambda octets: b"\x0c" + octets, stamps), st.just(b"\2ab"))
    if tag == 4:
        return st.sampled_from([b"\x81\x80" + bytes(16), b"\x09\xff\x80"])
    if tag == 23:
        return st.floats(-1e4, 1e4, width=32).map(lambda value: struct.pack(">f", value))
    return st.binary(min_size=WHOLE[tag], max_size=WHOLE[tag])


@st.composite
def mutations(draw, octets):
    """Mostly `octets`; else a few octets changed, some cut off, put in or repeated."""
    how = draw(st.sampled_from(["keep"] * 24 + ["flip"] * 4 + ["cut", "insert", "repeat"]))
    if how == "keep" or not octets:
        return octets
    place = draw(st.integers(0, len(octets) - 1))
    if how == "flip":
        changed = bytearray(octets)
        for _ in range(draw(st.integers(1, 3))):
            changed[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
        return bytes(changed)
    if how == "cut":
        return octets[:place]
    if how == "insert":
        return octets[:place] + draw(st.binary(min_size=1, max_size=4)) + octets[place:]
    return octets[:place] + octets[max(0, place - 8) :]


@st.composite
def frames(draw):
    """(frame, device, point the connector chose)."""
    number = draw(st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5]))
    device = DEVICES[number]
    content = draw(st.sampled_from([pushes, pushes, pushes, profiles, profiles, compact_profiles]))
    apdu = draw(mutations(draw(content(device))))
    control = draw(st.sampled_from([0, 0x30, 0x30, 0x30, 0x30, 0x10, 0x20]))
    if control:
        counter = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 250, 255, 256, 257, 258, 259, 260, 261, 262, 600, 2**32 - 1]))
        apdu = sealed(apdu, counter, device, KEYS.get(device, KEYS[DEVICES[0]]), control)
    frame = draw(mutations(wrapped(apdu) if draw(st.booleans()) else apdu))
    return frame, device, draw(st.sampled_from([POINTS[number]] * 5 + [79]))


def rows_of(batch, changes):
    """Frame -> Rows, as the oracle writes them."""
    found = {}
    snapshots = {int(row): place for place, row in enumerate(batch.snapshot_row)}
    edges = {
        int(row): (
            *(int(words[place][0]) << 64 | int(words[place][1]) for words in (changes.before, changes.after)),
            bool(changes.late[place]),
        )
        for place, row in enumerate(changes.row)
    }
    for row in range(len(batch.frame)):
        flat = np.concatenate([batch.energy[row], batch.reactive[row], batch.physical[row]])
        present = int(batch.present[row])
        values = {channel.name: int(flat[n]) for n, channel in enumerate(CHANNELS) if present >> n & 1}
        assert not any(int(flat[n]) for n in range(len(CHANNELS)) if not present >> n & 1)
        if row in snapshots:
            there = int(batch.snapshot_present[snapshots[row]])
            fields = batch.snapshot[snapshots[row]]
            values |= {field.name: int(fields[n]) for n, field in enumerate(SNAPSHOT) if there >> n & 1}
            assert not any(int(fields[n]) for n in range(len(SNAPSHOT)) if not there >> n & 1)
        found.setdefault(int(batch.frame[row]), []).append(
            Row(int(batch.service_point[row]), int(batch.device[row]), int(batch.link[row]), int(batch.kind[row]),
                int(batch.time[row]), int(batch.flags[row]), int(batch.counter[row]), values, edges.get(row))
        )  # fmt: skip
    return found


def verdicts(offered, strict, context):
    """What the kernels make of records of frames: a list of codes and lists of Rows."""
    config = DecodeConfig(counter="strict" if strict else "window", clock_drift_secs=0)
    tables = tables_of(references(LINKS, KEYS), config)
    store = StateStore(DecodeStep(config).layout, range(512))
    found = []
    for record in offered:
        raw, devices, points = zip(*record, strict=True)
        batch, opened, changes = decode_batch(frame_batch(raw, devices, points), store, tables, context)
        rows = rows_of(batch, changes)
        assert len(rows) == int((opened.code == 0).sum())
        found += [rows.get(n) or REJECT_BY_NUMBER[int(opened.code[n])].code for n in range(len(record))]
    return found


@pytest.fixture(scope="module")
def context():
    from pipeline import gcm

    found = gcm.new_context(encrypt=False)
    yield found
    gcm.free_context(found)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(frames(), min_size=1, max_size=8), min_size=1, max_size=3), st.booleans())
def test_rows_verdicts_and_changes_are_what_plain_python_says(context, offered, strict):
    oracle = Oracle(references(LINKS, KEYS), KEYS, strict=strict)
    expected = [oracle.judge(*frame) for record in offered for frame in record]
    assert verdicts(offered, strict, context) == expected


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.binary(max_size=120), st.sampled_from(DEVICES), st.just(77)), min_size=1, max_size=12))
@example([(b"S\0", DEVICES[0], 77), (b"R\0", DEVICES[0], 77)])
def test_random_octets_get_a_verdict(context, record):
    oracle = Oracle(references(LINKS, KEYS), KEYS)
    assert verdicts([record], False, context) == [oracle.judge(*frame) for frame in record]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anything, max_size=6), st.binary(max_size=3), st.integers(0, 3))
def test_any_data_in_a_notification_gets_a_verdict(context, items, rest, cut):
    apdu = b"\x0f\0\0\0\1" + b"\0" + datum(2, items) + rest
    record = [
        (apdu[: len(apdu) - cut], DEVICES[0], 77),
        (b"\x0f\0\0\0\1\x0c" + stamp() + b"".join(items), DEVICES[0], 77),
    ]
    oracle = Oracle(references(LINKS, KEYS), KEYS)
    assert verdicts([record], False, context) == [oracle.judge(*frame) for frame in record]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1) | st.integers(990, 1300), min_size=1, max_size=60), st.booleans())
def test_any_order_of_counters_is_judged_as_a_set_would(context, counters, strict):
    record = [
        (sealed(push(Kind.ALERT, [datum(4, struct.pack(">QQ", n, counter))]), counter, DEVICES[0], KEYS[DEVICES[0]]),
         DEVICES[0], 77)
        for n, counter in enumerate(counters)
    ]  # fmt: skip
    oracle = Oracle(references(LINKS, KEYS), KEYS, strict=strict)
    assert verdicts([record], strict, context) == [oracle.judge(*frame) for frame in record]
