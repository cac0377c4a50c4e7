"""The index over a sorted column, against a search through the column."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lookup import build_index, find, find_many
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes, registry_to_bytes
from tests.unit.pipeline.test_memory import POINTS

KEYS = st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 40), max_size=60)


@given(KEYS, KEYS)
def test_the_first_row_of_a_key_is_found_and_no_other_key(column: list[int], others: list[int]) -> None:
    keys = np.array(sorted(column), np.uint64)
    asked = np.array([*column, *others], np.uint64)
    found = np.empty(len(asked), np.int64)
    find_many(*build_index(keys), asked, found)
    expected = [sorted(column).index(key) if key in column else -1 for key in asked.tolist()]
    assert found.tolist() == expected
    index, same = build_index(keys)
    assert [int(find(index, same, key)) for key in asked] == expected


def test_an_index_takes_six_bytes_a_key_and_the_column_itself() -> None:
    index, keys = build_index(POINTS)
    assert keys is POINTS
    assert index.nbytes <= 6 * len(POINTS) + 64


def test_a_registry_that_holds_some_columns_has_these_and_finds_its_points() -> None:
    columns = {column.name: column.empty(1 if column.section == "point" else 0) for column in Registry.COLUMNS}
    columns["point"][:], columns["dt"][:], columns["feeder"][:] = 7, 5, 3
    registry = Registry(**columns)
    kept = registry.holding("point", "dt")
    assert kept.dt.tolist() == [5]
    assert len(kept.feeder) == 0
    assert kept.by_point is registry.by_point
    assert len(kept.links_of_point[0]) == 0


def test_a_registry_that_was_read_can_be_written_to_and_leaves_the_bytes_as_they_are() -> None:
    columns = {column.name: column.empty(1) for column in Registry.COLUMNS}
    for name in ("device", "point", "node"):
        columns[name][:] = 7
    raw = registry_to_bytes(Registry(**columns))
    registry = registry_from_bytes(raw)
    registry.device[0] = 8
    assert registry_from_bytes(raw).device.tolist() == [7]
