"""What people and other systems say of a service point's intervals, as frames: edits, outages, answers, check meters.

A partition of `frames` is the only input of its state, so an edit comes as a record in it, like a reading. A frame is
what is said of one service point at once. No framing, no APDU of DLMS and no frame of readings begins with its first
octet. Numbers are little-endian.

| octets | what |
|---|---|
| 1 | 0x53, `S` |
| 1 | version, 1 |
| 1 | kind, Statement |
| 1 | 0 |
| u16 | rows, 1 to MOST_ROWS |
| u16 | texts |
| u64 | service point |
| u64 | number: of two statements of a kind about the same interval the larger one holds; counts from 1 |
| i64 | when it was said, epoch seconds UTC |
| rows | ROW each |
| texts | u16 length, UTF-8: id of what it came from, who, why |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipeline.channels import N_ENERGY
from pipeline.codes import Flag
from pipeline.columns import Array
from pipeline.reading_frames import EARLIEST, LARGEST, LATEST, ReadingFrameError, shortened

FIRST_OCTET = 0x53
VERSION = 1
HEAD = struct.Struct("<BBBBHHQQq")
ROW = np.dtype(
    [
        ("start", "<i8"),  # begin of the interval, or of the outage, epoch seconds UTC
        ("secs", "<u4"),  # its length; an outage of 0 seconds takes an outage that began then back
        ("rules", "<u4"),  # ANSWER: rules that failed, pipeline.rules
        ("present", "<u1"),  # bit n: energy n of pipeline.channels is said
        ("method", "<u1"),  # ANSWER: pipeline.codes.Method
        ("quality", "<u1"),  # ANSWER: pipeline.quality.Quality of the energies that are present
        ("prior_quality", "<u1"),  # ANSWER: of what is replaced; 0: nothing was there
        ("flags", "<u2"),  # ANSWER: those of ANSWER_FLAGS
        ("spare", "<u2"),
        ("energy", "<i8", (N_ENERGY,)),  # Wh and VAh, times the multiplying factor
        ("prior_energy", "<i8", (N_ENERGY,)),  # ANSWER: what is replaced
    ]
)
ANSWER_FLAGS = int(Flag.DISCARDED | Flag.SHADOW)
"""What is told of a reading beside its rules; other flags are of a frame of the meter's."""
MOST_ROWS = 300
"""Of a frame: three days of quarters of an hour and some."""
TEXTS = 3
ALL_ENERGIES = (1 << N_ENERGY) - 1
MOST_SECS = 366 * 86_400


class Statement(IntEnum):
    """What is said."""

    EDIT = 1  # these are the values, whatever the meter sent or sends
    WITHDRAW = 2  # nothing is said any more of these intervals: as if they had never been edited or discarded
    OUTAGE = 3  # there was no supply
    ANSWER = 4  # how intervals that had left the hot window have changed
    DISCARD = 5  # what the meter sent is not used: it is estimated
    CHECK = 6  # what a check meter measured; without an energy that is present it is taken back


@dataclass(frozen=True)
class StatementFrame:
    """What a frame says; `rows` are ROW (n,)."""

    kind: Statement
    service_point: int
    number: int
    said_at: int
    rows: Array
    id: str = ""
    who: str = ""
    why: str = ""

    def octets(self) -> bytes:
        """The frame; texts are cut at pipeline.reading_frames.MOST_TEXT octets."""
        texts = [shortened(text.encode()) for text in (self.id, self.who, self.why)]
        head = HEAD.pack(
            FIRST_OCTET, VERSION, self.kind, 0, len(self.rows), TEXTS, self.service_point, self.number, self.said_at
        )
        tail = b"".join(len(text).to_bytes(2, "little") + text for text in texts)
        return head + np.ascontiguousarray(self.rows, ROW).tobytes() + tail


def read_statement_frame(frame: bytes) -> StatementFrame:
    """What a frame says, in plain Python; raises ReadingFrameError."""
    if len(frame) < HEAD.size or frame[0] != FIRST_OCTET:
        raise ReadingFrameError("no head")
    _, version, kind, spare, count, texts, point, number, said_at = HEAD.unpack_from(frame)
    if version != VERSION or spare or kind not in set(Statement) or texts != TEXTS or not point or not number:
        raise ReadingFrameError("a version, kind or head that is not known")
    end = HEAD.size + count * ROW.itemsize
    if not 1 <= count <= MOST_ROWS or end > len(frame):
        raise ReadingFrameError(f"{count} rows")
    rows = np.frombuffer(frame, ROW, count, HEAD.size)
    _check(Statement(kind), rows)
    return StatementFrame(Statement(kind), point, number, said_at, rows, *_texts(frame, end))


def _check(kind: Statement, rows: Array) -> None:
    if ((rows["start"] < EARLIEST) | (rows["start"] >= LATEST)).any():
        raise ReadingFrameError("a begin that is no time", "CLOCK_UNUSABLE")
    wrong = (rows["secs"] > MOST_SECS) | (rows["spare"] != 0) | (rows["present"] > ALL_ENERGIES)
    if kind != Statement.OUTAGE:
        wrong |= rows["secs"] == 0
    wrong |= (np.abs(rows["energy"]) > LARGEST).any(axis=1) | (np.abs(rows["prior_energy"]) > LARGEST).any(axis=1)
    if kind == Statement.EDIT:
        wrong |= rows["present"] == 0
    wrong |= rows["flags"] & ~np.uint16(ANSWER_FLAGS if kind == Statement.ANSWER else 0) != 0
    if wrong.any():
        raise ReadingFrameError("a row that cannot be")


def _texts(frame: bytes, place: int) -> list[str]:
    texts = []
    for _ in range(TEXTS):
        length = int.from_bytes(frame[place : place + 2], "little")
        place += 2 + length
        texts.append(frame[place - length : place].decode("utf-8", "replace"))
    if place != len(frame):
        raise ReadingFrameError("it does not end with its texts")
    return texts
