"""Which origins of the first log a partition has seen: copies are dropped, holes are refused.

A lane is (topic id, partition) of the log that records were made from, and the stage that made them. The records of one
lane come to one partition in the order of (offset, index): a producer keeps its order, and after a crash the next owner
sends the same records again from an earlier offset. So what is not beyond the last one seen is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pipeline.columns import Array
from pipeline.errors import ContractError, Fatal
from pipeline.step import Origin
from sinks.plain import PlainRows

Lane = tuple[str, int, str]
Place = tuple[int, int]

INDEX_BITS = 24
"""Of the 63 bits that order a record: 16 million of one origin in one output, 500 billion origins of a partition."""


@dataclass
class Origins:
    """Last place (offset, index) seen of each lane."""

    seen: dict[Lane, Place] = field(default_factory=dict)

    def copy(self) -> Origins:
        """A snapshot."""
        return Origins(dict(self.seen))

    def admit(self, origin: Origin, previous_offset: int | None, where: str) -> bool:
        """True and remembered when a batch is new, False for a copy; raises Fatal at a hole."""
        lane = (origin.topic_id, origin.partition, "")
        last = self.seen.get(lane)
        if last is not None and origin.offset <= last[0]:
            return False
        if last is not None and previous_offset is not None and previous_offset != last[0]:
            raise Fatal(
                "ORIGIN_HOLE",
                where=where,
                what=f"offset {origin.offset} of partition {origin.partition} follows {previous_offset}, "
                f"but {last[0]} was the last one seen",
                do="look for lost records of this topic (retention, a deleted segment) and replay the frames after "
                f"offset {last[0]}",
            )
        self.seen[lane] = (origin.offset, 0)
        return True

    def admit_rows(self, rows: PlainRows) -> Array:
        """A mask of the rows that are new; they are remembered. What comes from no log is always new."""
        new = np.ones(len(rows), bool)
        lanes = rows.producers * (1 << 32) + rows.origins[:, 0]
        for lane in np.unique(lanes):
            rows_of_lane = np.flatnonzero(lanes == lane)
            log, stage = rows.said[rows.producers[rows_of_lane[0]]]
            if log:
                key = (log, int(rows.origins[rows_of_lane[0], 0]), stage)
                new[rows_of_lane] = self._beyond(key, rows.origins[rows_of_lane, 1:])
        return new

    def _beyond(self, lane: Lane, places: Array) -> Array:
        """Mask of (offset, index) that are beyond all before them in the lane."""
        if places[:, 0].max() >= 1 << (63 - INDEX_BITS) or places[:, 1].max() >= 1 << INDEX_BITS:
            raise ContractError(
                "ORIGIN_TOO_LARGE",
                where=f"partition {lane[1]} of log {lane[0]}",
                what=f"offset {places[:, 0].max()}, index {places[:, 1].max()}",
                do="check the producer of this topic",
            )
        order = (places[:, 0] << INDEX_BITS) + places[:, 1]
        offset, index = self.seen.get(lane, (-1, 0))
        highest = np.maximum.accumulate(np.concatenate(([(offset << INDEX_BITS) + index], order)))
        self.seen[lane] = (int(highest[-1] >> INDEX_BITS), int(highest[-1] & ((1 << INDEX_BITS) - 1)))
        mask: Array = order > highest[:-1]
        return mask

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
