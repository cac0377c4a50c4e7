"""Take complete files, hand their readings on, and put each away once Kafka has all of it.

A file that was not put away is read again after a restart: the same file gives the same rows, and VEE drops copies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from connectors.folder.config import FolderConfig
from connectors.folder.inbox import Inbox, printable
from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.readings_in.devices import read_names
from connectors.readings_in.reader import Portion, portions
from connectors.readings_in.records import MOST_RAW, Fault

REPORTED = 1000
"""Refused rows that a report names; all of them are in `rejects`."""

log = structlog.get_logger()


@dataclass
class Taking:
    """A file under way; `open`: portions that Kafka has not acknowledged."""

    path: Path
    octets: int
    registry_version: str
    rows: int = 0
    frames: int = 0
    missing: int = 0
    refused: int = 0
    broken: bool = False
    faults: list[Fault] = field(default_factory=list)
    open: int = 0

    @property
    def name(self) -> str:
        """What rejects and the report call it."""
        return printable(self.path.name)

    def add(self, portion: Portion) -> None:
        """Count a portion."""
        self.rows += portion.rows
        self.frames += len(portion.built.lengths)
        self.missing += portion.missing
        self.refused += len(portion.faults)
        self.broken = self.broken or portion.broken
        self.faults += portion.faults[: max(0, REPORTED - len(self.faults))]
        self.open += 1

    def acknowledge(self) -> None:
        """Kafka has a portion."""
        self.open -= 1

    @property
    def failed(self) -> bool:
        """It could not be read to its end, or nothing of it could."""
        return self.broken or (self.refused > 0 and not self.rows)

    def report(self, config: FolderConfig) -> dict[str, Any]:
        """What is written beside the file: rows used, of no value, and refused; which were refused and why."""
        return {
            "file": self.name,
            "head_end": config.head_end,
            "format": config.format,
            "octets": self.octets,
            "rows": self.rows,
            "frames": self.frames,
            "missing": self.missing,
            "refused": self.refused,
            "read_to_the_end": not self.broken,
            "registry_version": self.registry_version,
            "faults": [
                {"row": fault.place, "column": fault.column, "code": fault.code, "reason": fault.reason}
                for fault in self.faults
            ],
        }


async def run(config: FolderConfig, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None) -> None:
    """Look at the folder until `stop`; raises ConfigError for folders and names that cannot be used."""
    inbox, names = Inbox(config), read_names(config.names)
    await asyncio.to_thread(inbox.open)
    log.info("watching", connector="folder", path=str(config.path), pattern=config.pattern)
    if ready is not None:
        ready.set()
    while not stop.is_set():
        for path in await asyncio.to_thread(inbox.complete, time.monotonic()):
            if stop.is_set() or not await _take(path, config, names, inbox, pump, stop):
                break
        try:
            await asyncio.wait_for(stop.wait(), config.look_secs)
        except TimeoutError:
            continue


async def _take(
    path: Path, config: FolderConfig, names: Mapping[str, int], inbox: Inbox, pump: Pump, stop: asyncio.Event
) -> bool:
    """Read a file; False when it was left for later, and those behind it too."""
    config = config.of(path)
    try:
        octets = (await asyncio.to_thread(path.stat)).st_size
        taking = Taking(path, octets, pump.registry_version)
        with await asyncio.to_thread(path.open, "rb") as stream:
            first = stream.read(MOST_RAW)
            stream.seek(0)
            parts = portions(stream, config, names, pump.registry, first)
            while (portion := await asyncio.to_thread(_following, parts)) is not None:
                if not await pump.room(stop):
                    return False
                _offer(portion, taking, pump)
    except OSError as error:
        log.warning("not read, left where it is", connector="folder", file=printable(path.name), error=str(error))
        return False
    if not await _acknowledged(taking, pump, stop):
        return False
    target = await asyncio.to_thread(inbox.put_away, path, taking.report(config), failed=taking.failed)
    if target is None:
        log.warning("changed while it was read, read again later", connector="folder", file=taking.name)
        return True
    to = printable(str(target))
    log.info("read", connector="folder", file=taking.name, rows=taking.rows, refused=taking.refused, to=to)
    return True


def _following(parts: Iterator[Portion]) -> Portion | None:
    return next(parts, None)


def _offer(portion: Portion, taking: Taking, pump: Pump) -> None:
    taking.add(portion)
    built = portion.built
    refused = portion.asides(pump.now, (taking.name, -1, -1))
    pump.offer(built.payload, built.offsets, built.lengths, 0, taking.acknowledge, refused)


async def _acknowledged(taking: Taking, pump: Pump, stop: asyncio.Event) -> bool:
    """Wait for Kafka to have all of a file: as long as it takes while the pump runs, for a while when it stops."""
    pump.cut()
    waited = 0.0
    while taking.open:
        await asyncio.sleep(0.01)
        waited += 0.01 if stop.is_set() else 0.0
        if waited > HAND_ON_SECS:
            log.warning("not acknowledged, read again later", connector="folder", file=taking.name)
            return False
    return True
