"""Which origins of the first log a partition has seen: copies are dropped, holes are refused.

A lane is (topic id, partition) of the log that records were made from, and the stage that made them. The records of one
lane come to one partition in the order of (offset, index): a producer keeps its order, and after a crash the next owner
sends the same records again from an earlier offset. So what is not beyond the last one seen is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.errors import Fatal
from pipeline.step import Origin

Lane = tuple[str, int, str]
Place = tuple[int, int]


class HasOrigin(Protocol):
    """What is needed of a record here."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def origin(self) -> Origin | None: ...  # noqa: D102
    @property
    def index(self) -> int: ...  # noqa: D102
    @property
    def previous_offset(self) -> int | None: ...  # noqa: D102
    @property
    def stage(self) -> str: ...  # noqa: D102


@dataclass
class Origins:
    """Last place (offset, index) seen of each lane."""

    seen: dict[Lane, Place] = field(default_factory=dict)

    def copy(self) -> Origins:
        """A snapshot."""
        return Origins(dict(self.seen))

    def admit(self, record: HasOrigin) -> bool:
        """True and remembered when the record is new, False for a copy; raises Fatal at a hole."""
        origin = record.origin
        if origin is None:
            return True
        lane = (origin.topic_id, origin.partition, record.stage)
        place = (origin.offset, record.index)
        last = self.seen.get(lane)
        if last is not None and place <= last:
            return False
        if last is not None and record.previous_offset is not None and record.previous_offset != last[0]:
            raise Fatal(
                "ORIGIN_HOLE",
                where=f"{record.topic} [{record.partition}]",
                what=f"offset {origin.offset} of partition {origin.partition} follows {record.previous_offset}, "
                f"but {last[0]} was the last one seen",
                do="look for lost records of this topic (retention, a deleted segment) and replay the frames after "
                f"offset {last[0]}",
            )
        self.seen[lane] = place
        return True

    def packed(self) -> list[list[str | int]]:
        """The lanes as JSON values, in a fixed order."""
        return [[*lane, *place] for lane, place in sorted(self.seen.items())]

    @staticmethod
    def unpacked(rows: Iterable[list[str | int]]) -> Origins:
        """The inverse of `packed`."""
        return Origins(
            {(str(log), int(partition), str(stage)): (int(offset), int(index))
             for log, partition, stage, offset, index in rows}
        )  # fmt: skip
