"""Run a sink on a log until told to stop: read in bulk, cut blocks, plan, write, commit.

The order is what makes each block count once: the plan is committed, then the block is written under its token, then
its end is committed. A crash between any two leads to the same block again, which the sink drops if it has it.
Memory is bounded by the sink's buffer: nothing is read while a block is written.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import structlog

from pipeline.errors import Backpressure, Fatal, Transient
from pipeline.reference import Registry
from pipeline.runtime.moments import Moments
from pipeline.wire import BATCHES, Contracts
from sinks.base import Sink
from sinks.buffer import Group
from sinks.log import Log, Message, Start
from sinks.origins import Origins
from sinks.pace import Pace
from sinks.phases import PHASES
from sinks.plan import Mark, after, before, checksum, read_mark
from sinks.read import read_plain, read_record
from sinks.records import Block, Record, token_of
from sinks.runner_options import Counts as Counts
from sinks.runner_options import RunnerOptions as RunnerOptions

log = structlog.get_logger()


MAX_RETRY_SECS = 30.0


class SinkRunner:
    """Carries one sink along one log. `topics` is topic -> schema of its values.

    `registry` gives a version of the registry that it has not given before, or None.
    """

    def __init__(
        self,
        sink: Sink,
        source: Log,
        topics: Mapping[str, str],
        contracts: Contracts,
        options: RunnerOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
        registry: Callable[[], tuple[str, Registry] | None] = lambda: None,
        moments: Moments | None = None,
    ) -> None:
        self.sink = sink
        self.log = source
        self.topics = topics
        self.contracts = contracts
        self.options = options or RunnerOptions()
        self.counts = Counts()
        self._clock = clock
        self._registry = registry
        self._moments = sink.moments = moments or Moments(PHASES)
        self._new_registry: tuple[str, Registry] | None = None
        self._pending: list[Block] = []
        self._done: list[Block] = []
        self._changes = self._seen = 0
        self._later: list[Sequence[Message]] = []
        self._mine: set[tuple[str, int]] = set()
        self._planned: dict[tuple[str, int], tuple[int, Mark]] = {}
        self._pace = Pace(self.options, sink.blocks.limits.age_secs)

    def run(self, stop: threading.Event) -> Counts:
        """Until `stop` is set, then write what is gathered; raises Fatal or ContractError when it must not go on."""
        if not self._open(stop):
            return self.counts
        try:
            self.log.open(self._assigned, self._revoked)
            while not stop.is_set():
                self._turn(stop)
            self._moments.reach("sink-in-shutdown")
            self._write(self.sink.blocks.partitions(), stop)
        finally:
            self.log.close()
            self.sink.close()
        return self.counts

    def _open(self, stop: threading.Event) -> bool:
        """Open the sink, again and again while the warehouse is away; False when it was told to stop meanwhile."""
        began, pause = self._clock(), self.options.retry_secs
        while not stop.is_set():
            try:
                self.sink.open()
                return True
            except Transient as error:
                following = self._later_or_never(error, began, pause)
                stop.wait(pause)
                pause = following
        return False

    def _later_or_never(self, error: Transient, began: float, pause: float) -> float:
        """Seconds to wait before the next try; raises Fatal when it has been tried for long enough."""
        away = self._clock() - began
        if away + pause > self.options.give_up_secs:
            raise Fatal(
                "WAREHOUSE_GONE",
                where=error.where,
                what=f"it was away for {away:.0f} s: {error.what}",
                do="bring it back and start the sink again: it goes on where it was",
            ) from error
        log.warning("warehouse away", code=error.code, what=error.what, again_in_secs=pause)
        return min(2 * pause, MAX_RETRY_SECS)

    @property
    def _place(self) -> str:
        return checksum(self.sink.place) if self.sink.place else ""

    def _turn(self, stop: threading.Event) -> None:
        if self._seen != self._changes:
            self._seen, self._later = self._changes, []
            self._hold_others()
        patience = self._pace.patience(self._clock(), self.log.behind_secs, self.options.poll_secs)
        messages = self.log.poll(self.options.poll_bytes, patience)
        if messages:
            self._moments.reach("sink-read")
        changes = self._changes
        waiting = deque(self._runs(messages))
        while waiting or (self._later and not self._planned):
            if self._later and not self._planned:
                waiting.extendleft(reversed(self._later))
                self._later = []
            if not self._offer(waiting.popleft(), stop) or changes != self._changes:
                # Partitions were shared out anew while a block was written: the rest will be read again.
                break
        self._write(self._due(idle=not messages), stop)
        self._refresh_registry()
        self._rest()
        self.counts.buffered_bytes = self.sink.blocks.size

    def _rest(self) -> None:
        """What a block has left behind must not wait for the next one."""
        if self._pending:
            return
        try:
            self.sink.rest()
        except Transient as error:
            log.warning("put off", code=error.code, what=error.what)

    def _due(self, *, idle: bool) -> Sequence[Group]:
        now = self._clock()
        if self._pace.is_due(now, self.log.behind_secs, idle=idle):
            return self.sink.blocks.partitions()
        return self.sink.blocks.due(now)

    def _refresh_registry(self) -> None:
        """Master data stands beside the data and is not read in order: that it comes late holds nothing up."""
        self._new_registry = self._registry() or self._new_registry
        if self._new_registry is None:
            return
        try:
            self.sink.take_registry(*self._new_registry)
            self._new_registry = None
        except Transient as error:
            log.warning("registry not taken", code=error.code, what=error.what)

    def _runs(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Messages that make one record: batches singly, plain records of a partition together."""
        for (topic, partition), group in groupby(messages, key=itemgetter(0, 1)):
            run = list(group)
            if self.topics[topic] in BATCHES:
                yield from ([message] for message in run)
                continue
            # A planned block ends where it ended before, even in the midst of what was read at once.
            planned = self.sink.blocks.planned(topic, partition)
            inside = len(run) if planned is None else sum(message.offset <= planned for message in run)
            yield from (part for part in (run[:inside], run[inside:]) if part)

    def _offer(self, run: Sequence[Message], stop: threading.Event) -> bool:
        record = self._read(run)
        changes, blocks = self._changes, self.sink.blocks
        while not self._taken(record, len(run)):
            groups = blocks.due(self._clock()) or blocks.largest()
            if not groups:
                # This partition is at the end of its part of a planned block, and others are not: they go first.
                self._later.append(run)
                self._hold_others()
                return True
            if not self._write(groups, stop) or changes != self._changes:
                return False
        return not blocks.full or self._write(sorted(blocks.full), stop)

    def _read(self, run: Sequence[Message]) -> Record:
        first = run[0]
        schema = self.topics[first.topic]
        if schema in BATCHES:
            return read_record(self.contracts, schema, first.topic, first.partition, first.offset, first.value)
        offsets, values = [message.offset for message in run], [message.value for message in run]
        return read_plain(self.contracts, schema, first.topic, first.partition, offsets, values)

    def _taken(self, record: Record, values: int) -> bool:
        try:
            fresh = self.sink.accept(record, self._clock())
        except Backpressure:
            return False
        self.counts.messages += values
        self.counts.copies += values - fresh
        return True

    # ------------------------------------------------------------------------------------------ plan, write, commit

    def _write(self, groups: Sequence[Group], stop: threading.Event) -> bool:
        """Plan, write and commit; False when it was told to stop before all was written."""
        # What is left of an earlier attempt goes first: a later plan says that everything before it is written.
        if not self._finish(stop):
            return False
        if not groups:
            return True
        began = self._clock()
        self._pending = self.sink.blocks.cut(groups)
        # A block without records (controls, copies) needs no plan: there is nothing that could be written twice.
        plans = [position for block in self._pending if block.records for position in before(block, self._place)]
        if plans:
            self.log.commit(plans)
            self._moments.reach("sink-planned")
        done = self._finish(stop)
        self._pace.wrote(began, self._clock())
        return done

    def _finish(self, stop: threading.Event) -> bool:
        while self._pending:
            block, began = self._pending[0], self._clock()
            if not self._try(block, stop):
                return False
            self._moments.reach("sink-written")
            _say_written(block, self._clock() - began)
            # While the warehouse was away, the partition may have been: then its next owner writes this block.
            if self._pending and self._pending[0] is block:
                self._done.append(self._pending.pop(0))
        if self._done:
            self.log.commit([position for block in self._done for position in after(block, self._place)])
            self._moments.reach("sink-committed")
            self.counts.blocks += len(self._done)
            self.counts.rows += sum(block.rows for block in self._done)
            self._done = []
            if self._planned:
                self._hold_others()
        return True

    def _try(self, block: Block, stop: threading.Event) -> bool:
        """Write a block, again and again while the warehouse is away; False when it was told to stop meanwhile."""
        began, pause = self._clock(), self.options.retry_secs
        while True:
            try:
                self.sink.write(block)
                return True
            except Transient as error:
                following = self._later_or_never(error, began, pause)
            self.counts.retries += 1
            if stop.is_set():
                return False
            self.log.wait(pause)
            # What the block waits for may be the registry.
            self._refresh_registry()
            if block not in self._pending:
                return True
            pause = following

    # ------------------------------------------------------------------------------------------ partitions come and go

    def _assigned(self, start: Start) -> int:
        where = f"{start.topic} [{start.partition}]"
        mark = read_mark(start.metadata, where)
        if mark is not None and mark.log != start.log:
            raise Fatal(
                "TOPIC_OTHER",
                where=where,
                what="the topic was made anew since this sink committed its offsets",
                do="give the sink another group, or delete its offsets of this topic",
            )
        if mark is not None and mark.place and self._place and mark.place != self._place:
            raise Fatal(
                "WAREHOUSE_OTHER",
                where=where,
                what="what is committed was written to another warehouse than the one that is open",
                do="point the sink at that one; to fill this one from the start, give the sink another group",
            )
        self._changes += 1
        first = start.low if start.committed is None else start.committed
        if first < start.low:
            raise Fatal(
                "LOG_TRUNCATED",
                where=where,
                what=f"records from {first} to {start.low - 1} are gone before they were written",
                do="replay the frames into the topic, or move the group's offset on if the loss is accepted",
            )
        origins, planned = (mark.origins, mark.planned) if mark else (Origins(), None)
        self.sink.blocks.assign(start.topic, start.partition, first, origins, log=start.log, planned=planned)
        self._mine.add((start.topic, start.partition))
        if mark is not None and planned is not None:
            self._planned[(start.topic, start.partition)] = (first, mark)
            if not self.sink.exclusive:
                self._check_plan(start.topic, [start.partition])
        log.info("partition taken", topic=start.topic, partition=start.partition, offset=first, planned=planned)
        return first

    def _check_plan(self, topic: str, partitions: Sequence[int]) -> None:
        """Raise Fatal unless these partitions have the whole of the block that was planned for them."""
        marks = {partition: self._planned[(topic, partition)] for partition in partitions}
        ranges = [(partition, first, mark.planned or 0) for partition, (first, mark) in marks.items()]
        name = checksum(token_of(topic, marks[partitions[0]][1].log, ranges))
        if any(mark.block != name for _, mark in marks.values()):
            raise Fatal(
                "PLAN_TORN",
                where=f"{topic} {sorted(marks)}",
                what="a block was planned for other partitions together with these",
                do="start the sink as it was started before, until it has written that block",
            )

    def _hold_others(self) -> None:
        """Read only what was planned, until it is written: a planned block ends where it ended, however much it is."""
        blocks = self.sink.blocks
        self._planned = {key: plan for key, plan in self._planned.items() if blocks.planned(*key) is not None}
        if self.sink.exclusive:
            for topic in sorted({topic for topic, _ in self._planned}):
                self._check_plan(topic, sorted(partition for name, partition in self._planned if name == topic))
        later = {(run[0].topic, run[0].partition) for run in self._later}
        self.log.hold(later | (self._mine - set(self._planned)) if self._planned else ())

    def _revoked(self, topic: str, partition: int) -> None:
        self.sink.blocks.revoke(topic, partition)
        self._mine.discard((topic, partition))
        self._planned.pop((topic, partition), None)
        self._changes += 1
        # Their commits would overwrite those of the next owner.
        self._pending = [block for block in self._pending if not _has(block, topic, partition)]
        self._done = [block for block in self._done if not _has(block, topic, partition)]
        log.info("partition given back", topic=topic, partition=partition)


def _say_written(block: Block, secs: float) -> None:
    """When its rows could be read, and which records of the topic they are of; for whoever asks where time goes."""
    parts = [[part.partition, part.first, part.last] for part in block.parts]
    log.debug("block written", topic=block.topic, rows=block.rows, parts=parts, secs=round(secs, 4))


def _has(block: Block, topic: str, partition: int) -> bool:
    return block.topic == topic and any(part.partition == partition for part in block.parts)
