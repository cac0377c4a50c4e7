"""A plan fits into the metadata of a commit and comes back from it."""

from __future__ import annotations

import random

import pytest

from pipeline.errors import Fatal
from sinks.origins import Origins
from sinks.plan import MAX_METADATA, Mark, read_mark, write_mark


def origins(lanes: int, *, seed: int = 1) -> Origins:
    numbers = random.Random(seed)
    return Origins(
        {
            ("V1x2y3z4A5b6C7d8E9f0gQ", lane, "vee"): (numbers.randrange(10**9), numbers.randrange(4_000))
            for lane in range(lanes)
        }
    )


@pytest.mark.parametrize("lanes", [0, 1, 48, 200])
def test_a_mark_comes_back_as_it_was_written_within_kafkas_bound(lanes: int) -> None:
    mark = Mark("V1x2y3z4A5b6C7d8E9f0gQ", origins(lanes), planned=10**12, block="0123456789abcdef")
    text = write_mark(mark)
    assert len(text) <= MAX_METADATA
    assert read_mark(text, "here") == mark


def test_a_mark_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    with pytest.raises(Fatal, match="PLAN_TOO_LONG"):
        write_mark(Mark("log", origins(5_000)))


def test_a_commit_without_metadata_has_no_mark() -> None:
    assert read_mark("", "here") is None


@pytest.mark.parametrize("text", ["somebody else's", "z:not base64", '{"log": 1}', "[]"])
def test_metadata_of_someone_else_is_refused(text: str) -> None:
    with pytest.raises(Fatal, match="PLAN_UNREADABLE"):
        read_mark(text, "here")
