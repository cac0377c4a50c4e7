"""What the sink's log says: from when on the records of a topic could be read in the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from pipeline.columns import Array

SAID = '"block written"'


@dataclass
class Blocks:
    """(topic, partition) -> last offset of each block and when its insert had returned, epoch seconds; in order."""

    ends: dict[tuple[str, int], list[tuple[int, float]]] = field(default_factory=dict)
    written: list[tuple[str, int, float]] = field(default_factory=list)
    """Topic, rows and time of each block."""

    def add(self, topic: str, rows: int, parts: Iterable[tuple[int, int, int]], at: float) -> None:
        """A block with these (partition, first offset, last offset)."""
        self.written.append((topic, rows, at))
        for partition, _, last in parts:
            self.ends.setdefault((topic, partition), []).append((last, at))

    def visible(self, topic: str, partition: Array, offset: Array) -> Array:
        """When the records at these places could be read: f8 (n,), infinite for those that were in no block."""
        found = np.full(len(offset), np.inf)
        for number in np.unique(partition).tolist():
            ends = self.ends.get((topic, number))
            if not ends:
                continue
            rows = np.flatnonzero(partition == number)
            lasts, times = np.array([last for last, _ in ends]), np.array([at for _, at in ends])
            place = np.searchsorted(lasts, offset[rows])
            there = place < len(lasts)
            found[rows[there]] = times[place[there]]
        return found


def read_blocks(log: Path) -> Blocks:
    """From the lines that the sink has logged so far."""
    blocks = Blocks()
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if SAID in line:
                said = json.loads(line)
                at = datetime.fromisoformat(said["timestamp"]).timestamp()
                blocks.add(said["topic"], said["rows"], [tuple(part) for part in said["parts"]], at)
    return blocks
