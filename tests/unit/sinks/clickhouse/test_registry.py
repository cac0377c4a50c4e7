"""Master data beside the readings: the newest version of the registry is in force, older ones stay to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.codes import Level, Role
from pipeline.reference import FOREVER, Registry
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import readings_record

FEEDER, DT = 11, 21


def registry(points: list[int]) -> Registry:
    """Consumers at `points`, each with a device of the same number, on one transformer of one feeder."""
    sizes = {"link": len(points), "point": len(points), "node": 2}
    arrays: dict[str, Any] = {column.name: column.empty(sizes[column.section]) for column in Registry.COLUMNS}
    for name in ("device", "service_point", "point", "account"):
        arrays[name][:] = points
    for name in ("valid_to", "point_to"):
        arrays[name][:] = FOREVER
    arrays["role"][:] = Role.CONSUMER
    arrays["dt"][:], arrays["feeder"][:] = DT, FEEDER
    arrays["node"][:] = FEEDER, DT
    arrays["node_level"][:] = Level.FEEDER, Level.DT
    arrays["node_parent"][:] = 0, FEEDER
    arrays["node_name"][:] = b"Feeder 1", "DT Göteborg".encode()
    return Registry(**{name: np.asarray(array) for name, array in arrays.items()})


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def test_a_day_over_a_feeder_can_be_asked_for(warehouse: ClickHouseSink) -> None:
    warehouse.take_registry("a" * 64, registry([1, 2, 3]))
    warehouse.accept(readings_record(0, 10))
    warehouse.flush()
    question = (
        "SELECT service_point FROM readings_latest WHERE day = '2026-01-01' AND service_point IN "
        "(SELECT service_point FROM service_points_latest WHERE feeder = 11) ORDER BY service_point"
    )
    assert rows(warehouse, question) == [(1,), (2,), (3,)]


def test_names_levels_roles_and_validities_are_spelled(warehouse: ClickHouseSink) -> None:
    warehouse.take_registry("a" * 64, registry([7]))
    assert rows(warehouse, "SELECT node, level, parent, name FROM nodes_latest ORDER BY node") == [
        (FEEDER, "FEEDER", 0, "Feeder 1"),
        (DT, "DT", FEEDER, "DT Göteborg"),
    ]
    question = "SELECT role, account, toYear(valid_to), version FROM service_points_latest"
    assert rows(warehouse, question) == [("CONSUMER", 7, 2106, "a" * 64)]
    assert rows(warehouse, "SELECT system_title, service_point FROM devices_latest") == [("0000000000000007", 7)]


def test_what_a_newer_version_no_longer_has_is_not_in_force(warehouse: ClickHouseSink) -> None:
    warehouse.take_registry("a" * 64, registry([1, 2, 3]))
    warehouse.take_registry("b" * 64, registry([2, 3, 4]))
    assert rows(warehouse, "SELECT service_point FROM service_points_latest ORDER BY 1") == [(2,), (3,), (4,)]
    warehouse.take_registry("a" * 64, registry([1, 2, 3]))
    assert rows(warehouse, "SELECT service_point FROM service_points_latest ORDER BY 1") == [(1,), (2,), (3,)]
    assert rows(warehouse, "SELECT max(registry) FROM service_points") == [(3,)]


def test_the_version_in_force_is_written_once(warehouse: ClickHouseSink) -> None:
    for _ in range(3):
        warehouse.take_registry("a" * 64, registry([1, 2]))
    assert rows(warehouse, "SELECT count(), max(registry) FROM service_points") == [(2, 1)]


def test_a_version_that_a_crash_cut_short_is_written_whole_the_next_time(
    warehouse: ClickHouseSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = warehouse.client.raw_insert

    def dying(table: str, *args: Any, **options: Any) -> Any:
        if table == "devices":
            raise KeyboardInterrupt
        return insert(table, *args, **options)

    monkeypatch.setattr(warehouse.client, "raw_insert", dying)
    with pytest.raises(KeyboardInterrupt):
        warehouse.take_registry("a" * 64, registry([1, 2]))
    monkeypatch.undo()
    warehouse.take_registry("a" * 64, registry([1, 2]))
    counts = "SELECT (SELECT count() FROM nodes), (SELECT count() FROM devices), (SELECT count() FROM service_points)"
    assert rows(warehouse, counts) == [(2, 2, 2)]
