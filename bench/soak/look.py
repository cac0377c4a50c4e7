"""One look at everything: memory, lag, frames, brakes and disk, as a line of JSON."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
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

    def take(self, at: float, phase: str) -> dict[str, Any]:
        """What is so now; `at` in seconds from the first push. Memory in bytes: resident, and without shared pages."""
        resident, private = {}, {}
        for name, pid in self.pids.items():
            resident[name], private[name] = memory(pid)
        pages, moment = self.pages.look(), self.watch.look()
        return {
            "at": round(at, 2),
            "phase": phase,
            "rss": resident,
            "private": private,
            "lag": dict(moment.lag),
            "done": dict(moment.done),
            "frames": {
                "sent": self.pusher.sent,
                "accepted": self.pages.accepted(),
                "committed": self.book.committed(),
                "logged": self.book.frames,
                "intervals": self.pusher.intervals,
            },
            "connectors": {
                name: {field: page.get(field) for field in BRAKE_FIELDS} for name, page in pages.items()
            },
            "disk": {name: size_of(folder) for name, folder in self.folders.items()},
        }  # fmt: skip


def memory(pid: int) -> tuple[int, int]:
    """Resident octets of a process and its children, all and those that it shares with nobody's file."""
    process = psutil.Process(pid)
    resident = shared = 0
    for one in (process, *process.children(recursive=True)):
        try:
            info = one.memory_info()
        except psutil.NoSuchProcess:
            continue
        resident += info.rss
        shared += getattr(info, "shared", 0)
    return resident, resident - shared


def size_of(folder: Path) -> int:
    """Octets on disk below a folder; files that vanish meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_blocks * BLOCK_OCTETS
    return total
