"""Room for what VEE writes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vee.output import DAYS, READING, READINGS, Buffers
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.columns import empty

OF_READING = [
    column.name
    for column in ReadingBatch.COLUMNS
    if column.section == "reading" and column.name not in ("reactive", "physical")
]


@pytest.mark.parametrize(
    ("readings", "days", "expected"),
    [
        pytest.param(1000, 0, (2048, 500), id="readings are full"),
        pytest.param(0, 499, (1024, 1000), id="days are full"),
        pytest.param(1024, 500, (2048, 1000), id="both are full"),
    ],
)
def test_only_what_is_full_grows(readings: int, days: int, expected: tuple[int, int]) -> None:
    buffers = Buffers(1024, 500)
    buffers.cursor[READINGS], buffers.cursor[DAYS] = readings, days
    buffers.readings["interval_start"] = 7
    buffers.grow(288, 3)
    assert (len(buffers.readings), len(buffers.days)) == expected
    assert (buffers.readings["interval_start"][:readings] == 7).all()


@given(st.integers(0, 20), st.integers(0, 99), st.booleans(), st.booleans())
def test_the_columns_of_a_batch_are_what_kernels_wrote(rows: int, seed: int, framed: bool, reactive: bool) -> None:
    chance = np.random.default_rng(seed)
    buffers = Buffers(rows + 1, 0)
    buffers.readings[:] = chance.integers(0, 256, (rows + 1) * READING.itemsize, np.uint8).view(READING)
    buffers.readings["replaces"] &= 1
    buffers.readings["source"] = chance.integers(-1, 5, rows + 1) if framed else -1
    buffers.cursor[READINGS] = rows
    decoded = empty(DecodedBatch)
    decoded.physical = chance.integers(-9, 9, (5, decoded.physical.shape[1])).astype("<i4")
    decoded.reactive = chance.integers(-9, 9, (5, decoded.reactive.shape[1])) * int(reactive)
    factors = np.full(5, 3, np.int64), np.full(5, 2, np.int64)
    batch = buffers.batch(decoded if framed else None, factors if reactive else None)
    written = buffers.readings[:rows]
    for name in OF_READING:
        assert np.array_equal(getattr(batch, name), written[name]), name
    prior = [row for row in range(rows) if written["replaces"][row]]
    assert batch.prior_reading.tolist() == prior
    assert batch.prior_energy.tolist() == [written["prior_energy"][row].tolist() for row in prior]
    for row, source in enumerate(written["source"].tolist()):
        own = source >= 0
        assert batch.physical[row].tolist() == (decoded.physical[source].tolist() if own else [0] * 8)
        assert batch.reactive[row].tolist() == (
            [value * 3 // 2 for value in decoded.reactive[source].tolist()] if own and reactive else [0] * 4
        )
