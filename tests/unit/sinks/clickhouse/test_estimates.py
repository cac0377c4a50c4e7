"""Scores over partitions, and what is expected of each estimated reading."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.codes import Method, Quality
from pipeline.localtime import DAY_SECS
from sinks.clickhouse.estimate_views import ESTIMATE_VIEWS
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import INTERVAL, MIDNIGHT, plain_record, quality_word, readings_record


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def score(offset: int, gaps: int, wrong: int, *, partition: int = 0, day: int = 0, **values: Any) -> Any:
    fields = {
        "role": "UNKNOWN", "tariff_number": 0, "load_class": "UNKNOWN", "lane": "HOT", "method": "LINEAR",
        "gap_secs": 3600, "day_start": MIDNIGHT + day * DAY_SECS, "revision": offset << 20, "gaps": gaps,
        "energy_wh": 1000 * gaps, "wrong_wh": wrong, "over_wh": -wrong // 2, "spread_wh": 5,
    }  # fmt: skip
    return plain_record("EstimateScore", offset, partition=partition, **{**fields, **values})


def test_views_have_the_columns_that_are_documented(warehouse: ClickHouseSink) -> None:
    for view in ESTIMATE_VIEWS:
        names = [row[0] for row in rows(warehouse, f"DESCRIBE {view.name}")]
        assert sorted(names) == sorted(name for name, _ in view.columns), view.name


def test_the_newest_scores_of_each_partition_add_up(warehouse: ClickHouseSink) -> None:
    for record in (
        score(1, 90, 9_000), score(2, 100, 20_000, day=1), score(5, 50, 25_000, partition=1),
        score(6, 7, 70, lane="COLD"),
    ):  # fmt: skip
        warehouse.accept(record)
    warehouse.flush()
    found = rows(
        warehouse,
        "SELECT lane, gaps, energy_wh, wrong_wh, wape_permille, bias_permille FROM estimate_scores_latest "
        "ORDER BY lane",
    )
    assert found == [("HOT", 150, 150_000, 45_000, 300, -150), ("COLD", 7, 7_000, 70, 10, -5)]


def test_an_estimate_names_its_gap_and_what_is_expected_of_it(warehouse: ClickHouseSink) -> None:
    """A gap of two intervals and one of seven; the class of these points has no scores, so that of all is taken."""
    warehouse.accept(score(1, 60, 12_000, tariff_number=3))
    warehouse.accept(score(1, 60, 24_000, tariff_number=4, partition=1))
    estimated = {0, 1, 3, 4, 5, 6, 7, 8, 9}
    for place in range(12):
        record = readings_record(10 + place, 1, start=MIDNIGHT + place * INTERVAL)
        batch: Any = record.value
        batch.energy[:, 0] = 500
        if place in estimated:
            batch.quality = np.full(1, quality_word({0: Quality.ESTIMATED}), "<u8")
            batch.method = np.full(1, Method.LINEAR, "<u1")
        warehouse.accept(record)
    warehouse.flush()
    found = rows(
        warehouse,
        "SELECT gap_secs, gap_class_secs, scored_by, expected_permille, expected_wh, count() FROM readings_estimates "
        "GROUP BY ALL ORDER BY gap_secs",
    )
    assert found == [(3600, 3600, "ALL", 300, 150, 2), (7 * INTERVAL, 21600, "", None, None, 7)]
    warehouse.accept(score(3, 400, 40_000, day=2))
    warehouse.flush()
    found = rows(
        warehouse, "SELECT DISTINCT scored_by, expected_permille FROM readings_estimates WHERE gap_secs = 3600"
    )
    assert found in ([("ALL", 146)], [("CLASS", 100)])
