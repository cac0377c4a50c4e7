"""The laws of every sink. A sink passes when a class that derives from `SinkLaws` with its own storage passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from pipeline.errors import Backpressure, ConfigError, Fatal
from sinks.base import Sink
from sinks.buffer import BlockLimits
from sinks.origins import Origins
from sinks.records import Block, Record
from tests.builders_readings import OF_A_LOG, plain_record, readings_record

Row = tuple[int, int, int, int]
"""(origin partition, origin offset, service point, Wh) of a reading."""


class Storage(ABC):
    """Where a kind of sink keeps its rows; it outlives the sinks that are opened on it."""

    @abstractmethod
    def sink(self, limits: BlockLimits) -> Sink:
        """A sink on this storage, not yet open."""

    @abstractmethod
    def readings(self, sink: Sink) -> list[Row]:
        """The readings that are there, sorted; copies show as such."""

    @abstractmethod
    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        """(source_offset, source_index) of plain records of a schema, sorted."""


def expected(records: Sequence[Record]) -> list[Row]:
    """The readings of records, sorted."""
    rows = []
    for record in records:
        if record.value is not None:
            assert record.origin is not None
            batch = record.value
            rows += [
                (record.origin.partition, record.origin.offset, int(point), int(energy[0]))
                for point, energy in zip(batch.service_point, batch.energy, strict=True)  # type: ignore[union-attr]
            ]
    return sorted(rows)


class SinkLaws:
    """Derive, and give `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError

    @contextmanager
    def opened(self, storage: Storage, **limits: float) -> Iterator[Sink]:
        sink = storage.sink(BlockLimits.model_validate(limits))
        sink.open()
        try:
            yield sink
        finally:
            sink.close()

    def test_nothing_is_lost_however_the_blocks_fall(self, storage: Storage) -> None:
        given = [
            readings_record(offset, 1 + (7 * offset) % 23, partition=partition, first_point=1 + 1000 * partition)
            for offset in range(40)
            for partition in (0, 1)
        ]
        with self.opened(storage, rows=50, age_secs=3) as sink:
            blocks = []
            for now, record in enumerate(given):
                assert sink.accept(record, float(now))
                blocks += sink.flush(float(now)) if now % 5 == 0 else []
            blocks += sink.flush()
            assert len(blocks) > 4
            assert storage.readings(sink) == expected(given)

    def test_plain_records_of_every_schema_arrive(self, storage: Storage) -> None:
        places = [(offset, index) for offset in range(3) for index in range(4)]
        with self.opened(storage) as sink:
            for schema in OF_A_LOG:
                for position, (offset, index) in enumerate(places):
                    sink.accept(plain_record(schema, offset, index, position=position, revision=position))
            sink.flush()
            for schema in OF_A_LOG:
                assert storage.plain(sink, schema) == places

    def test_a_block_that_is_written_again_doubles_nothing(self, storage: Storage) -> None:
        with self.opened(storage) as sink:
            records = [readings_record(offset) for offset in range(4)]
            for record in records:
                sink.accept(record)
            sink.accept(plain_record("Event", 1, 0))
            for block in sink.flush():
                sink.write(block)
                sink.write(block)
            assert storage.readings(sink) == expected(records)
            assert storage.plain(sink, "Event") == [(1, 0)]

    @pytest.mark.parametrize("crash", ["before the write", "after the write"])
    def test_a_crash_between_plan_and_commit_loses_and_doubles_nothing(self, storage: Storage, crash: str) -> None:
        records = [readings_record(offset, 10) for offset in range(12)]
        with self.opened(storage) as sink:
            sink.blocks.assign("readings", 0, 0, Origins(), log="id")
            for record in records[:7]:
                sink.accept(record)
            (block,) = sink.blocks.cut(sink.blocks.partitions())
            (plan,) = block.parts
            if crash == "after the write":
                sink.write(block)
        # The next one has other limits, and more of the log lies there by now.
        with self.opened(storage, rows=15) as sink:
            sink.blocks.assign("readings", 0, plan.first, plan.before, log="id", planned=plan.last)
            done = self._read_on(sink, records)
            assert done[0].token == block.token
            assert storage.readings(sink) == expected(records)

    def _read_on(self, sink: Sink, records: Sequence[Record]) -> list[Block]:
        done = []
        for record in records:
            try:
                sink.accept(record)
            except Backpressure:
                done += sink.flush(0.0)
                sink.accept(record)
            done += sink.flush(0.0)
        return done + sink.flush()

    def test_what_a_restarted_worker_sends_again_is_dropped_across_blocks_and_owners(self, storage: Storage) -> None:
        records = [readings_record(offset, 5, position=offset) for offset in range(6)]
        again = [readings_record(offset, 5, position=offset + 3) for offset in range(3, 9)]
        with self.opened(storage) as sink:
            for record in records:
                sink.accept(record)
            ((part,),) = [block.parts for block in sink.flush()]
        with self.opened(storage) as sink:
            sink.blocks.assign("readings", 0, part.last + 1, part.after, log="id")
            taken = [sink.accept(record) for record in again]
            sink.flush()
            assert taken == [0, 0, 0, 1, 1, 1]
            assert storage.readings(sink) == expected([*records, *again[3:]])

    def test_a_hole_is_refused_and_what_came_before_it_is_kept(self, storage: Storage) -> None:
        records = [readings_record(offset) for offset in range(3)]
        with self.opened(storage) as sink:
            for record in records:
                sink.accept(record)
            with pytest.raises(Fatal, match="ORIGIN_HOLE"):
                sink.accept(readings_record(4))
            sink.flush()
            assert storage.readings(sink) == expected(records)

    def test_the_buffer_has_a_bound_and_refuses_without_taking(self, storage: Storage) -> None:
        bound = 20_000
        records = [readings_record(offset, 20) for offset in range(30)]
        refused = 0
        with self.opened(storage, buffer_bytes=bound) as sink:
            for record in records:
                try:
                    sink.accept(record)
                except Backpressure:
                    refused += 1
                    sink.flush()
                    sink.accept(record)
                assert sink.blocks.size <= bound
            sink.flush()
            assert refused > 2
            assert storage.readings(sink) == expected(records)

    def test_a_clean_stop_leaves_everything_written_and_a_close_alone_writes_nothing(self, storage: Storage) -> None:
        records = [readings_record(offset) for offset in range(5)]
        with self.opened(storage) as sink:
            for record in records[:3]:
                sink.accept(record)
            sink.flush()
            assert sink.blocks.size == 0
            assert sink.flush() == []
            sink.accept(records[3])
        with self.opened(storage) as sink:
            assert storage.readings(sink) == expected(records[:3])

    def test_a_tick_moves_the_offset_on_without_a_row(self, storage: Storage) -> None:
        with self.opened(storage) as sink:
            sink.accept(readings_record(0))
            sink.accept(readings_record(1, rows=0))
            sink.accept(readings_record(2, rows=0))
            (block,) = sink.flush()
            sink.accept(readings_record(3, rows=0))
            (empty,) = sink.flush()
            assert [(part.first, part.last) for part in (*block.parts, *empty.parts)] == [(0, 2), (3, 3)]
            assert sink.write(empty) == 0
            assert storage.readings(sink) == expected([readings_record(0)])

    def test_a_record_of_another_schema_is_a_mistake_in_the_configuration(self, storage: Storage) -> None:
        with self.opened(storage) as sink, pytest.raises(ConfigError, match="SINK_SCHEMA"):
            sink.accept(Record("frames", 0, 0, "Unheard", None))
