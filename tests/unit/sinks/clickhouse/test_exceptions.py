"""Exceptions of two stages in one table: none is taken for a copy of the other's, and both are counted by rule."""

from __future__ import annotations

from typing import Any

from sinks.clickhouse.sink import ClickHouseSink
from sinks.records import Record
from tests.builders_readings import MIDNIGHT, plain_record


def exception(offset: int, stage: str, rule: str, **values: Any) -> Record:
    """The first exception that a stage made of an origin."""
    own = {"severity": "INFORMATION", "state": "OPEN", "period_start": MIDNIGHT, "wh_at_stake": 2_000} | values
    return plain_record("ReadingException", offset, 0, stage=stage, rule=rule, revision=offset << 20, **own)


def test_what_two_stages_made_of_one_record_is_all_there_and_counted(warehouse: ClickHouseSink) -> None:
    told = [
        exception(3, "usage", "V17", service_point=1, paise_at_stake=1_400),
        exception(3, "exceptions", "V23", service_point=1, position=4),
        exception(3, "usage", "V17", service_point=1, position=5),
        exception(4, "usage", "V17", service_point=2, paise_at_stake=600, position=6),
        exception(5, "exceptions", "V23", service_point=1, state="CLOSED", position=7),
    ]
    assert [warehouse.accept(record) for record in told] == [1, 1, 0, 1, 1], "the third is a copy of the first"
    warehouse.flush()
    query = "SELECT stage, rule, state, exceptions, service_points, kwh, rupees FROM exceptions_by_rule ORDER BY rule"
    found = [tuple(row) for row in warehouse.client.query(query).result_rows]
    assert found[0] == ("usage", "V17", "OPEN", 2, 2, 4.0, 20.0)
    assert [row[:5] for row in found[1:]] == [("exceptions", "V23", "CLOSED", 1, 1)]
