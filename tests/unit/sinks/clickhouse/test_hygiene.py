"""What the views of hygiene stand on: ticks with their places, promises with their numbers, columns as documented."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.step import Origin, Tick
from sinks.clickhouse.config import ClickHouseConfig, Promise
from sinks.clickhouse.hygiene_views import HYGIENE_VIEWS
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import LOG, MIDNIGHT, plain_record, readings_record


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def tick(offset: int, time: int, count: int = 0) -> Any:
    return replace(readings_record(offset, count), tick=Tick(time, 1800), origin=Origin(LOG, 0, offset))


def test_a_tick_is_kept_with_its_place_also_one_without_rows_and_a_copy_is_not(warehouse: ClickHouseSink) -> None:
    for record in (tick(0, MIDNIGHT), readings_record(1, 5), tick(2, MIDNIGHT + 300, 3), tick(3, MIDNIGHT + 600)):
        warehouse.accept(record)
    warehouse.accept(replace(tick(3, MIDNIGHT + 600), offset=9))
    warehouse.flush()
    columns = "origin_topic, origin_partition, origin_offset, toUnixTimestamp(time), lateness_secs"
    found = rows(warehouse, f"SELECT {columns} FROM log_times ORDER BY origin_offset")
    assert found == [(LOG, 0, 0, MIDNIGHT, 1800), (LOG, 0, 2, MIDNIGHT + 300, 1800), (LOG, 0, 3, MIDNIGHT + 600, 1800)]
    assert rows(warehouse, "SELECT count() FROM readings") == [(8,)]


def test_a_row_had_arrived_by_the_first_tick_behind_it(warehouse: ClickHouseSink) -> None:
    later, latest = (readings_record(at, 1, start=MIDNIGHT + 900 * at) for at in (2, 4))
    records = [readings_record(0, 1), tick(1, MIDNIGHT + 300), later, tick(3, MIDNIGHT + 600), latest]
    for record in records:
        warehouse.accept(record)
    warehouse.flush()
    found = rows(
        warehouse, "SELECT toUnixTimestamp(interval_start), toUnixTimestamp(arrived_by) FROM arrivals ORDER BY 1"
    )
    assert found == [(MIDNIGHT, MIDNIGHT + 300), (MIDNIGHT + 1800, MIDNIGHT + 600), (MIDNIGHT + 3600, None)]


def test_a_promise_gets_a_number_only_when_it_is_another(config: ClickHouseConfig) -> None:
    changed = config.model_copy(update={"sla": (Promise(hours=12, percent=90),)})
    for options in (config, config, changed, changed):
        sink = ClickHouseSink(options)
        sink.open()
        sink.close()
    sink = ClickHouseSink(changed)
    sink.open()
    try:
        assert rows(sink, "SELECT number, hours, percent FROM sla ORDER BY number, hours") == [
            (1, 8, 95.0), (1, 24, 99.9), (2, 12, 90.0),
        ]  # fmt: skip
        assert rows(sink, "SELECT hours, percent FROM sla_latest") == [(12, 90.0)]
    finally:
        sink.close()


def test_views_have_the_columns_that_are_documented(warehouse: ClickHouseSink) -> None:
    for view in HYGIENE_VIEWS:
        names = [row[0] for row in rows(warehouse, f"DESCRIBE {view.name}")]
        assert sorted(names) == sorted(name for name, _ in view.columns), view.name


def event(offset: int, name: str, edge: str, at: int, *, drift: int = 0, point: int = 1, **values: Any) -> Any:
    values = {"source": "PIPELINE", "device": f"{point:016X}", **values}
    return plain_record("Event", offset, service_point=point, name=name, edge=edge, received_at=MIDNIGHT + at,
                        time=MIDNIGHT + at + drift, **values)  # fmt: skip


def test_an_outage_is_confirmed_by_a_last_gasp_and_the_first_breath_that_follows(warehouse: ClickHouseSink) -> None:
    alerts = [("last gasp", 100), ("last gasp", 500), ("first breath", 900), ("first breath", 950), ("last gasp", 2000)]
    for offset, (name, at) in enumerate(alerts):
        warehouse.accept(event(offset, name, "OCCURRED", at, source="ESW"))
    warehouse.accept(event(9, "first breath", "OCCURRED", 2500, point=2, source="ESW"))
    warehouse.flush()
    found = rows(warehouse, "SELECT service_point, toUnixTimestamp(began_at), toUnixTimestamp(ended_at) FROM outages")
    assert found == [(1, MIDNIGHT + 500, MIDNIGHT + 900)]


def test_a_clock_is_off_from_its_finding_until_it_is_found_right(warehouse: ClickHouseSink) -> None:
    for offset, one in enumerate([
        ("meter clock ahead", "OCCURRED", 1000, 400, 1), ("meter clock ahead", "RESTORED", 9000, 0, 1),
        ("meter clock ahead", "OCCURRED", 20_000, 700, 1), ("meter clock behind", "OCCURRED", 3000, -900, 2),
        ("magnetic influence", "OCCURRED", 50, 0, 3),
    ]):  # fmt: skip
        name, edge, at, drift, point = one
        warehouse.accept(event(offset, name, edge, at, drift=drift, point=point))
    warehouse.flush()
    found = rows(warehouse, "SELECT service_point, name, toUnixTimestamp(since), drift_secs, toUnixTimestamp(until) "
                 "FROM clocks ORDER BY since")  # fmt: skip
    assert found == [
        (1, "meter clock ahead", MIDNIGHT + 1000, 400, MIDNIGHT + 9000),
        (2, "meter clock behind", MIDNIGHT + 3000, -900, None),
        (1, "meter clock ahead", MIDNIGHT + 20_000, 700, None),
    ]
