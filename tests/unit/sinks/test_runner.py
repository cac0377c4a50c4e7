"""A sink process that dies anywhere, or whose warehouse goes away, loses nothing and doubles nothing."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from pipeline.errors import Fatal, Transient
from sinks.buffer import BlockLimits
from sinks.log import Message, Start
from sinks.memory import ListSink
from sinks.plan import Position
from sinks.records import Block, Record
from sinks.runner import RunnerOptions, SinkRunner
from tests.builders_readings import CONTRACTS, plain_origins, plain_record, raw_values, readings_record
from tests.conformance.sink_laws import expected

TOPICS = {"readings": "ReadingBatch", "rejects": "Reject"}


class Crash(Exception):
    """The process is gone."""


@dataclass
class MemoryLog:
    """A log and its committed offsets, which outlive the sinks that read it; `fail` is asked before each operation."""

    messages: dict[tuple[str, int], list[Message]]
    committed: dict[tuple[str, int], Position] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=lambda: {"readings": "id-1", "rejects": "id-2"})
    fail: Callable[[str], None] = lambda _: None
    low: int = 0
    idle: threading.Event = field(default_factory=threading.Event)
    waited: float = 0.0
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    held: set[tuple[str, int]] = field(default_factory=set)
    turn: int = -1
    behind_secs: float | None = None
    assigned: Callable[[Start], int] = lambda _: 0
    revoked: Callable[[str, int], None] = lambda *_: None

    def open(self, assigned: Callable[[Start], int], revoked: Callable[[str, int], None]) -> None:
        self.assigned, self.revoked = assigned, revoked
        for key in self.messages:
            self.assign(key)

    def assign(self, key: tuple[str, int]) -> None:
        known = self.committed.get(key)
        start = Start(
            *key, self.ids[key[0]], self.low, known.offset if known else None, known.metadata if known else ""
        )
        self.places[key] = self.assigned(start)

    def poll(self, size: int, secs: float) -> Sequence[Message]:
        self.fail("poll")
        # A few of each partition in turn, as a broker's answers come.
        self.turn += 1
        found: list[Message] = []
        keys = [key for key in self.messages if key not in self.held]
        while keys and sum(len(message.value) for message in found) < size:
            key = keys[self.turn % len(keys)]
            few = [message for message in self.messages[key] if message.offset >= self.places[key]][:2]
            if few:
                self.places[key] = few[-1].offset + 1
                found += few
                self.turn += 1
            else:
                keys.remove(key)
        if not found:
            self.idle.set()
        return found

    def hold(self, partitions: Collection[tuple[str, int]]) -> None:
        self.held = set(partitions)

    def wait(self, secs: float) -> None:
        self.waited += secs
        self.fail("wait")

    def commit(self, positions: Sequence[Position]) -> None:
        self.fail("commit")
        assert all(len(position.metadata) < 4_096 for position in positions)
        self.committed |= {(position.topic, position.partition): position for position in positions}

    def close(self) -> None:
        self.places.clear()


class FailingSink(ListSink):
    """Asks `fail` before it writes and after."""

    fail: Callable[[str], None] = staticmethod(lambda _: None)

    def write(self, block: Block) -> int:
        self.fail("write")
        rows = super().write(block)
        self.fail("written")
        return rows


def message(record: Record, position: int) -> Message:
    (raw,) = raw_values(record)
    return Message(record.topic, record.partition, position, raw)


def a_log() -> MemoryLog:
    """Two partitions of readings, in which the worker came back once, and one of rejects of two sources."""
    # The copies begin where the first small block ends.
    order = [0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    readings = {
        ("readings", part): [
            # Kafka's offsets may jump: a transaction's end takes one.
            message(readings_record(offset, 0 if offset == 5 else 4 + offset, partition=part), place + 2 * (place > 6))
            for place, offset in enumerate(order)
        ]
        for part in (0, 1)
    }
    rejects = [(part, offset, index) for offset in range(3, 12) for part in (0, 1) for index in (0, 1, 0, 1)]
    plain = [
        message(plain_record("Reject", offset, index, partition=part, stage="vee"), 0)
        for part, offset, index in rejects
    ]
    moved = [Message("rejects", 0, place, raw.value) for place, raw in enumerate(plain)]
    return MemoryLog({**readings, ("rejects", 0): moved})


ROWS = expected([readings_record(offset, 0 if offset == 5 else 4 + offset, partition=part)
                 for offset in range(10) for part in (0, 1)])  # fmt: skip
REJECTS = sorted((part, offset, index) for offset in range(3, 12) for part in (0, 1) for index in (0, 1))


def run(log: MemoryLog, sink: ListSink, **options: float) -> SinkRunner:
    """A process that runs until everything is read, or dies."""
    log.idle.clear()
    runner = SinkRunner(
        sink,
        log,
        TOPICS,
        CONTRACTS,
        RunnerOptions.model_validate({"poll_bytes": 4_000, **options}),
        clock=lambda: log.waited,
    )
    runner.run(log.idle)
    return runner


def check(sink: ListSink) -> None:
    assert expected([record for record in sink.records if record.schema == "ReadingBatch"]) == ROWS
    assert plain_origins(sink.records, "Reject") == REJECTS


def small() -> BlockLimits:
    return BlockLimits(rows=15, buffer_bytes=20_000)


def test_a_log_is_carried_over_whole_and_copies_are_counted() -> None:
    log, sink = a_log(), ListSink(small())
    runner = run(log, sink)
    check(sink)
    assert runner.counts.copies == 6 + 36
    assert runner.counts.rows == len(ROWS) + len(REJECTS)
    assert runner.counts.blocks > 4
    assert log.committed["readings", 0].offset == 15


def test_fresh_records_are_written_as_they_come_and_a_backlog_in_blocks_as_large_as_they_may_be() -> None:
    def blocks(behind_secs: float | None) -> int:
        log, sink, seconds = a_log(), ListSink(BlockLimits(rows=1_000)), count()
        log.behind_secs = behind_secs
        options = RunnerOptions(poll_bytes=4_000)
        runner = SinkRunner(sink, log, TOPICS, CONTRACTS, options, clock=lambda: next(seconds) / 20)
        runner.run(log.idle)
        check(sink)
        return runner.counts.blocks

    backlog = blocks(60.0)
    assert backlog == blocks(None) == 3, "one a partition, at the end"
    assert blocks(0.1) > 2 * backlog


def operations(together: bool) -> int:
    """How many operations an undisturbed run makes: as many places to die at."""
    seen: list[str] = []
    log, sink = a_log(), FailingSink(small(), together=together)
    log.fail = sink.fail = seen.append  # type: ignore[method-assign]
    run(log, sink)
    return len(seen)


MOMENTS = [(together, moment) for together in (False, True) for moment in range(operations(together))]


@pytest.mark.parametrize(("together", "moment"), MOMENTS)
def test_a_crash_at_any_moment_leads_to_the_same_rows(moment: int, together: bool) -> None:
    seen: list[str] = []

    def die(operation: str) -> None:
        seen.append(operation)
        if len(seen) == moment + 1:
            raise Crash

    log, sink = a_log(), FailingSink(small(), together=together)
    log.fail = sink.fail = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        run(log, sink)
    # Another process, with other limits, finds the same log, the same commits and the same warehouse.
    again = FailingSink(BlockLimits(rows=1_000), sink.written, together)
    run(log, again)
    check(again)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_any_row_of_crashes_leads_to_the_same_rows(seed: int, together: bool) -> None:
    numbers = random.Random(seed)
    log, written = a_log(), dict[str, Block]()
    lives = [numbers.randrange(1, 12) for _ in range(12)]
    left = lives[0]

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0 and lives:
            raise Crash

    while True:
        limits = BlockLimits(rows=numbers.randrange(5, 100), buffer_bytes=numbers.choice([7_000, 500_000]))
        sink = FailingSink(limits, written, together)
        log.fail = sink.fail = die  # type: ignore[method-assign]
        try:
            run(log, sink, poll_bytes=numbers.choice([1, 3_000, 100_000]))
            break
        except Crash:
            left = lives.pop()
    check(sink)


@pytest.mark.parametrize("together", [False, True])
def test_crashes_in_a_row_write_the_planned_block_once(together: bool) -> None:
    log, first = a_log(), FailingSink(BlockLimits(rows=60), together=together)

    def die(operation: str) -> None:
        if operation == "written":
            raise Crash

    first.fail = die  # type: ignore[method-assign]
    for limits in (BlockLimits(rows=60), BlockLimits(rows=3), BlockLimits(rows=500)):
        sink = FailingSink(limits, first.written, together)
        sink.fail = die  # type: ignore[method-assign]
        with pytest.raises(Crash):
            run(log, sink)
        assert len(first.written) == 1
    run(log, ListSink(small(), first.written, together))
    check(ListSink(small(), first.written))


def test_a_block_of_many_partitions_that_cannot_be_made_again_as_it_was_is_refused() -> None:
    log, sink = a_log(), FailingSink(BlockLimits(rows=60), together=True)

    def die(operation: str) -> None:
        if operation == "written":
            raise Crash

    sink.fail = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        run(log, sink)
    assert sum('"to":null' not in position.metadata for position in log.committed.values()) == 2
    with pytest.raises(Fatal, match="PLAN_TORN"):
        run(log, ListSink(small(), sink.written))
    del log.committed["readings", 1]
    with pytest.raises(Fatal, match="PLAN_TORN"):
        run(log, ListSink(small(), sink.written, together=True))


def test_a_warehouse_that_is_away_is_waited_for_with_longer_and_longer_pauses() -> None:
    log, sink = a_log(), FailingSink(small())
    tries: list[float] = []

    def away(operation: str) -> None:
        if operation == "write" and len(tries) < 6:
            tries.append(log.waited)
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    sink.fail = away  # type: ignore[method-assign]
    runner = run(log, sink, retry_secs=1)
    check(sink)
    assert tries == [0, 1, 3, 7, 15, 31]
    assert runner.counts.retries == 6


def test_a_warehouse_that_stays_away_ends_the_process_and_the_next_one_goes_on() -> None:
    log, sink = a_log(), FailingSink(small())

    def gone(operation: str) -> None:
        if operation == "write":
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    sink.fail = gone  # type: ignore[method-assign]
    with pytest.raises(Fatal, match="WAREHOUSE_GONE"):
        run(log, sink, retry_secs=1, give_up_secs=20)
    assert 10 < log.waited <= 20
    back = ListSink(small(), sink.written)
    run(log, back)
    check(back)


def test_a_stop_while_the_warehouse_is_away_commits_nothing_that_is_not_written() -> None:
    log, sink = a_log(), FailingSink(small())

    def away(operation: str) -> None:
        if operation == "write":
            log.idle.set()
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    sink.fail = away  # type: ignore[method-assign]
    run(log, sink)
    assert sink.written == {}
    assert all(position.offset == 0 for position in log.committed.values())
    back = ListSink(small(), sink.written)
    run(log, back)
    check(back)


@pytest.mark.parametrize("at_once", [4_000, 1_000_000])
def test_a_partition_that_is_taken_away_while_the_warehouse_is_away_is_left_to_its_next_owner(at_once: int) -> None:
    log, sink = a_log(), FailingSink(small())
    key = ("readings", 0)
    taken: list[Position] = []

    def away(operation: str) -> None:
        if operation == "write" and not taken:
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    def rebalance(operation: str) -> None:
        if operation == "wait" and not taken:
            # The next owner writes the planned block and commits; then the partition comes back.
            planned = log.committed[key]
            other = ListSink(small(), sink.written)
            mine = MemoryLog({key: log.messages[key]}, log.committed)
            run(mine, other)
            taken.append(planned)
            for each in log.messages:
                log.revoked(*each)
            for each in log.messages:
                log.assign(each)

    sink.fail, log.fail = away, rebalance  # type: ignore[method-assign]
    run(log, sink, poll_bytes=at_once)
    assert len(taken) == 1
    check(sink)
    assert log.committed[key].offset == 15


def test_a_block_that_was_written_before_its_partition_went_away_is_not_committed_over_the_next_owner() -> None:
    log, sink = a_log(), FailingSink(BlockLimits(age_secs=5))
    key, polls = ("readings", 0), 0
    theirs: list[Position] = []
    stop = threading.Event()

    def away(operation: str) -> None:
        if operation == "write" and len(sink.written) == 1 and not theirs:
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    def meanwhile(operation: str) -> None:
        nonlocal polls
        polls += operation == "poll"
        if polls > 6:
            stop.set()
        if operation == "wait" and not theirs:
            run(MemoryLog({key: log.messages[key]}, log.committed), ListSink(small(), sink.written))
            log.committed[key] = Position(*key, 10_000, "theirs")
            theirs.append(log.committed[key])
            log.revoked(*key)
            log.messages.pop(key)

    sink.fail, log.fail = away, meanwhile  # type: ignore[method-assign]
    # All partitions are read at one time and due at another, so their blocks are written together.
    options = RunnerOptions()
    SinkRunner(sink, log, TOPICS, CONTRACTS, options, clock=lambda: 10.0 * (polls > 3)).run(stop)
    check(sink)
    assert log.committed[key] is theirs[0]


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one() -> None:
    log, sink = a_log(), ListSink(small())
    run(log, sink)
    log.ids["readings"] = "id-of-another"
    with pytest.raises(Fatal, match="TOPIC_OTHER"):
        run(log, ListSink(small()))


def test_a_warehouse_that_is_not_the_one_of_the_committed_blocks_is_not_filled_from_their_end() -> None:
    log, sink, other = a_log(), ListSink(small()), ListSink(small())
    sink.place, other.place = "one", "another"
    run(log, sink)
    with pytest.raises(Fatal, match="WAREHOUSE_OTHER"):
        run(log, other)
    run(log, sink)
    check(sink)


def test_offsets_that_were_committed_without_a_place_are_gone_on_from() -> None:
    log, sink = a_log(), ListSink(small())
    run(log, sink)
    sink.place = "one"
    run(log, sink)
    check(sink)


class LateSink(ListSink):
    """Cannot be opened at first."""

    refusals = 2

    def open(self) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise Transient("WAREHOUSE_AWAY", where="test", what="nobody answers", do="wait")


def test_a_warehouse_that_is_away_at_the_start_is_waited_for() -> None:
    log, sink = a_log(), LateSink(small())
    run(log, sink, retry_secs=0.001)
    assert sink.refusals == -1
    check(sink)


def test_a_warehouse_that_stays_away_at_the_start_ends_the_process() -> None:
    sink = LateSink(small())
    sink.refusals = 100
    with pytest.raises(Fatal, match="WAREHOUSE_GONE"):
        run(a_log(), sink, retry_secs=0.001, give_up_secs=0.02)


def test_records_that_retention_took_before_they_were_written_stop_the_sink() -> None:
    log, sink = a_log(), ListSink(small())
    run(log, sink)
    log.low = 100
    with pytest.raises(Fatal, match="LOG_TRUNCATED"):
        run(log, ListSink(small()))


def test_a_hole_in_the_origins_ends_the_process_with_the_place() -> None:
    log = a_log()
    messages = log.messages[("readings", 0)]
    log.messages[("readings", 0)] = [one for one in messages if one.offset != 11]
    with pytest.raises(Fatal, match=r"ORIGIN_HOLE at readings \[0\]"):
        run(log, ListSink(small()))


def test_a_registry_that_cannot_be_kept_is_offered_again_and_holds_no_record_up() -> None:
    log, sink = a_log(), ListSink(small())
    given, kept = iter([("version", object())]), []

    def take(version: str, _: object) -> None:
        kept.append(version)
        if len(kept) < 3:
            raise Transient("WAREHOUSE_AWAY", where="there", what="no answer", do="wait")

    sink.take_registry = take  # type: ignore[method-assign, assignment]
    options = RunnerOptions(poll_bytes=3_000)
    SinkRunner(sink, log, TOPICS, CONTRACTS, options, registry=lambda: next(given, None)).run(log.idle)  # type: ignore[arg-type]
    check(sink)
    assert kept == ["version"] * 3


def test_the_buffer_stays_within_its_bound() -> None:
    log = a_log()
    sizes: list[int] = []
    sink = ListSink(BlockLimits(buffer_bytes=6_000))
    log.fail = lambda _: sizes.append(sink.blocks.size)
    run(log, sink)
    check(sink)
    assert 3_000 < max(sizes) <= 6_000
