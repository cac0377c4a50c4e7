"""What the cold lane reads of a real warehouse is what was written to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.cold.history import AROUND
from cli.cold import around_from, brought_by, history_of
from connectors.cold.connector import Request
from pipeline.codes import Quality
from sinks.clickhouse.cold_history import ask, ask_around
from sinks.clickhouse.sink import ClickHouseSink
from tests.builders_readings import MIDNIGHT, plain_record, readings_record

DAY = 86_400
SPAN = (MIDNIGHT - DAY, MIDNIGHT + DAY)


@dataclass
class Open:
    """A reader of the warehouse that this test has open."""

    sink: ClickHouseSink

    def ask(self, statement: str, fmt: str | None) -> bytes:
        answer: bytes = self.sink.client.raw_query(statement, fmt=fmt)
        return answer


def filled(warehouse: ClickHouseSink) -> Any:
    warehouse.accept(readings_record(0, 3, days=3))
    warehouse.accept(readings_record(1, 3))
    warehouse.accept(readings_record(2, 1, days=1, start=MIDNIGHT + 9 * DAY))
    request = {"service_point": 2, "device": "00000000000000FF", "day_start": MIDNIGHT, "statements": []}
    warehouse.accept(plain_record("ColdRequest", 5, **request))
    warehouse.accept(plain_record("ColdRequest", 5, position=6, **request))
    said = {"kind": 1, "number": 2**40, "said_at": MIDNIGHT, "start": MIDNIGHT + 1800, "secs": 1800, "present": 5,
            "wh_imp": 7, "vah_imp": 0, "wh_exp": 9, "vah_exp": 0}  # fmt: skip
    told = {**request, "rows": [], "statements": [said, {**said, "start": MIDNIGHT, "kind": 2}]}
    warehouse.accept(plain_record("ColdRequest", 7, **told))
    warehouse.accept(plain_record("ColdRequest", 8, **{**told, "service_point": 3}))
    for revision in (1, 2):
        warehouse.accept(
            plain_record(
                "Determinant", 6 + revision, service_point=2, period_start=MIDNIGHT, kind="MONTH", revision=revision,
                wh_imp=100 * revision, zones=[{"zone": "A", "wh": 60}, {"zone": "B", "wh": 40}], demand_w=None,
                demand_start=None,
                registers=[
                    {"channel": name, "opening": 5, "closing": None, "source": "INTERVALS"}
                    for name in ("wh_imp", "vah_imp", "wh_exp", "vah_exp")
                ],
            )
        )  # fmt: skip
    warehouse.flush()
    return history_of(ask(Open(warehouse), [1, 2], SPAN, SPAN))  # type: ignore[arg-type]


def test_readings_of_all_revisions_and_the_last_settlements_are_read(warehouse: ClickHouseSink) -> None:
    history = filled(warehouse)
    assert history.begin == MIDNIGHT
    assert sorted(history.readings["service_point"].tolist()) == [1, 1, 2, 2]
    assert set(history.readings["start"].tolist()) == {MIDNIGHT}
    assert all(int(word) & 15 == Quality.ACTUAL for word in history.readings["quality"].tolist())
    assert sorted(history.days["service_point"].tolist()) == [1, 2]
    assert history.days["opening"].tolist() == [[1000] * 4] * 2
    assert history.days["counts"].tolist() == [[47, 1, 0, 0]] * 2
    assert history.days["demand_start"].tolist() == [[MIDNIGHT] * 2] * 2


def test_requests_and_the_last_determinants_are_read(warehouse: ClickHouseSink) -> None:
    history = filled(warehouse)
    assert (len(history.requests), int(history.requests["device"][0])) == (1, 255)
    assert history.requests[["service_point", "partition", "offset"]].tolist() == [(2, 0, 5)]
    record = {"service_point": 2, "source_partition": 0, "source_offset": 5}
    assert brought_by(history.requests, [Request(0, 11, record)]).tolist() == [True]
    assert brought_by(history.requests, [Request(0, 11, {**record, "source_offset": 4})]).tolist() == [False]
    (bill,) = history.bills
    assert (bill["revision"], bill["month"], bill["energy"][0], bill["known"]) == (2, 1, 200, 1)
    assert (bill["zones"].tolist(), bill["demand_start"][0], bill["opening"].tolist()) == (
        [60, 40, 0, 0, 0],
        0,
        [5] * 4,
    )


def test_what_is_said_of_days_is_read(warehouse: ClickHouseSink) -> None:
    said = np.sort(filled(warehouse).said, order="start")
    names = ["service_point", "kind", "number", "start", "secs", "present", "partition", "offset"]
    assert said[names].tolist() == [
        (2, 2, 2**40, MIDNIGHT, 1800, 5, 0, 7), (2, 1, 2**40, MIDNIGHT + 1800, 1800, 5, 0, 7),
    ]  # fmt: skip
    assert said["energy"].tolist() == [[7, 0, 9, 0]] * 2
    record = {"service_point": 2, "source_partition": 0, "source_offset": 7}
    assert brought_by(said, [Request(0, 12, record)]).tolist() == [True, True]


def test_a_warehouse_without_anything_gives_nothing(warehouse: ClickHouseSink) -> None:
    history = history_of(ask(Open(warehouse), [1], SPAN, SPAN))  # type: ignore[arg-type]
    tables = (history.readings, history.requests, history.days, history.bills, history.said)
    assert [len(table) for table in tables] == [0] * 5


def fact(warehouse: ClickHouseSink, position: int, kind: str, id: str, **values: Any) -> None:
    record = {
        "id": id, "kind": kind, "revision": 1, "service_point": 0, "node": 0, "place": "", "from_time": MIDNIGHT,
        "until_time": MIDNIGHT + 1800, "confirmed": True, "temperature": None, "channel": "", "energy": None,
        "neighbours": [],
    }  # fmt: skip
    warehouse.accept(plain_record("Fact", position, **{**record, **values}))


def test_facts_and_good_readings_around_are_read(warehouse: ClickHouseSink) -> None:
    warehouse.accept(readings_record(0, 3))
    warehouse.accept(readings_record(1, 3))
    fact(warehouse, 2, "CHECK", "c1", service_point=1, channel="vah_imp", energy=70)
    fact(warehouse, 3, "CHECK", "c1", service_point=1, channel="vah_imp", energy=75, revision=2)
    fact(warehouse, 4, "CHECK", "c2", service_point=1, channel="wh_imp", energy=60, from_time=MIDNIGHT + 90 * DAY)
    fact(warehouse, 5, "CHECK", "c3", service_point=9, channel="wh_imp", energy=60)
    fact(warehouse, 6, "TEMPERATURE", "t1", node=7, temperature=251)
    fact(warehouse, 7, "TEMPERATURE", "t2", place="O'Hare", temperature=-12)
    fact(warehouse, 8, "TEMPERATURE", "t3", place="elsewhere", temperature=300)
    fact(warehouse, 9, "NEIGHBOURS", "n1", service_point=1, from_time=0, until_time=None,
         neighbours=[{"service_point": 2}, {"service_point": 3}])  # fmt: skip
    warehouse.flush()
    found = around_from(ask_around(Open(warehouse), [1], [7], "O'Hare", SPAN))  # type: ignore[arg-type]
    assert found.checks.tolist() == [(1, 1, MIDNIGHT, MIDNIGHT + 1800, 75)]
    assert sorted(found.temperatures.tolist()) == [(0, 0, MIDNIGHT, -12), (0, 7, MIDNIGHT, 251)]
    assert sorted(found.neighbours.tolist()) == [(1, 2, 0, 0), (1, 3, 0, 0)]
    history = history_of(ask(Open(warehouse), [1, 2, 3], SPAN, SPAN))  # type: ignore[arg-type]
    newest = history.latest()
    assert sorted(found.readings["service_point"].tolist()) == [1, 2, 3]
    for row in found.readings:
        one = newest[int(row["service_point"]), int(row["start"])]
        assert [row[name].tolist() for name in AROUND.names or ()] == [
            one[name].tolist() for name in AROUND.names or ()
        ]


def test_without_nodes_place_and_facts_there_are_readings_alone(warehouse: ClickHouseSink) -> None:
    warehouse.accept(readings_record(0, 2))
    warehouse.flush()
    found = around_from(ask_around(Open(warehouse), [2], [], "", SPAN))  # type: ignore[arg-type]
    assert found.readings["service_point"].tolist() == [2]
    assert (len(found.checks), len(found.temperatures), len(found.neighbours)) == (0, 0, 0)
