"""What the tables say: every value comes back as it went in, codes have their names, the newest revision is found."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import READING_RULES, REJECT_CODES, Flag, Kind, Method, Quality
from pipeline.errors import KvarnError
from sinks.clickhouse.packed_tables import PACKED_TABLES
from sinks.clickhouse.sink import ClickHouseSink
from sinks.origins import Origins
from tests.builders_readings import MIDNIGHT, plain_record, plain_values, quality_word, readings_record


def rows(sink: ClickHouseSink, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sink.client.query(query).result_rows]


def column(sink: ClickHouseSink, name: str, table: str, order: str) -> list[Any]:
    kind = sink.client.query(f"SELECT toTypeName({name}) FROM {table} LIMIT 1").result_rows[0][0]
    # Times as seconds and codes as numbers: what was inserted, not what is shown.
    shown = f"toInt64({name})" if "DateTime" in kind or "Enum" in kind else name
    return [row[0] for row in rows(sink, f"SELECT {shown} FROM {table} ORDER BY {order}")]


EXTREMES = {"i8": (-(2**62), 2**62), "i4": (-(2**31), 2**31 - 1), "u8": (1, 2**63), "u4": (0, 2**32 - 1)}


def fill(batch: Any, seed: int) -> None:
    """Random values up to the bounds of each column, in place of the builder's regular ones."""
    random = np.random.default_rng(seed)
    for name in ("energy", "reactive", "physical", "day_actual", "day_suspect", "day_demand", "snapshot_energy",
                 "snapshot_physical", "snapshot", "quality", "counter"):  # fmt: skip
        array = getattr(batch, name)
        low, high = EXTREMES[array.dtype.str[1:]]
        setattr(batch, name, random.integers(low, high, array.shape, dtype=array.dtype))
    batch.quality &= np.uint64(0x3333_3333_3333_3333)
    for item, field in enumerate(SNAPSHOT):
        if field.unit == "s":
            batch.snapshot[:, item] = random.integers(0, 2**32, len(batch.snapshot))
    batch.snapshot_present = random.integers(0, 2 ** len(SNAPSHOT), len(batch.snapshot), dtype="<u4")
    batch.snapshot_channels = random.integers(0, 2 ** len(CHANNELS), len(batch.snapshot), dtype="<u4")


@pytest.mark.parametrize("table", PACKED_TABLES, ids=lambda table: table.name)
def test_every_value_of_a_batch_comes_back_as_it_went_in(warehouse: ClickHouseSink, table: Any) -> None:
    records = [readings_record(offset, 40, days=30, snapshots=20, partition=3) for offset in range(3)]
    for record in records:
        fill(record.value, record.offset)
        warehouse.accept(record)
    warehouse.flush()
    key = table.stored[0].field
    for stored in table.stored:
        want: list[Any] = []
        for record in records:
            batch, origin = record.value, record.origin
            count = len(getattr(batch, key))
            if stored.field.startswith("origin."):
                assert origin is not None
                want += [getattr(origin, stored.field.removeprefix("origin."))] * count
                continue
            values = getattr(batch, stored.field)
            values = values if stored.item is None else values[:, stored.item]
            values = values.astype(np.uint64) if "UInt64" in stored.type else values
            missing = [
                bool(stored.present) and not int(word) >> stored.present_bit & 1
                for word in (getattr(batch, stored.present) if stored.present else np.zeros(count, "<u4"))
            ]
            want += [None if gone else value for value, gone in zip(values.tolist(), missing, strict=True)]
        have = column(warehouse, stored.name, table.name, "origin_offset, revision")
        assert have == want, stored.name


def test_every_field_of_a_plain_record_comes_back_as_it_went_in(warehouse: ClickHouseSink) -> None:
    record = plain_record(
        "Determinant", 5, account=2**40, supersedes=None, demand_start=None, tariff=None, total_paise=-7
    )
    warehouse.accept(record)
    warehouse.accept(plain_record("Reject", 6, raw=bytes(range(256)), time=None, code="POISON"))
    warehouse.flush()
    times = "period_start, period_end, demand_va_start, quantities"
    found = warehouse.client.query(f"SELECT * EXCEPT ({times}) FROM determinants")
    (row,) = found.named_results()
    (given,) = plain_values(record)
    assert row == {name: value for name, value in given.items() if name in row}
    assert len(row) == len(given) - 4
    items = rows(warehouse, "SELECT arrayJoin(quantities) AS one, toUnixTimestamp(one.at) FROM determinants")
    assert [{**item, "at": at} for item, at in items] == given["quantities"] != []
    assert rows(warehouse, "SELECT toUnixTimestamp(period_start) FROM determinants") == [(MIDNIGHT,)]
    assert rows(warehouse, "SELECT hex(raw), time, code FROM rejects") == [
        (bytes(range(256)).hex().upper(), None, "POISON")
    ]


