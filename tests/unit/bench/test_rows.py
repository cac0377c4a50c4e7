"""The comparison of rows: what it must notice."""

from __future__ import annotations

import numpy as np
import pytest

from bench.truth.rows import EXAMPLES, KEY, Rows, Tally, compare, pack, rank


def rows(**columns: list[int]) -> Rows:
    return {name: np.array(values, np.int64) for name, values in columns.items()}


EXPECTED = rows(key=[1, 2, 3, 4], wh=[10, 20, 30, 40], quality=[1, 1, 3, 1])


def changed(**columns: list[int]) -> Rows:
    return {**EXPECTED, **rows(**columns)}


def test_equal_rows_in_another_order_differ_in_nothing() -> None:
    order = np.array([2, 0, 3, 1])
    tally = compare(EXPECTED, {name: values[order] for name, values in EXPECTED.items()})
    assert (tally.rows, tally.different, tally.examples) == (4, 0, [])


def test_one_wrong_value_is_one_wrong_row_and_named() -> None:
    tally = compare(EXPECTED, changed(wh=[10, 20, 31, 40]))
    assert (tally.other, tally.different, tally.columns) == (1, 1, {"wh": 1})
    assert tally.examples == [{"row": {"key": 3, "wh": 30, "quality": 3}, "found": {"wh": 31}}]


def test_a_row_that_is_wrong_twice_counts_once() -> None:
    tally = compare(EXPECTED, changed(wh=[10, 20, 31, 40], quality=[1, 1, 1, 1]))
    assert (tally.other, tally.columns) == (1, {"wh": 1, "quality": 1})


def test_a_missing_row_is_noticed() -> None:
    tally = compare(EXPECTED, {name: values[:-1] for name, values in EXPECTED.items()})
    assert (tally.missing, tally.unexpected, tally.other) == (1, 0, 0)
    assert tally.examples == [{"missing": {"key": 4, "wh": 40, "quality": 1}}]


def test_a_row_too_many_is_noticed() -> None:
    found = {name: np.append(values, 9) for name, values in EXPECTED.items()}
    tally = compare(EXPECTED, found)
    assert (tally.missing, tally.unexpected, tally.other) == (0, 1, 0)
    assert tally.examples == [{"unexpected": {"key": 9, "wh": 9, "quality": 9}}]


def test_a_row_that_stands_twice_is_one_too_many() -> None:
    found = {name: np.append(values, values[1]) for name, values in EXPECTED.items()}
    assert compare(EXPECTED, found).unexpected == 1


def test_nothing_found_means_all_is_missing_and_nothing_expected_that_all_is_too_much() -> None:
    empty = {name: values[:0] for name, values in EXPECTED.items()}
    assert compare(EXPECTED, empty).missing == 4
    assert compare(empty, EXPECTED).unexpected == 4
    assert compare(empty, empty).different == 0


def test_other_columns_and_doubtful_expectations_are_refused() -> None:
    with pytest.raises(ValueError, match="other columns"):
        compare(EXPECTED, rows(key=[1], wh=[1]))
    with pytest.raises(ValueError, match="twice"):
        compare(changed(key=[1, 1, 3, 4]), EXPECTED)


def test_tallies_add_up_and_keep_a_few_examples() -> None:
    tally = Tally()
    for _ in range(3):
        tally.add(compare(EXPECTED, changed(wh=[0, 0, 0, 0])))
    assert (tally.rows, tally.other, tally.columns) == (12, 12, {"wh": 12})
    assert len(tally.examples) == EXAMPLES


def test_keys_are_distinct_and_a_part_outside_meets_none() -> None:
    first, second = np.meshgrid(np.arange(5), np.arange(7))
    keys = pack((first.ravel(), 5), (second.ravel(), 7))
    assert len(np.unique(keys)) == 35
    outside = pack((np.array([5, -1, 2]), 5), (np.array([1, 1, 7]), 7))
    assert not np.isin(outside, keys).any()
    with pytest.raises(ValueError, match="fit"):
        pack((first.ravel(), 2**40), (second.ravel(), 2**40))


def test_rank_counts_rows_of_the_same_keys() -> None:
    one, other = np.array([1, 1, 1, 2, 2, 2]), np.array([5, 5, 6, 6, 6, 6])
    assert rank(one, other).tolist() == [0, 1, 0, 0, 1, 2]
    assert rank(one[:0]).tolist() == []


def test_key_is_a_column() -> None:
    assert KEY in EXPECTED
