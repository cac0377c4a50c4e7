"""Blocks are cut by offsets, copies are dropped by origin, holes are refused, memory is bounded."""

from __future__ import annotations

import pytest

from pipeline.errors import Backpressure, Fatal
from sinks.buffer import ALL, BlockBuffer, BlockLimits
from sinks.origins import Origins
from tests.builders_readings import plain_record, readings_record


def buffer(**limits: int | float) -> BlockBuffer:
    return BlockBuffer(BlockLimits.model_validate(limits))


def test_a_block_begins_where_the_one_before_ended_even_when_offsets_are_skipped() -> None:
    blocks = buffer()
    blocks.assign("readings", 0, 7, Origins(), log="log")
    blocks.accept(readings_record(1, position=9), 0.0)
    blocks.accept(readings_record(2, position=12), 0.0)
    (first,) = blocks.cut(blocks.partitions())
    blocks.accept(readings_record(3, position=20), 0.0)
    (second,) = blocks.cut(blocks.partitions())
    assert [(part.first, part.last) for block in (first, second) for part in block.parts] == [(7, 12), (13, 20)]
    assert second.token == "readings-log-0-13-20"


def test_a_block_is_due_by_rows_by_bytes_and_by_age() -> None:
    by_rows = buffer(rows=10)
    by_rows.accept(readings_record(1, 9), 0.0)
    assert by_rows.due(0.0) == []
    by_rows.accept(readings_record(2, 1), 0.0)
    assert by_rows.due(0.0) == [("readings", 0)]
    by_bytes = buffer(block_bytes=500)
    by_bytes.accept(readings_record(1, 5), 0.0)
    assert by_bytes.due(0.0) == [("readings", 0)]
    by_age = buffer(age_secs=3)
    by_age.accept(readings_record(1, 1), 100.0)
    assert by_age.due(102.9) == []
    assert by_age.due(103.0) == [("readings", 0)]


def test_records_that_the_worker_sends_again_after_a_crash_are_dropped_by_their_origin() -> None:
    blocks = buffer()
    taken = [
        blocks.accept(readings_record(offset, position=place), 0.0) for place, offset in enumerate([1, 2, 3, 2, 3])
    ]
    fresh = blocks.accept(readings_record(4, position=5), 0.0)
    (block,) = blocks.cut(blocks.partitions())
    assert taken == [1, 1, 1, 0, 0]
    assert fresh == 1
    assert [record.origin.offset for record in block.records if record.origin] == [1, 2, 3, 4]
    assert block.parts[0].last == 5


def test_a_hole_in_the_origins_stops_the_sink_and_is_not_remembered_as_seen() -> None:
    blocks = buffer()
    blocks.accept(readings_record(4), 0.0)
    with pytest.raises(Fatal, match="ORIGIN_HOLE"):
        blocks.accept(readings_record(6), 0.0)
    with pytest.raises(Fatal, match="ORIGIN_HOLE"):
        blocks.accept(readings_record(6), 0.0)


def test_a_record_that_bridges_offsets_without_readings_is_no_hole() -> None:
    blocks = buffer()
    blocks.accept(readings_record(4), 0.0)
    assert blocks.accept(readings_record(9, previous=4), 0.0)


def test_plain_records_of_one_origin_are_told_apart_by_index_and_their_stages_by_name() -> None:
    blocks = buffer()
    order = [("decode", 5, 0), ("decode", 5, 1), ("vee", 3, 0), ("decode", 5, 1), ("vee", 3, 1), ("vee", 3, 0)]
    taken = [
        blocks.accept(plain_record("Reject", offset, index, position=place, stage=stage), 0.0)
        for place, (stage, offset, index) in enumerate(order)
    ]
    assert taken == [1, 1, 1, 0, 1, 0]


def test_a_full_buffer_takes_nothing_until_it_was_cut_but_never_refuses_the_only_record() -> None:
    size = 2_000
    blocks = buffer(buffer_bytes=size)
    assert blocks.accept(readings_record(1, 100), 0.0)
    assert blocks.size > size
    with pytest.raises(Backpressure, match="SINK_FULL"):
        blocks.accept(readings_record(2, 1), 0.0)
    assert blocks.largest() == [("readings", 0)]
    blocks.cut(blocks.largest())
    assert blocks.size == 0
    assert blocks.accept(readings_record(2, 1), 0.0)