def test_a_record_from_no_log_is_kept_apart_by_its_place_in_its_own_topic(warehouse: ClickHouseSink) -> None:
    values = {"source_topic_id": "", "source_partition": -1, "source_offset": -1, "source_index": 0}
    for position in (4, 5):
        assert warehouse.accept(plain_record("Reject", 0, position=position, **values)) == 1
    warehouse.accept(plain_record("Reject", 9, 2, position=6))
    warehouse.flush()
    warehouse.client.command("OPTIMIZE TABLE rejects FINAL")
    found = rows(warehouse, "SELECT source_offset, log_partition, log_offset FROM rejects ORDER BY ALL")
    assert found == [(-1, 0, 4), (-1, 0, 5), (9, -1, -1)]


def test_a_wild_clock_stands_at_the_bound_of_time_and_stops_nothing(warehouse: ClickHouseSink) -> None:
    record = readings_record(0, 1, snapshots=150)
    batch: Any = record.value
    batch.snapshot_time[:] = MIDNIGHT + np.arange(150) * 31 * 86_400  # more months than a block may usually reach
    batch.snapshot_time[0], batch.snapshot_time[1] = -5, 2**40
    warehouse.accept(record)
    warehouse.flush()
    assert rows(warehouse, "SELECT count(), min(toUnixTimestamp(time)), max(toUnixTimestamp(time)) FROM snapshots") == [
        (150, 0, 2**32 - 1)
    ]


def test_codes_in_the_warehouse_are_the_code_tables(warehouse: ClickHouseSink) -> None:
    def members(table: str, name: str) -> dict[str, int]:
        kind = warehouse.client.query(
            f"SELECT type FROM system.columns WHERE database = 'kvarn' AND table = '{table}' AND name = '{name}'"
        ).result_rows[0][0]
        return {symbol: int(number) for symbol, number in re.findall(r"'([^']+)' = (-?\d+)", kind)}

    assert members("readings", "method") == {code.name: code.value for code in Method}
    assert members("snapshots", "kind") == {code.name: code.value for code in Kind}
    assert members("rejects", "code") == {code.code: code.number for code in REJECT_CODES}
    for channel in CHANNELS:
        assert members("readings", f"{channel.name}_quality") == {code.name: code.value for code in Quality}


def test_qualities_rules_and_flags_are_spelled(warehouse: ClickHouseSink) -> None:
    record = readings_record(0, 1)
    batch: Any = record.value
    words = {number: Quality(number % 7) for number in range(len(CHANNELS))}
    batch.quality[0] = quality_word(words)
    batch.rules[0] = sum(1 << rule.bit for rule in READING_RULES)
    batch.flags[0] = int(Flag.PLAIN | Flag.CLOCK_INVALID)
    warehouse.accept(record)
    warehouse.flush()
    names = ", ".join(f"{channel.name}_quality" for channel in CHANNELS)
    (spelled,) = rows(warehouse, f"SELECT {names}, failed_rules, flag_names, system_title FROM readings")
    assert list(spelled[: len(CHANNELS)]) == [quality.name for quality in words.values()]
    assert spelled[len(CHANNELS)] == [rule.code for rule in READING_RULES]
    assert spelled[-2:] == (["clock_invalid", "plain"], "4B564E0000000001")


def test_bits_of_the_event_status_word_count_from_its_first_octet(warehouse: ClickHouseSink) -> None:
    record = readings_record(0, 1, snapshots=1)
    batch: Any = record.value
    names = [field.name for field in SNAPSHOT]
    word = bytes([0x80, 0x01]) + bytes(8) + bytes([0x04]) + bytes(5)
    batch.snapshot[0, names.index("esw_high")] = int.from_bytes(word[:8], "big", signed=True)
    batch.snapshot[0, names.index("esw_low")] = int.from_bytes(word[8:], "big", signed=True)
    batch.snapshot_present[0] = 2 ** len(names) - 1
    warehouse.accept(record)
    warehouse.flush()
    assert rows(warehouse, "SELECT esw_bits FROM snapshots") == [([0, 15, 85],)]


