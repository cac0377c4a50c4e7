"""A billing profile, a nameplate and an event log that meters push: what an analyst finds in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.origins import Origins
from sinks.read import read_record
from tests.builders_frames import DEVICE, NOON, POINT, datum, references, sealed, stamp
from tests.scenarios import world
from tests.unit.agents.decode.test_profile_rows import BILLING, DATE, PLATE, THREE_PHASE, columns, pushed

VOLTAGE = [datum(18, 7), datum(23, 5.5), datum(18, 2715), datum(16, -987), datum(23, 12.5), datum(6, 0), datum(6, 3)]
TOPICS = ("events", "profile-rows", "rejects")


def log_row(minute: int) -> bytes:
    return datum(2, [datum(9, stamp((2025, 7, 1, 11, minute, 0))), *VOLTAGE])


FRAMES = [
    pushed(103, DATE, *columns("three-phase billing", THREE_PHASE)),
    pushed(104, datum(9, stamp()), *PLATE),
    # A log is pushed whole, then again with one entry more.
    pushed(120, datum(1, [log_row(5)])),
    pushed(120, datum(1, [log_row(5), log_row(9)])),
]


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Iterator[ClickHouseSink]:
    driver = world.driver(folder)
    known = references()
    driver.put_in_force(registry=known.registry, keys=known.keys)
    driver.tick(NOON - 3600)
    for number, apdu in enumerate(FRAMES, 1):
        driver.frame(sealed(apdu, number), NOON + number)
    driver.tick(NOON + 300)
    with closing(ClickHouseSink(ClickHouseConfig(dsn=f"chdb://{folder}/profile-rows"))) as sink:
        sink.open()
        for topic in TOPICS:
            schema = driver.plan.topics[topic].schema
            assert schema is not None
            for one in driver.bytes_of(topic):
                if one.offset == 0:
                    sink.blocks.assign(topic, one.partition, 0, Origins(), log="profiles")
                sink.accept(read_record(driver.contracts, schema, topic, one.partition, one.offset, one.value))
            sink.flush()
        yield sink


def ask(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def test_nothing_of_it_is_refused(warehouse: ClickHouseSink) -> None:
    assert ask(warehouse, "SELECT code, detail FROM rejects") == []


def test_registers_and_maxima_by_zone_are_asked_for_by_their_codes(warehouse: ClickHouseSink) -> None:
    found = ask(
        warehouse,
        "SELECT obis, attribute, number, unit, toUnixTimestamp(value_time) FROM profile_values "
        f"WHERE service_point = {POINT} AND profile = '{BILLING}' AND day = '2025-07-01' AND obis LIKE '1.0.1.%' "
        "ORDER BY obis, attribute",
    )
    assert found == [
        ("1.0.1.6.3.255", 2, 2250.0, "W", None), ("1.0.1.6.3.255", 5, None, "", 1_749_474_000),
        ("1.0.1.8.0.255", 2, 1_234_500.0, "Wh", None), ("1.0.1.8.1.255", 2, 1_000_125.0, "Wh", None),
        ("1.0.1.8.2.255", 2, 234_375.0, "Wh", None),
    ]  # fmt: skip


def test_a_nameplate_is_texts_of_a_device(warehouse: ClickHouseSink) -> None:
    found = ask(warehouse, f"SELECT obis, text FROM profile_values WHERE device = '{DEVICE:016X}' AND text != ''")
    assert dict(found) == {
        "0.0.96.1.0.255": "SERIAL01", "0.0.96.1.2.255": "DEVICE01", "0.0.96.1.1.255": "MAKER", "1.0.0.2.0.255": "V1.2",
        "0.0.94.91.11.255": "D1", "0.0.94.91.12.255": "(10-60) A",
    }  # fmt: skip


def test_values_at_an_event_join_it_and_a_row_that_came_twice_is_seen_once(warehouse: ClickHouseSink) -> None:
    assert ask(warehouse, "SELECT count() FROM profile_rows WHERE profile LIKE '0.0.99.98.%'") == [(3,)]
    found = ask(
        warehouse,
        "SELECT DISTINCT toUnixTimestamp(e.time), e.name, v.value, v.unit FROM events AS e "
        "JOIN profile_values AS v ON v.device = e.device AND v.time = e.time AND v.code = e.code "
        "WHERE v.obis = '1.0.12.7.0.255' ORDER BY e.time",
    )
    over = "over-voltage, occurred"
    assert found == [(NOON - 3300, over, "271.5", "V"), (NOON - 3060, over, "271.5", "V")]
