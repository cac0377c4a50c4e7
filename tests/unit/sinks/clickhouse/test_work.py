"""What people do, in the warehouse: how edits stand, what was there before and is now, what is open in the queue."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.codes import Method, Quality
from sinks.clickhouse.sink import ClickHouseSink
from sinks.clickhouse.views import PROFILE_VALUES
from sinks.clickhouse.work_views import WORK_VIEWS
from sinks.read import read_record
from tests.builders_readings import MIDNIGHT, plain_record, quality_word, readings_record
from tests.unit.connectors.edits_log import CONTRACTS, interval, record


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def write(sink: ClickHouseSink, schema: str, topic: str, said: list[dict[str, Any]], begin: int = 0) -> None:
    for place, one in enumerate(said, begin):
        sink.accept(read_record(CONTRACTS, schema, topic, 0, place, CONTRACTS.encode(schema, one)))


def answer(event: str, answers: int, **said: Any) -> dict[str, Any]:
    return record(event=event, answers=answers, author="people", **said)


def reading(sink: ClickHouseSink, offset: int, wh_imp: int, quality: Quality, method: Method = Method.NONE) -> None:
    made = readings_record(offset, 1, first_point=7)
    batch: Any = made.value
    batch.energy[0, 0], batch.method[0] = wh_imp, method
    batch.quality = np.array([quality_word({0: quality})], "<u8")
    sink.accept(made)


def test_the_views_have_the_columns_that_are_documented(warehouse: ClickHouseSink) -> None:
    for view in (*WORK_VIEWS, PROFILE_VALUES):
        found = [row[0] for row in rows(warehouse, f"DESCRIBE TABLE {view.name}")]
        assert found == [name for name, _ in view.columns], view.name


def test_an_edit_stands_as_its_last_answer_says(warehouse: ClickHouseSink) -> None:
    events = [
        record(intervals=[interval(MIDNIGHT, wh_imp=5)], why="card 12"),
        answer("WAITING", 1),
        record(event="APPROVED"),
        answer("REJECTED", 3, code="SAME_PERSON"),
        record(event="APPROVED", author="ravi"),
        answer("IN_FORCE", 5),
        record(id="e2", intervals=[interval(MIDNIGHT, wh_imp=-5)]),
        answer("REJECTED", 7, id="e2", code="VALUE_NEGATIVE", detail="negative"),
        record(id="e3", what="DISCARD", intervals=[interval(MIDNIGHT)]),
    ]
    write(warehouse, "Edit", "edits", events)
    warehouse.flush()
    columns = "id, state, approved_by, number, taken_back_by, code, length(intervals)"
    query = f"SELECT {columns} FROM edits_latest ORDER BY id"
    assert rows(warehouse, query) == [
        ("e1", "IN_FORCE", "ravi", 6, "", "", 1),
        ("e2", "REJECTED", "", 0, "", "VALUE_NEGATIVE", 1),
        ("e3", "PROPOSED", "", 0, "", "", 1),
    ]
    write(warehouse, "Edit", "edits", [record(event="UNDONE", author="mei"), answer("TAKEN_BACK", 10)], len(events))
    warehouse.flush()
    (row,) = rows(warehouse, "SELECT state, number, taken_back_by, why, author FROM edits_latest WHERE id = 'e1'")
    assert row == ("TAKEN_BACK", 6, "mei", "card 12", "asha")


def test_the_audit_says_what_was_there_and_what_is(warehouse: ClickHouseSink) -> None:
    reading(warehouse, 1, 300, Quality.SUSPECT)
    reading(warehouse, 2, 280, Quality.ESTIMATED, Method.LINEAR)
    reading(warehouse, 3, 420, Quality.MANUAL, Method.AGREED)
    rows_of_edit = [interval(MIDNIGHT, wh_imp=420), interval(MIDNIGHT + 1800, vah_imp=1)]
    write(warehouse, "Edit", "edits", [record(intervals=rows_of_edit), answer("IN_FORCE", 1)])
    warehouse.flush()
    query = (
        "SELECT toUnixTimestamp(interval_start), state, author, wh_imp_said, vah_imp_said, wh_imp_before, wh_imp_now, "
        "quality_before, quality_now, revisions FROM edits_audit ORDER BY interval_start"
    )
    assert rows(warehouse, query) == [
        (MIDNIGHT, "IN_FORCE", "asha", 420, None, 280, 420, "ESTIMATED", "MANUAL", 3),
        (MIDNIGHT + 1800, "IN_FORCE", "asha", None, 1, 0, 0, "ABSENT", "ABSENT", 0),
    ]


def test_the_queue_has_what_is_open_and_nobody_is_done_with(warehouse: ClickHouseSink) -> None:
    for place, (rule, state) in enumerate([("V01", "OPEN"), ("V12", "OPEN"), ("V15", "OPEN"), ("V30", "CLOSED")]):
        warehouse.accept(plain_record("ReadingException", place, rule=rule, state=state, service_point=7,
                                      period_start=MIDNIGHT, paise_at_stake=100 * place, revision=1))  # fmt: skip
    work = {"service_point": 7, "period_start": MIDNIGHT, "owner": "", "note": "", "edit": "", "author": "mei", "at": 9}
    write(warehouse, "ExceptionWork", "exception-work", [
        work | {"rule": "V12", "work": "TAKEN", "owner": "mei"},
        work | {"rule": "V15", "work": "ACCEPTED", "edit": "e1"},
    ])  # fmt: skip
    write(warehouse, "Edit", "edits", [record(intervals=[interval(MIDNIGHT, wh_imp=5)]), answer("WAITING", 1)])
    warehouse.flush()
    query = "SELECT rule, rupees, work, owner, edit_state FROM exceptions_open ORDER BY rule"
    assert rows(warehouse, query) == [("V01", 0, "OPEN", "", ""), ("V12", 1, "TAKEN", "mei", "")]
    # What was accepted comes back when the edit that says so is refused.
    refused = [record(event="REFUSED", author="ravi"), answer("CLOSED", 3)]
    write(warehouse, "Edit", "edits", refused, 2)
    warehouse.flush()
    assert rows(warehouse, query)[2] == ("V15", 2, "ACCEPTED", "", "CLOSED")