def test_the_latest_view_shows_the_newest_revision_and_the_table_keeps_them_all(warehouse: ClickHouseSink) -> None:
    for offset in (3, 4):
        warehouse.accept(readings_record(offset, 10, days=10))
    warehouse.accept(plain_record("Determinant", 3, revision=1, wh_imp=100))
    warehouse.accept(plain_record("Determinant", 4, revision=2, wh_imp=90, position=9))
    warehouse.flush()
    warehouse.client.command("OPTIMIZE TABLE readings FINAL")
    assert rows(warehouse, "SELECT count() FROM readings") == [(20,)]
    assert rows(warehouse, "SELECT count(), min(origin_offset) FROM readings_latest") == [(10, 4)]
    assert rows(warehouse, "SELECT count(), min(origin_offset) FROM days_latest") == [(10, 4)]
    assert rows(warehouse, "SELECT wh_imp FROM determinants_latest") == [(90,)]


def test_copies_that_come_in_another_block_collapse_by_the_key(warehouse: ClickHouseSink) -> None:
    for log in ("a", "b"):
        warehouse.blocks.assign(
            "readings", 0, 0, type(warehouse.blocks.cut([]) or None)() if False else Origins(), log=log
        )
        warehouse.accept(readings_record(1, 10))
        warehouse.flush()
    assert rows(warehouse, "SELECT count() FROM readings_latest") == [(10,)]
    warehouse.client.command("OPTIMIZE TABLE readings FINAL")
    assert rows(warehouse, "SELECT count() FROM readings") == [(10,)]


def test_a_crash_between_two_tables_of_a_block_is_made_good_by_writing_it_again(
    warehouse: ClickHouseSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.accept(readings_record(0, 10, days=4, snapshots=3))
    (block,) = warehouse.blocks.cut(warehouse.blocks.partitions())
    insert, seen = warehouse.client.raw_insert, []

    def dying(table: str, *args: Any, **options: Any) -> Any:
        seen.append(table)
        if table == "days":
            raise KeyboardInterrupt
        return insert(table, *args, **options)

    monkeypatch.setattr(warehouse.client, "raw_insert", dying)
    with pytest.raises(KeyboardInterrupt):
        warehouse.write(block)
    monkeypatch.undo()
    warehouse.write(block)
    counts = "SELECT (SELECT count() FROM readings), (SELECT count() FROM days), (SELECT count() FROM snapshots)"
    assert seen == ["readings", "days"]
    assert rows(warehouse, counts) == [(10, 4, 3)]


def test_the_same_offsets_of_another_log_are_another_block(warehouse: ClickHouseSink) -> None:
    for log, first_point in (("old", 1), ("new", 100)):
        warehouse.blocks.assign("readings", 0, 0, Origins(), log=log)
        warehouse.accept(readings_record(0, 5, first_point=first_point))
        warehouse.flush()
    assert rows(warehouse, "SELECT count() FROM readings") == [(10,)]


@pytest.mark.parametrize(
    "condition",
    [
        "day = '2026-01-02'",
        "service_point = 7 AND interval_start >= '2026-01-02 00:00:00' AND interval_start < '2026-01-03 00:00:00'",
        "service_point = 7 AND day BETWEEN '2026-01-02' AND '2026-01-03'",
    ],
)
def test_what_analysts_ask_for_reaches_the_order_key_through_the_view(
    warehouse: ClickHouseSink, condition: str
) -> None:
    for offset in range(40):
        warehouse.accept(readings_record(offset, 4_000, start=MIDNIGHT + offset * 86_400 // 2))
    warehouse.flush()
    warehouse.client.command("OPTIMIZE TABLE readings FINAL")
    plan = rows(warehouse, f"EXPLAIN indexes = 1 SELECT sum(wh_imp) FROM readings_latest WHERE {condition}")
    # One line an index, each beginning with what the one before left over.
    granules = [(int(read), int(of)) for row in plan for read, of in re.findall(r"Granules: (\d+)/(\d+)", row[0])]
    assert granules[0][1] >= 15
    assert granules[-1][0] <= 4


def test_a_block_that_the_warehouse_refused_can_be_written_once_it_takes_it(warehouse: ClickHouseSink) -> None:
    warehouse.accept(readings_record(0, 10))
    warehouse.client.command("RENAME TABLE readings TO away")
    with pytest.raises(KvarnError):
        warehouse.flush()
    warehouse.client.command("RENAME TABLE away TO readings")
    warehouse.accept(readings_record(1, 10))
    assert [part.last for block in warehouse.flush() for part in block.parts] == [0, 1]
    assert rows(warehouse, "SELECT count() FROM readings") == [(20,)]
