"""Rejects as the warehouse has them: the same names, the same octets, the same choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.rejects.sources import from_warehouse
from connectors.kept.rejected import Choice
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.read import read_record
from sinks.records import Record
from tests.builders_readings import CONTRACTS
from tests.unit.connectors.test_kept import reject

BEGIN = 1_751_350_000


@pytest.fixture
def config(tmp_path: Path) -> Iterator[ClickHouseConfig]:
    """A warehouse with rejects of three devices, one of them a row of VEE's, and one of a connector."""
    made = ClickHouseConfig(dsn=f"chdb://{tmp_path}/warehouse")
    sink = ClickHouseSink(made)
    sink.open()
    try:
        for number in (1, 2, 3):
            time = BEGIN + 5 if number == 3 else None
            one = reject(number, offset=number, received_at=BEGIN + number, times=number, time=time)
            sink.accept(in_topic(dict(one.record), number))
        sink.accept(in_topic({**dict(reject(4, "FRAME_TOO_LONG").record), **NOWHERE}, 9))
        sink.flush()
        yield made
    finally:
        sink.close()


NOWHERE = {"stage": "connector", "source_topic_id": "", "source_partition": -1, "source_offset": -1}


def in_topic(fields: dict[str, Any], offset: int) -> Record:
    return read_record(CONTRACTS, "Reject", "rejects", 0, offset, CONTRACTS.encode("Reject", fields))


def test_they_have_the_names_octets_and_marks_that_they_have_in_their_topic(config: ClickHouseConfig) -> None:
    found = {one.name: one for one in from_warehouse(config, Choice(), 10)}
    assert set(found) == {"decode-2-1-0", "decode-2-2-0", "decode-2-3-0", "connector@0-9"}
    for number in (1, 2, 3):
        one, given = found[f"decode-2-{number}-0"], reject(number, offset=number, times=number)
        assert (one.raw, one.device, one.times, one.code, one.frame) == (
            given.raw, given.device, number, "KEY_UNKNOWN", given.frame,
        )  # fmt: skip
        assert one.record["received_at"] == BEGIN + number
        assert one.record["time"] == (BEGIN + 5 if number == 3 else None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(since=BEGIN + 2), {2, 3}),
        (Choice(since=BEGIN + 2, until=BEGIN + 3), {2}),
        (Choice(codes=frozenset({"FRAME_TOO_LONG"})), {4}),
        (Choice(devices=frozenset({reject(1).device})), {1}),
        (Choice(points=frozenset({1, 3}), stages=frozenset({"decode"})), {1, 3}),
        (Choice(names=frozenset({"decode-2-2-0"})), {2}),
        (Choice(origins=frozenset({("frames", 7)})), set()),
    ],
)
def test_a_choice_is_the_same_there(config: ClickHouseConfig, choice: Choice, expected: set[int]) -> None:
    assert {one.record["service_point"] for one in from_warehouse(config, choice, 10)} == expected


def test_the_newest_come_first_and_no_more_than_asked_for(config: ClickHouseConfig) -> None:
    assert [one.record["service_point"] for one in from_warehouse(config, Choice(), 2)] == [3, 2]
