"""One look at everything: memory, lag, frames, brakes and disk, as a line of JSON."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.soak.book import Book
from bench.soak.push import Pusher
from bench.throughput.watch import Watch
from cli.demo.kafka import status

BRAKE_FIELDS = ("behind_octets", "braking", "braked_secs", "stopped_secs", "waiting_octets", "received",
                "acknowledged", "aside", "parked")  # fmt: skip

BLOCK_OCTETS = 512
"""Of `st_blocks`, whatever the file system's own blocks."""


@dataclass
class Pages:
    """Status pages of the connectors; one that does not answer keeps what it said last. `pushed` are counted."""

    ports: Mapping[str, int]
    pushed: frozenset[str]

    def __post_init__(self) -> None:
        self.last: dict[str, dict[str, Any]] = {name: {} for name in self.ports}

    def look(self, names: frozenset[str] | None = None) -> dict[str, dict[str, Any]]:
        """Pages by connector."""
        for name, port in self.ports.items():
            if names is None or name in names:
                self.last[name] = status(port) or self.last[name]
        return self.last

    def accepted(self) -> int:
        """Frames that Kafka has acknowledged to them."""
        pages = self.look(self.pushed)
        return sum(pages[name].get("acknowledged", 0) for name in self.pushed)


@dataclass
class Look:
    """Where to look. `folders`: name -> a folder whose size counts."""

    pids: Mapping[str, int]
    watch: Watch
    pages: Pages
    pusher: Pusher
    book: Book
    folders: Mapping[str, Path]

    def __post_init__(self) -> None:
        self._scales = {name: Scale(pid) for name, pid in self.pids.items()}

    def weigh(self) -> None:
        """Look at the memory alone; a look tells the mean."""
        for scale in self._scales.values():
            scale.weigh()

    def take(self, at: float, phase: str) -> dict[str, Any]:
        """What is so now; `at` in seconds from the first push.

        Memory in bytes, since the last look: mean resident, mean without pages of files, most resident.
        """
        resident, private, peak = {}, {}, {}
        for name, scale in self._scales.items():
            resident[name], private[name], peak[name] = scale.read()
        pages, moment = self.pages.look(), self.watch.look()
        return {
            "at": round(at, 2),
            "phase": phase,
            "rss": resident,
            "private": private,
            "peak": peak,
            "lag": dict(moment.lag),
            "done": dict(moment.done),
            "frames": {
                "sent": self.pusher.sent,
                "accepted": self.pages.accepted(),
                "committed": self.book.committed(),
                "logged": self.book.frames,
                "intervals": self.pusher.intervals,
            },
            "offered_per_s": self.pusher.rate and round(self.pusher.rate),
            "connectors": {
                name: {field: page.get(field) for field in BRAKE_FIELDS} for name, page in pages.items()
            },
            "disk": {name: size_of(folder) for name, folder in self.folders.items()},
        }  # fmt: skip


@dataclass
class Scale:
    """Resident memory of a process and its children, weighed several times between two looks: merges and batches come
    and go within moments, and a mean says more of growth than one of those moments."""

    pid: int
    _family: list[psutil.Process] = field(default_factory=list)
    _weights: list[tuple[int, int]] = field(default_factory=list)

    def weigh(self) -> None:
        """Take a weight: octets that are resident, and those of them that are no file's."""
        if not self._family:
            itself = psutil.Process(self.pid)
            self._family = [itself, *itself.children(recursive=True)]
        resident = shared = 0
        for process in self._family:
            try:
                info = process.memory_info()
            except psutil.NoSuchProcess:
                if process.pid == self.pid:
                    raise
                continue
            resident += info.rss
            shared += getattr(info, "shared", 0)
        self._weights.append((resident, resident - shared))

    def read(self) -> tuple[int, int, int]:
        """Mean resident, mean private, most resident octets since the last time."""
        self.weigh()
        taken, self._weights, self._family = self._weights, [], []
        resident, private = ([weight[place] for weight in taken] for place in (0, 1))
        return sum(resident) // len(taken), sum(private) // len(taken), max(resident)


def size_of(folder: Path) -> int:
    """Octets on disk below a folder; files that vanish meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_blocks * BLOCK_OCTETS
    return total
