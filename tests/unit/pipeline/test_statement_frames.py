"""Frames of statements: what is written is read, what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.codes import Flag
from pipeline.reading_frames import ReadingFrameError
from pipeline.statement_frames import ANSWER_FLAGS, HEAD, ROW, Statement, StatementFrame, read_statement_frame


def edit(count: int = 2, **columns: int) -> StatementFrame:
    rows = np.zeros(count, ROW)
    rows["start"] = 1_767_205_800 + 1800 * np.arange(count)
    rows["secs"], rows["present"], rows["energy"] = 1800, 3, [100, 110, 0, 0]
    for name, value in columns.items():
        rows[name] = value
    return StatementFrame(Statement.EDIT, 7, 1, 1_767_300_000, rows, "id-1", "a person", "the meter was wrong")


def test_what_is_written_is_read() -> None:
    found = read_statement_frame(edit().octets())
    assert (found.kind, found.service_point, found.number, found.said_at) == (Statement.EDIT, 7, 1, 1_767_300_000)
    assert found.rows.tobytes() == edit().rows.tobytes()
    assert (found.id, found.who, found.why) == ("id-1", "a person", "the meter was wrong")


@pytest.mark.parametrize(
    "columns",
    [
        {"start": 5},
        {"secs": 0},
        {"present": 0},
        {"present": 16},
        {"spare": 1},
        {"flags": Flag.SHADOW},
        {"energy": 2**60},
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused(columns: dict[str, int]) -> None:
    with pytest.raises(ReadingFrameError):
        read_statement_frame(edit(**columns).octets())


@pytest.mark.parametrize(("flags", "taken"), [(0, True), (ANSWER_FLAGS, True), (ANSWER_FLAGS | Flag.PLAIN, False)])
def test_an_answer_has_flags_of_rules_and_people_alone(flags: int, taken: bool) -> None:
    octets = replace(edit(flags=flags), kind=Statement.ANSWER).octets()
    if taken:
        assert read_statement_frame(octets).rows["flags"].tolist() == [flags] * len(edit().rows)
        return
    with pytest.raises(ReadingFrameError):
        read_statement_frame(octets)


def test_every_shorter_frame_is_refused() -> None:
    whole = edit().octets()
    for length in (*range(0, HEAD.size + ROW.itemsize, 7), len(whole) - 1):
        with pytest.raises(ReadingFrameError):
            read_statement_frame(whole[:length])
    with pytest.raises(ReadingFrameError):
        read_statement_frame(whole + b"\0")
