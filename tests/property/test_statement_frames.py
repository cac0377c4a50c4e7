"""Statement frames through decode: the same verdict as the plain reader, whatever the octets are; rows as they were."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from agents.decode.prepare import tables_of
from agents.decode.step import DecodeStep, decode_batch
from pipeline import gcm
from pipeline.batch import DecodedBatch
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array
from pipeline.reading_frames import ReadingFrameError
from pipeline.state import StateStore
from pipeline.statement_frames import HEAD, ROW, Statement, StatementFrame, read_statement_frame
from tests.builders_frames import NOON, Link, frame_batch, references

DEVICE, POINT = 0x4142430000012345, 77
LINKS = (Link(DEVICE, POINT, 1, 0, NOON + 9 * 1800),)
NAMES = tuple(column.name for column in DecodedBatch.COLUMNS if column.section == "statement")


@st.composite
def said(draw: st.DrawFn) -> StatementFrame:
    """A frame that says something."""
    rows = np.zeros(draw(st.integers(1, 4)), ROW)
    for row in rows:
        row["start"], row["secs"] = NOON + 900 * draw(st.integers(-9, 9)), draw(st.sampled_from([900, 1800, 0, 90_000]))
        row["present"], row["energy"] = draw(st.sampled_from([15, 3, 1, 0])), draw(st.integers(-5, 10**7))
        row["rules"], row["quality"], row["prior_energy"] = draw(st.integers(0, 2**32 - 1)), 3, draw(st.integers(0, 9))
    kind, number = draw(st.sampled_from(Statement)), draw(st.sampled_from([1, 7, 2**63, 2**64 - 1, 0]))
    return StatementFrame(kind, draw(st.sampled_from([POINT, POINT, 78])), number, NOON, rows, "id", draw(st.text()))


@st.composite
def octets(draw: st.DrawFn) -> bytes:
    """Mostly as it was written; else with octets changed, cut off or put in."""
    frame = bytearray(draw(said()).octets())
    how = draw(st.sampled_from(["keep"] * 5 + ["flip", "flip", "cut", "insert", "far"]))
    if how == "flip":
        for _ in range(draw(st.integers(1, 3))):
            frame[draw(st.integers(1, len(frame) - 1))] = draw(st.integers(0, 255))
    elif how == "cut":
        return bytes(frame[: draw(st.integers(2, len(frame) - 1))])
    elif how == "insert":
        return bytes(frame) + draw(st.binary(min_size=1, max_size=3))
    elif how == "far":
        frame[HEAD.size : HEAD.size + 8] = draw(st.integers(-(2**40), 2**40)).to_bytes(8, "little", signed=True)
    return bytes(frame)


@pytest.fixture(scope="module")
def context() -> object:
    made = gcm.new_context(encrypt=False)
    yield made
    gcm.free_context(made)


def decoded(frames: list[bytes], context: int) -> tuple[DecodedBatch, list[str]]:
    """The rows of a record, and the code of each frame."""
    config = DecodeConfig(plain=False)
    store = StateStore(DecodeStep(config).layout, range(512))
    batch, opened, _ = decode_batch(
        frame_batch(frames, [DEVICE] * len(frames), [POINT] * len(frames)), store,
        tables_of(references(LINKS), config), context,
    )  # fmt: skip
    return batch, [REJECT_BY_NUMBER[int(code)].code if code else "" for code in opened.code]


def wanted(frame: bytes) -> tuple[str, StatementFrame | None]:
    """The same by the plain reader."""
    try:
        one = read_statement_frame(frame)
    except ReadingFrameError as error:
        return error.code, None
    return ("", one) if one.service_point == POINT else ("FRAME_UNREADABLE", None)


def rows_of(batch: DecodedBatch, frame: int) -> list[Array]:
    mine = batch.statement_frame == frame
    return [getattr(batch, name)[mine] for name in NAMES]


@settings(max_examples=100, deadline=None)
@given(st.lists(octets(), min_size=1, max_size=5))
def test_decode_takes_what_the_plain_reader_takes(frames: list[bytes]) -> None:
    made = gcm.new_context(encrypt=False)
    batch, codes = decoded(frames, made)
    gcm.free_context(made)
    for place, frame in enumerate(frames):
        code, one = wanted(frame)
        assert codes[place] == code
        columns = dict(zip(NAMES, rows_of(batch, place), strict=True))
        assert len(columns["statement_kind"]) == (0 if one is None else len(one.rows))
        if one is None:
            continue
        for name in ROW.names or ():
            if name != "spare":
                assert columns[f"statement_{name}"].tolist() == one.rows[name].tolist()
        assert set(columns["statement_kind"].tolist()) == {int(one.kind)}
        assert set(columns["statement_number"].tolist()) == {one.number}
        assert set(columns["statement_service_point"].tolist()) == {POINT}
    assert not len(batch.frame)


def test_what_a_meter_wraps_or_sends_among_others_is_no_statement(context: int) -> None:
    rows = np.zeros(1, ROW)
    rows["start"], rows["secs"], rows["present"] = NOON, 1800, 1
    frame = StatementFrame(Statement.EDIT, POINT, 1, NOON, rows).octets()
    wrapped = bytes([0, 1, 0, 1, 0, 1]) + len(frame).to_bytes(2, "big") + frame
    batch, codes = decoded([frame, wrapped, frame], context)
    assert codes[0] == codes[2] == ""
    assert codes[1]
    assert batch.statement_frame.tolist() == [0, 2]


def test_ten_thousand_edits_of_one_row_do_not_take_seconds(context: int) -> None:
    rows = np.zeros(1, ROW)
    rows["start"], rows["secs"], rows["present"] = NOON, 1800, 1
    frames = [StatementFrame(Statement.EDIT, POINT, number, NOON, rows).octets() for number in range(1, 10_001)]
    decoded(frames[:1], context)
    begin = time.process_time()
    batch, codes = decoded(frames, context)
    assert time.process_time() - begin < 3
    assert len(batch.statement_kind) == 10_000
    assert not any(codes)
