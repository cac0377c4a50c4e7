"""Narrow columns beside whole ones: fewer octets, and a way that loses something is not timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import narrow
from bench.case import Load
from pipeline.batch import ReadingBatch
from pipeline.errors import Fatal

FILE = Path(__file__).parents[3] / "topologies.yaml"


@pytest.fixture(name="batches", scope="module")
def batches_of_an_interval() -> list[ReadingBatch]:
    return narrow.batches_of(FILE, Load(meters=600, frames=600))


def test_narrow_columns_take_fewer_octets_of_the_same_readings(batches: list[ReadingBatch]) -> None:
    whole, packed = (narrow.measure(name, batches, 1) for name in ("whole", "narrow"))
    assert whole["readings"] == packed["readings"] >= 590
    assert packed["octets_a_reading"] < whole["octets_a_reading"] / 2


def test_readings_that_are_not_read_as_they_were_packed_end_it(
    batches: list[ReadingBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, _ = narrow.WAYS["narrow"]
    other = narrow.batches_of(FILE, Load(meters=600, frames=600, seed=2))
    monkeypatch.setitem(narrow.WAYS, "narrow", (write, lambda _columns: other[0]))
    with pytest.raises(Fatal, match="BENCH_DIFFERENT"):
        narrow.measure("narrow", batches, 1)
