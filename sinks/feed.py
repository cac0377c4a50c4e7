"""Feed a sink from a topology that runs in the same process: no topic lies between, so positions are counted here."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Backpressure
from pipeline.records import RecordBatch
from pipeline.step import Parcel
from sinks.base import Sink
from sinks.origins import Origins
from sinks.read import parcel_record, plain_record
from sinks.records import Record


class Feed:
    """Hands outputs to an open sink; blocks are written as they fill, the rest by `flush`.

    `run` names this run in the blocks' tokens: positions begin again with each run, and another run's blocks must not
    be taken for these. Rows of a run that is repeated are copies by their keys.
    """

    def __init__(self, sink: Sink, run: str = "") -> None:
        self.sink = sink
        self.run = run or uuid.uuid4().hex
        self.written = 0
        self._next: dict[tuple[str, int], int] = defaultdict(int)

    def parcel(self, topic: str, schema: str, parcel: Parcel) -> None:
        """A stage's batch, or the tick or control that went by in its place."""
        partition = parcel.origin.partition
        self._offer(parcel_record(schema, topic, partition, self._position(topic, partition), parcel))

    def emission(self, topic: str, schema: str, partition: int, value: Mapping[str, Any] | RecordBatch) -> None:
        """A plain record, or many, that a step made of a record of `partition`."""
        for record in value.records() if isinstance(value, RecordBatch) else (value,):
            self._offer(plain_record(schema, topic, partition, self._position(topic, partition), record))

    def flush(self) -> None:
        """Write everything that is gathered."""
        self.written += len(self.sink.flush())

    def _position(self, topic: str, partition: int) -> int:
        position = self._next[(topic, partition)]
        if position == 0:
            self.sink.blocks.assign(topic, partition, 0, Origins(), log=self.run)
        self._next[(topic, partition)] = position + 1
        return position

    def _offer(self, record: Record) -> None:
        try:
            self.sink.accept(record)
        except Backpressure:
            self.flush()
            self.sink.accept(record)
        if self.sink.blocks.full:
            # There is no clock here: blocks are cut by rows and bytes alone.
            self.written += len(self.sink.flush(0.0))
