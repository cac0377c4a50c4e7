"""Statement frames of a batch: what people and systems say of intervals, as columns.

They are few, and the reader in plain Python is the one that others test against: some 30 us a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.decode.kernels_open import GOOD, UNREADABLE, Opened
from agents.decode.late import LEFT_OUT
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array
from pipeline.reading_frames import ReadingFrameError
from pipeline.statement_frames import FIRST_OCTET, ROW, StatementFrame, read_statement_frame

COLUMNS = tuple(column for column in DecodedBatch.COLUMNS if column.section == "statement")
_OF_ROW = tuple(column.name for column in COLUMNS if column.name.removeprefix("statement_") in (ROW.names or ()))
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Statements:
    """Columns of the section statement; frames i64: those that were taken."""

    columns: dict[str, Array]
    frames: Array

    def accept(self, opened: Opened) -> None:
        """The frames are good, now that the others have been read."""
        opened.code[self.frames] = GOOD


def read_statements(batch: FrameBatch, octets: Array, opened: Opened) -> Statements:
    """Take the statement frames of a batch, so that nobody else reads them.

    octets u8: the batch's payload. A frame that cannot be read, or is about another service point than that of its
    batch, gets its code in `opened`; those that are taken get LEFT_OUT until `Statements.accept`.
    """
    lengths = np.asarray(batch.length, np.int64)
    starts = np.cumsum(lengths) - lengths
    # What was ciphered or in a framing is a meter's, and begins elsewhere.
    bare = (opened.code == GOOD) & (opened.security == 0) & (opened.frames.start == starts) & (lengths > 0)
    found = np.flatnonzero(bare)
    found = found[octets[starts[found]] == FIRST_OCTET]
    taken: list[int] = []
    said: list[StatementFrame] = []
    for item in found.tolist():
        frame = octets[starts[item] : starts[item] + lengths[item]].tobytes()
        opened.code[item], one = _read(frame, int(batch.service_point[item]))
        if one is not None:
            taken.append(item)
            said.append(one)
    frames = np.array(taken, np.int64) if taken else _NONE
    opened.code[frames] = LEFT_OUT
    return Statements(_columns(frames, said), frames)


def _read(frame: bytes, service_point: int) -> tuple[int, StatementFrame | None]:
    """(verdict, what it says)."""
    try:
        one = read_statement_frame(frame)
    except ReadingFrameError as error:
        return REJECT_NUMBER[error.code], None
    return (GOOD, one) if one.service_point == service_point else (UNREADABLE, None)


def _columns(frames: Array, said: list[StatementFrame]) -> dict[str, Array]:
    if not said:
        return {column.name: column.empty() for column in COLUMNS}
    counts = np.array([len(one.rows) for one in said])
    rows = np.concatenate([one.rows for one in said])
    columns = {name: np.ascontiguousarray(rows[name.removeprefix("statement_")]) for name in _OF_ROW}
    of_head = {
        "statement_frame": frames,
        "statement_service_point": np.array([one.service_point for one in said], np.uint64),
        "statement_kind": np.array([one.kind for one in said]),
        "statement_number": np.array([one.number for one in said], np.uint64),
        "statement_said_at": np.array([one.said_at for one in said]),
    }
    columns |= {name: np.repeat(values, counts) for name, values in of_head.items()}
    return {column.name: columns[column.name].astype(column.dtype) for column in COLUMNS}
