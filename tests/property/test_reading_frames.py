"""Frames of a head-end's readings: the kernel against plain Python, whatever the octets are; and there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from agents.decode.prepare import tables_of
from agents.decode.step import DecodeStep, decode_batch
from pipeline import gcm
from pipeline.channels import N_SNAPSHOT
from pipeline.codes import REJECT_BY_NUMBER, Flag, Kind
from pipeline.reading_frames import (
    COLUMNS_OF,
    HEAD,
    LARGEST,
    LARGEST_PHYSICAL,
    MOST_ROWS,
    N_CHANNELS,
    TARGETS,
    Reading,
    ReadingFrame,
    frame_of,
    read_reading_frame,
    rows_of,
    texts_of_rows,
)
from pipeline.state import StateStore
from tests.builders_frames import NOON, Link, block, frame_batch, references
from tests.oracles.readings import Row, judge

SWAP = NOON - 1800
DEVICES, POINTS = (0x4142430000012345, 4711), (77, 78)
LINKS = (Link(DEVICES[0], 77, 1, 0, SWAP), Link(DEVICES[0], 79, 1, SWAP), Link(DEVICES[1], 78, 3, 0, NOON + 9 * 1800))
FLAGS = (Flag(0), Flag.HEAD_END_ESTIMATED, Flag.HEAD_END_SUSPECT, Flag.HEAD_END_EDITED)

stamps = st.integers(-20, 20).map(lambda place: NOON + 900 * place)
usual = st.integers(-10, 10**6)
texts = st.text(max_size=12)


@st.composite
def said(draw: st.DrawFn) -> ReadingFrame:
    """A frame that says something."""
    kind = draw(st.sampled_from([Kind.BLOCK, Kind.BLOCK, Kind.DAILY, Kind.INSTANT]))
    allowed = [target for target in range(TARGETS) if COLUMNS_OF[kind] >> target & 1]
    targets = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=6).map(sorted))
    count = 1 if kind == Kind.INSTANT else draw(st.integers(1, 5))
    readings = tuple(
        Reading(
            draw(stamps), draw(st.sampled_from(FLAGS)),
            {target: draw(usual) for target in targets if draw(st.integers(0, 5))},
            draw(st.sampled_from(["", "E", "1.0.0", "geschätzt"])), draw(texts),
            draw(st.sampled_from([0, 0, 1800, 900])) if kind == Kind.BLOCK else 0,
        )
        for _ in range(count)
    )  # fmt: skip
    return ReadingFrame(kind, draw(st.sampled_from(DEVICES)), "ACME head-end", readings)


def octets_of(said: ReadingFrame) -> bytes:
    """The frame, by the functions that connectors use."""
    columns = 0
    for reading in said.readings:
        columns |= sum(1 << target for target in reading.values)
    targets = [target for target in range(TARGETS) if columns >> target & 1]
    listed = [said.source, *sorted({text for row in said.readings for text in (row.quality, row.id)} - {""})]
    rows = rows_of(
        np.array([row.time for row in said.readings]),
        np.array([sum(1 << target for target in row.values) for row in said.readings], np.uint64),
        np.array([int(row.flags) for row in said.readings], np.uint16),
        columns,
        np.array([[row.values.get(target, 0) for target in targets] for row in said.readings], np.int64),
        np.array([row.interval for row in said.readings]),
    )
    numbers = {text: place for place, text in enumerate(listed[1:], 2)} | {"": 0}
    texts_of_rows(
        rows,
        np.array([numbers[row.quality] for row in said.readings]),
        np.array([numbers[row.id] for row in said.readings]),
    )
    return frame_of(said.kind, said.device, columns, rows, [text.encode() for text in listed])


@st.composite
def octets(draw: st.DrawFn) -> bytes:
    """Mostly a sound frame; else one with some octets changed, cut off or put in, or at the edge of what may be."""
    frame = bytearray(octets_of(draw(said())))
    how = draw(st.sampled_from(["keep"] * 6 + ["flip", "flip", "head", "cut", "insert", "edge"]))
    if how == "flip":
        for _ in range(draw(st.integers(1, 3))):
            frame[draw(st.integers(1, len(frame) - 1))] = draw(st.integers(0, 255))
    elif how == "head":
        frame[draw(st.integers(1, HEAD.size - 1))] = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 0x80, 0xFF]))
    elif how == "cut":
        return bytes(frame[: draw(st.integers(1, len(frame) - 1))])
    elif how == "insert":
        place = draw(st.integers(1, len(frame)))
        return bytes(frame[:place]) + draw(st.binary(min_size=1, max_size=3)) + bytes(frame[place:])
    elif how == "edge" and len(frame) >= HEAD.size + 32:
        edges = [LARGEST, LARGEST + 1, -LARGEST - 1, LARGEST_PHYSICAL, LARGEST_PHYSICAL + 1, -(2**63), 2**63 - 1]
        number = draw(st.sampled_from(edges)) % 2**64
        place = HEAD.size + draw(st.sampled_from([0, 24]))
        frame[place : place + 8] = number.to_bytes(8, "little")
    return bytes(frame)


@pytest.fixture(scope="module")
def context() -> object:
    made = gcm.new_context(encrypt=False)
    yield made
    gcm.free_context(made)


def verdicts(frames: list[bytes], devices: list[int], points: list[int], context: int) -> list[tuple[str, list[Row]]]:
    """What the kernels make of a record: code and rows of each frame."""
    config = DecodeConfig(plain=False)
    store = StateStore(DecodeStep(config).layout, range(512))
    batch, opened, changes = decode_batch(
        frame_batch(frames, devices, points), store, tables_of(references(LINKS), config), context
    )
    assert not len(changes.row)
    found: list[tuple[str, list[Row]]] = [
        (REJECT_BY_NUMBER[int(code)].code if code else "", []) for code in opened.code
    ]
    snapshots = {int(row): place for place, row in enumerate(batch.snapshot_row)}
    for row in range(len(batch.frame)):
        flat = np.concatenate([batch.energy[row], batch.reactive[row], batch.physical[row]])
        values = {target: int(flat[target]) for target in range(N_CHANNELS) if int(batch.present[row]) >> target & 1}
        assert not any(int(flat[target]) for target in range(N_CHANNELS) if target not in values)
        assert (row in snapshots) == (batch.kind[row] == Kind.INSTANT)
        if row in snapshots:
            there, fields = int(batch.snapshot_present[snapshots[row]]), batch.snapshot[snapshots[row]]
            values |= {N_CHANNELS + n: int(fields[n]) for n in range(N_SNAPSHOT) if there >> n & 1}
            assert not any(int(fields[n]) for n in range(N_SNAPSHOT) if not there >> n & 1)
        number = int(batch.frame[row])
        assert (int(batch.service_point[row]), int(batch.device[row])) == (points[number], devices[number])
        assert batch.counter[row] == 0
        found[number][1].append(
            Row(int(batch.link[row]), int(batch.kind[row]), int(batch.time[row]), int(batch.flags[row]), values)
        )
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(octets(), st.integers(0, 1), st.sampled_from([None, None, 79, 0])), min_size=1, max_size=6))
def test_the_kernel_reads_what_plain_python_reads(context: int, offered: list[tuple[bytes, int, int | None]]) -> None:
    frames = [frame for frame, _, _ in offered]
    devices = [DEVICES[number] for _, number, _ in offered]
    points = [POINTS[number] if point is None else point for _, number, point in offered]
    registry = references(LINKS).registry
    expected = [judge(*one, registry) for one in zip(frames, devices, points, strict=True)]
    assert verdicts(frames, devices, points, context) == expected


@settings(max_examples=200, deadline=None)
@given(said())
def test_what_is_written_is_read_back(said: ReadingFrame) -> None:
    assert read_reading_frame(octets_of(said)) == said


def test_rows_of_a_meter_and_of_a_head_end_stand_in_one_record(context: int) -> None:
    rows = tuple(Reading(NOON - 1800 * back, Flag(0), {0: back}, "", "") for back in range(30, 430))
    full = octets_of(ReadingFrame(Kind.BLOCK, DEVICES[0], "A", rows))
    assert len(rows) == MOST_ROWS
    frames = [full, block(), full, octets_of(ReadingFrame(Kind.INSTANT, DEVICES[1], "A", rows[:1]))]
    store = StateStore(DecodeStep().layout, range(512))
    batch, opened, _ = decode_batch(
        frame_batch(frames, [DEVICES[0]] * 3 + [DEVICES[1]], [77, 79, 77, 78]), store,
        tables_of(references(LINKS), DecodeConfig()), context,
    )  # fmt: skip
    assert opened.code.tolist() == [0, 0, 0, 0]
    assert np.bincount(batch.frame).tolist() == [400, 1, 400, 1]
    assert batch.flags[400] & Flag.PLAIN
    assert not batch.flags[400] & Flag.HEAD_END


def test_what_a_meter_has_encrypted_is_never_taken_for_a_head_end(context: int) -> None:
    from tests.builders_frames import KEYS, sealed, wrapped

    frame = octets_of(ReadingFrame(Kind.BLOCK, DEVICES[0], "A", (Reading(NOON - 9000, Flag(0), {0: 1}, "", ""),)))
    found = verdicts([frame, sealed(frame, 1, DEVICES[0], KEYS), wrapped(frame)], [DEVICES[0]] * 3, [77] * 3, context)
    assert [code for code, _ in found] == ["", "APDU_UNKNOWN", "APDU_UNKNOWN"]


def test_intervals_of_another_length_than_the_link_says_are_left_out_and_named(context: int) -> None:
    def frame(*intervals: int) -> bytes:
        rows = (
            Reading(NOON - 1800 * back, Flag(0), {0: 7}, "", "", secs) for back, secs in enumerate(intervals, start=5)
        )
        return octets_of(ReadingFrame(Kind.BLOCK, DEVICES[0], "A", tuple(rows)))

    found = verdicts([frame(900), frame(1800, 900, 0), frame(100_000)], [DEVICES[0]] * 3, [77] * 3, context)
    assert [code for code, _ in found] == ["INTERVAL_OTHER"] * 3
    assert [[row.time for row in rows] for _, rows in found] == [[], [NOON - 5 * 1800, NOON - 7 * 1800], []]
