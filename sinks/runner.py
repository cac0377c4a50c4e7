"""Run a sink on a log until told to stop: read in bulk, cut blocks, plan, write, commit.

The order is what makes each block count once: the plan is committed, then the block is written under its token, then
its end is committed. A crash between any two leads to the same block again, which the sink drops if it has it.
Memory is bounded by the sink's buffer: nothing is read while a block is written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import Backpressure, Fatal, Transient
from pipeline.wire import BATCHES, Contracts
from sinks.base import Sink
from sinks.log import Log, Message, Start
from sinks.origins import Origins
from sinks.plan import after, before, read_mark
from sinks.read import read_plain, read_record
from sinks.records import Block, Record, rows_of

log = structlog.get_logger()


class RunnerOptions(BaseModel):
    """How a sink process reads and retries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fetch_bytes: int = Field(64 << 20, ge=1 << 20, description="bytes that are fetched from Kafka ahead")
    poll_bytes: int = Field(16 << 20, ge=1, description="bytes that are worked on at once")
    poll_secs: float = Field(0.2, gt=0, description="longest wait for them")
    retry_secs: float = Field(0.5, gt=0, description="first wait when the warehouse is away; doubled up to 30 s")
    give_up_secs: float = Field(300.0, gt=0, description="the process ends when the warehouse is away for longer")


MAX_RETRY_SECS = 30.0


@dataclass
class Counts:
    """What a sink process has done so far."""

    messages: int = 0
    message_bytes: int = 0
    copies: int = 0
    blocks: int = 0
    rows: int = 0
    retries: int = 0
    buffered_bytes: int = 0


class SinkRunner:
    """Carries one sink along one log. `topics` is topic -> schema of its values."""

    def __init__(
        self,
        sink: Sink,
        source: Log,
        topics: Mapping[str, str],
        contracts: Contracts,
        options: RunnerOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sink = sink
        self.log = source
        self.topics = topics
        self.contracts = contracts
        self.options = options or RunnerOptions()
        self.counts = Counts()
        self._clock = clock
        self._pending: list[Block] = []
        self._done: list[Block] = []
        self._changes = 0

    def run(self, stop: threading.Event) -> Counts:
        """Until `stop` is set, then write what is gathered; raises Fatal or ContractError when it must not go on."""
        self.sink.open()
        try:
            self.log.open(self._assigned, self._revoked)
            while not stop.is_set():
                self._turn(stop)
            self._write(self.sink.blocks.partitions(), stop)
        finally:
            self.log.close()
            self.sink.close()
        return self.counts

    def _turn(self, stop: threading.Event) -> None:
        messages = self.log.poll(self.options.poll_bytes, self.options.poll_secs)
        changes = self._changes
        for run in self._runs(messages):
            if not self._offer(run, stop) or changes != self._changes:
                # Partitions were shared out anew while a block was written: the rest will be read again.
                break
        self._write(self.sink.blocks.due(self._clock()), stop)
        self.counts.buffered_bytes = self.sink.blocks.size

    def _runs(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Messages that make one record: batches singly, plain records of a partition together."""
        for (topic, partition), group in groupby(messages, key=lambda message: (message.topic, message.partition)):
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
        self.counts.messages += len(run)
        self.counts.message_bytes += sum(len(message.value) for message in run)
        changes, blocks = self._changes, self.sink.blocks
        while not self._taken(record, len(run)):
            if not self._write(blocks.due(self._clock()) or blocks.largest(), stop) or changes != self._changes:
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
            self.counts.copies += values - self.sink.accept(record, self._clock())
        except Backpressure:
            return False
        return True

    # ------------------------------------------------------------------------------------------ plan, write, commit

    def _write(self, partitions: Sequence[tuple[str, int]], stop: threading.Event) -> bool:
        """Plan, write and commit; False when it was told to stop before all was written."""
        # What is left of an earlier attempt goes first: a later plan says that everything before it is written.
        if not self._finish(stop):
            return False
        self._pending = self.sink.blocks.cut(partitions)
        # A block without rows (ticks, copies) needs no plan: there is nothing that could be written twice.
        plans = [before(block) for block in self._pending if block.records]
        if plans:
            self.log.commit(plans)
        return self._finish(stop)

    def _finish(self, stop: threading.Event) -> bool:
        while self._pending:
            block = self._pending[0]
            if not self._try(block, stop):
                return False
            # While the warehouse was away, the partition may have been: then its next owner writes this block.
            if self._pending and self._pending[0] is block:
                self._done.append(self._pending.pop(0))
        if self._done:
            self.log.commit([after(block) for block in self._done])
            self.counts.blocks += len(self._done)
            self.counts.rows += sum(rows_of(record) for block in self._done for record in block.records)
            self._done = []
        return True

    def _try(self, block: Block, stop: threading.Event) -> bool:
        """Write a block, again and again while the warehouse is away; False when it was told to stop meanwhile."""
        began, pause = self._clock(), self.options.retry_secs
        while True:
            try:
                self.sink.write(block)
                return True
            except Transient as error:
                away = self._clock() - began
                if away + pause > self.options.give_up_secs:
                    raise Fatal(
                        "WAREHOUSE_GONE",
                        where=error.where,
                        what=f"it was away for {away:.0f} s: {error.what}",
                        do="bring it back and start the sink again: it goes on where it was",
                    ) from error
                log.warning("warehouse away", code=error.code, what=error.what, again_in_secs=pause)
            self.counts.retries += 1
            if stop.is_set():
                return False
            self.log.wait(pause)
            if block not in self._pending:
                return True
            pause = min(2 * pause, MAX_RETRY_SECS)

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
        self._changes += 1
        first = start.low if start.committed is None else start.committed
        if first < start.low:
            raise Fatal(
                "LOG_TRUNCATED",
                where=where,
                what=f"records from {first} to {start.low - 1} are gone before they were written",
                do="replay the frames into the topic, or move the group's offset on if the loss is accepted",
            )
        planned = mark.planned if mark else None
        self.sink.blocks.assign(
            start.topic, start.partition, first, mark.origins if mark else Origins(), log=start.log, planned=planned
        )
        log.info("partition taken", topic=start.topic, partition=start.partition, offset=first, planned=planned)
        return first

    def _revoked(self, topic: str, partition: int) -> None:
        self.sink.blocks.revoke(topic, partition)
        self._changes += 1
        # Their commits would overwrite those of the next owner.
        self._pending = [block for block in self._pending if (block.topic, block.partition) != (topic, partition)]
        self._done = [block for block in self._done if (block.topic, block.partition) != (topic, partition)]
        log.info("partition given back", topic=topic, partition=partition)
