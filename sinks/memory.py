"""The sink that is a list: for tests, and for reading what a topology made without a warehouse."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.wire import BATCHES
from schemas.records import STORED_SCHEMAS
from sinks.base import Sink
from sinks.buffer import BlockLimits
from sinks.records import Block, Record


@dataclass
class ListSink(Sink):
    """Keeps every block it was given, by token; `records` are those of all blocks in the order of writing.

    `together`: partitions are written together, as by the owner of them all.
    """

    limits: BlockLimits = field(default_factory=BlockLimits)
    written: dict[str, Block] = field(default_factory=dict)
    together: bool = False

    schemas = frozenset(BATCHES) | STORED_SCHEMAS

    def __post_init__(self) -> None:
        super().__init__(self.limits, exclusive=self.together)

    @property
    def records(self) -> list[Record]:
        """What was written."""
        return [record for block in self.written.values() for record in block.records]

    def open(self) -> None:
        """Nothing to connect to."""

    def write(self, block: Block) -> int:
        """Keep the block unless one of its token is there."""
        self.written.setdefault(block.token, block)
        return block.rows

    def close(self) -> None:
        """Nothing to let go of."""