def test_a_planned_block_is_read_to_its_end_and_no_further_whatever_the_limits_are() -> None:
    first = buffer(rows=100)
    for offset in range(3):
        first.accept(readings_record(offset, 10), 0.0)
    (block,) = first.cut(first.partitions())
    (planned,) = block.parts
    again = buffer(rows=1)
    again.assign("readings", 0, planned.first, planned.before, log=block.log, planned=planned.last)
    for offset in range(3):
        assert again.largest() == []
        again.accept(readings_record(offset, 10), 0.0)
        assert again.due(1e9) == ([("readings", 0)] if offset == 2 else [])
    with pytest.raises(Backpressure, match="ends at offset 2"):
        again.accept(readings_record(3, 10), 0.0)
    (made,) = again.cut(again.due(0.0))
    assert made.token == block.token
    assert [record.origin for record in made.records] == [record.origin for record in block.records]
    assert again.accept(readings_record(3, 10), 0.0)
    assert again.planned("readings", 0) is None


def test_partitions_of_one_owner_are_written_together_and_named_together() -> None:
    blocks = BlockBuffer(BlockLimits(rows=12), joint=True)
    for partition in (2, 0, 1):
        blocks.assign("readings", partition, 10 * partition, Origins(), log="log")
    blocks.accept(readings_record(1, 5, partition=2, position=21), 0.0)
    blocks.accept(readings_record(1, 5, partition=0, position=3), 0.0)
    assert blocks.due(0.0) == []
    blocks.accept(readings_record(2, 5, partition=2, position=22), 0.0)
    assert blocks.due(0.0) == [("readings", ALL)]
    (block,) = blocks.cut(blocks.due(0.0))
    assert block.token == "readings-log-0-0-3+2-20-22"
    assert block.rows == 15
    assert blocks.size == 0
    assert blocks.partitions() == []


def test_a_planned_block_of_several_partitions_is_cut_when_all_of_them_are_at_its_end() -> None:
    blocks = BlockBuffer(BlockLimits(rows=1), joint=True)
    blocks.assign("readings", 0, 0, Origins(), planned=1)
    blocks.assign("readings", 1, 0, Origins(), planned=0)
    blocks.assign("readings", 2, 0, Origins())
    blocks.accept(readings_record(0, partition=1), 0.0)
    blocks.accept(readings_record(0, partition=0), 0.0)
    assert blocks.due(1e9) == blocks.partitions() == blocks.largest() == []
    blocks.accept(readings_record(1, partition=0), 0.0)
    blocks.accept(readings_record(0, partition=2), 0.0)
    (block,) = blocks.cut(blocks.due(0.0))
    assert [part.partition for part in block.parts] == [0, 1]
    (rest,) = blocks.cut(blocks.due(0.0))
    assert [part.partition for part in rest.parts] == [2]


def test_a_planned_block_whose_last_offset_holds_nothing_ends_at_the_next_record() -> None:
    again = buffer()
    again.assign("readings", 0, 0, Origins(), planned=4)
    again.accept(readings_record(3), 0.0)
    assert again.due(0.0) == []
    with pytest.raises(Backpressure):
        again.accept(readings_record(6, previous=3), 0.0)
    (block,) = again.cut(again.due(0.0))
    assert block.parts[0].last == 4


def test_what_is_revoked_is_forgotten_with_its_bytes() -> None:
    blocks = buffer()
    blocks.accept(readings_record(1, partition=0), 0.0)
    blocks.accept(readings_record(1, partition=1), 0.0)
    held = blocks.size
    blocks.revoke("readings", 0)
    assert blocks.partitions() == [("readings", 1)]
    assert blocks.size == held // 2


def test_offsets_that_go_backwards_stop_the_sink() -> None:
    blocks = buffer()
    blocks.accept(readings_record(1, position=5), 0.0)
    with pytest.raises(Fatal, match="OFFSET_BACKWARDS"):
        blocks.accept(readings_record(2, position=5), 0.0)


def test_origins_survive_being_written_down() -> None:
    origins = Origins({("log", 3, "vee"): (17, 4), ("log", 1, ""): (9, 0)})
    assert Origins.unpacked(origins.packed()) == origins
    assert origins.packed() == [["log", 1, "", 9, 0], ["log", 3, "vee", 17, 4]]
