"""Native blocks of readings, read back by plain Python: they hold every row once, and runs in their table's order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import ReadingBatch
from pipeline.columns import empty
from pipeline.narrow import pack_narrow, unpack_narrow
from pipeline.step import Origin
from sinks.clickhouse.columns import TOPIC
from sinks.clickhouse.native import DTYPES, NativeBlock
from sinks.clickhouse.packed_block import Source, packed_block
from sinks.clickhouse.packed_tables import READINGS
from sinks.clickhouse.runs import LEAST_ROWS

OFFSET, STEP, DAY = 19_800, 1800, 86_400
MIDNIGHT = 1_751_328_000 - OFFSET
CODES = {"<u1": "B", "<u2": "H", "<u4": "I", "<u8": "Q", "<i1": "b", "<i4": "i", "<i8": "q"}


def varint(raw: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (raw[place] & 127) << shift
        shift, place = shift + 7, place + 1
        if raw[place - 1] < 128:
            return number, place


def read_text(raw: bytes, place: int) -> tuple[str, int]:
    length, place = varint(raw, place)
    return raw[place : place + length].decode(), place + length


def columns_of(block: NativeBlock) -> dict[str, list[Any]]:
    """Columns by name, by the format's words and no code of the sink's; what is left out is not there."""
    raw = b"".join(bytes(piece) for piece in block.pieces)
    count, place = varint(raw, 0)
    rows, place = varint(raw, place)
    assert rows == block.rows
    found: dict[str, list[Any]] = {}
    for _ in range(count):
        name, place = read_text(raw, place)
        kind, place = read_text(raw, place)
        if kind == TOPIC:
            place += 16
            values = []
            listed, place = int.from_bytes(raw[place : place + 8], "little"), place + 8
            for _ in range(listed):
                value, place = read_text(raw, place)
                values.append(value)
            place += 8
            found[name], place = [values[item] for item in raw[place : place + rows]], place + rows
            continue
        code = "<i1" if kind.startswith("Enum8") else DTYPES[kind]
        size = int(code[2:])
        found[name] = memoryview(raw[place : place + rows * size]).cast(CODES[code]).tolist()
        place += rows * size
    assert place == len(raw)
    return found


@st.composite
def sources(draw: st.DrawFn) -> list[Source]:
    """Records of frames with 1 to 60 intervals each, of few service points, so that they meet."""
    made = []
    for offset in range(draw(st.integers(1, 3))):
        point, start = [], []
        for _ in range(draw(st.integers(0, 4))):
            first, length = draw(st.integers(0, 60)), draw(st.integers(1, 60))
            point += [draw(st.integers(1, 4)) + (2**33 if draw(st.booleans()) else 0)] * length
            start += [MIDNIGHT + (first + item) * STEP for item in range(length)]
        rows, chance = len(point), np.random.default_rng(draw(st.integers(0, 99)))
        batch = empty(ReadingBatch)
        for column in ReadingBatch.COLUMNS:
            if column.section == "reading":
                setattr(batch, column.name, column.empty(rows))
        batch.service_point, batch.interval_start = np.array(point, np.uint64), np.array(start, np.int64)
        batch.revision = np.arange(rows, dtype=np.uint64) + np.uint64(offset << 20)
        batch.interval_secs = np.full(rows, STEP, np.uint32)
        batch.frame = np.array(chance.integers(-1, 300, rows), np.int32)
        batch.energy[:, 0] = chance.integers(-5, draw(st.sampled_from([2, 300, 70_000, 2**40])), rows)
        batch.physical[:, 2] = chance.integers(0, 250_000, rows)
        origin = Origin(draw(st.sampled_from(["one", "other"])), draw(st.integers(0, 2)), offset)
        made.append((origin, unpack_narrow(ReadingBatch, pack_narrow(batch), aligned=draw(st.booleans()))))
    return made


def plain_rows(batches: list[Source]) -> list[dict[str, Any]]:
    rows = []
    for origin, batch in batches:
        for row in range(len(batch.service_point)):
            values: dict[str, Any] = {"origin_topic": origin.topic_id}
            for column in READINGS.stored:
                if column.field.startswith("origin."):
                    values[column.name] = getattr(origin, column.field.removeprefix("origin."))
                elif column.type != TOPIC:
                    value = getattr(batch, column.field)[row]
                    values[column.name] = int(value if column.item is None else value[column.item])
            rows.append(values)
    return rows


def key(row: dict[str, Any]) -> tuple[int, ...]:
    start = row["interval_start"]
    return (start + OFFSET) // DAY, row["service_point"], start, row["revision"]


@given(sources())
def test_a_block_holds_every_row_once_and_leaves_out_only_zeros(
    made: list[Source],
) -> None:
    block = packed_block(READINGS, made, OFFSET)
    found, expected = columns_of(block), plain_rows(made)
    assert block.rows == len(expected)
    names = [column.name for column in READINGS.stored]
    back = [{name: found[name][row] if name in found else 0 for name in names} for row in range(block.rows)]
    assert sorted(back, key=key) == sorted(expected, key=key)
    for name in set(names) - set(found):
        assert not any(row[name] for row in expected)


def day_of_points(points: list[int], intervals: int, offset: int) -> Source:
    """A record of frames of these points, each with the first intervals of a local day."""
    rows = len(points) * intervals
    batch = empty(ReadingBatch)
    for column in ReadingBatch.COLUMNS:
        if column.section == "reading":
            setattr(batch, column.name, column.empty(rows))
    batch.service_point = np.repeat(np.array(points, np.uint64), intervals)
    batch.interval_start = np.tile(np.arange(intervals) * STEP, len(points)) + MIDNIGHT
    batch.revision = np.arange(rows, dtype=np.uint64) + np.uint64(offset << 20)
    return Origin("one", 0, offset), batch


@given(st.permutations(range(1, 9)), st.integers(1, 48))
def test_days_of_points_are_sorted_and_short_runs_left_to_the_engine(points: list[int], intervals: int) -> None:
    made = [day_of_points(points[:5], intervals, 1), day_of_points(points[5:], intervals, 2)]
    found = columns_of(packed_block(READINGS, made, OFFSET))
    expected = plain_rows(made)
    if intervals >= LEAST_ROWS:
        expected.sort(key=key)
    assert found["service_point"] == [row["service_point"] for row in expected]
    assert found["revision"] == [row["revision"] for row in expected]
