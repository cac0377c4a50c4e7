"""One record of the topics `rejects` and `parked`, by its name, and which of them somebody means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors.gather.gatherer import Aside
from pipeline.reading_frames import FIRST_OCTET as READINGS
from pipeline.rejects import RAW_LIMIT
from pipeline.retry import REQUEUED, times_in
from pipeline.statement_frames import FIRST_OCTET as STATEMENT
from pipeline.wire import Reference


@dataclass(frozen=True)
class Rejected:
    """A record of schema Reject, and its place in its topic."""

    topic: str
    partition: int
    offset: int
    record: Mapping[str, Any]
    among: bool = False
    """Whether several topics are looked at, so that a place in one of them is named with the topic."""

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.record["code"])

    @property
    def device(self) -> int:
        """The device; 0 when not known."""
        name = self.record["device"]
        return int(name, 16) if name else 0

    @property
    def raw(self) -> bytes:
        """The frame as it came."""
        return bytes(self.record["raw"])

    @cached_property
    def times(self) -> int:
        """How often it had been offered again before."""
        return times_in(self.record["detail"])

    @cached_property
    def name(self) -> str:
        """What commands call it: of what comes from a log the same in the topic, in a copy of it, in the warehouse."""
        return name_of(self.record, self.partition, self.offset, self.topic if self.among else "")

    @cached_property
    def frame(self) -> bytes:
        """What tells its frame from others: 16 octets made of the device and the frame's own."""
        device = self.device.to_bytes(8, "big")
        return hashlib.blake2b(device + self.raw, digest_size=16).digest()

    @property
    def whole(self) -> bool:
        """Whether it has all octets of a frame; what a stage behind decode refuses are rows."""
        return 0 < len(self.raw) < RAW_LIMIT and self.record["time"] is None

    @property
    def unfounded(self) -> bool:
        """Whether it looks like readings of a head-end or a statement, and nothing says that a connector made it.

        What a stage refused was in the log of frames, and those let none in that a meter or gateway sent. What a
        connector refused may be such a one; and a record that cannot be read is no frame.
        """
        founded = self.record["stage"] != "connector" and self.record["frame"] >= 0
        return self.raw[:1] in (bytes([READINGS]), bytes([STATEMENT])) and not founded

    def reference(self) -> Reference:
        """What says in the log of frames that the frame is offered again, once more than before."""
        return Reference(REQUEUED, self.topic, self.partition, self.offset, b"", str(self.times + 1).encode())


def of_parked(aside: Aside, topic: str) -> Reference:
    """The same of a frame that was parked in this process, where no log gave it a place."""
    return Reference(REQUEUED, topic, -1, -1, aside.device.to_bytes(8, "big"), b"1")


def name_of(record: Mapping[str, Any], partition: int, offset: int, topic: str = "") -> str:
    """Name of a reject: by its origin, or by its place in its own topic when it comes from no log."""
    if record["source_offset"] < 0:
        return f"{record['stage']}@{topic}{'/' if topic else ''}{partition}-{offset}"
    return f"{record['stage']}-{record['source_partition']}-{record['source_offset']}-{record['source_index']}"


@dataclass(frozen=True)
class Choice:
    """Which rejects are meant; what is empty or None lets all pass.

    since, until: epoch seconds of `received_at`, the end not included. origins: (topic or connector that the octets
    were read from, partition or None).
    """

    codes: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    devices: frozenset[int] = frozenset()
    points: frozenset[int] = frozenset()
    since: int | None = None
    until: int | None = None
    origins: frozenset[tuple[str, int | None]] = frozenset()
    names: frozenset[str] = field(default_factory=frozenset)

    def takes(self, rejected: Rejected) -> bool:
        """Whether it is one of them."""
        record = rejected.record
        place = (record["topic"], record["partition"])
        return (
            (not self.codes or record["code"] in self.codes)
            and (not self.stages or record["stage"] in self.stages)
            and (not self.devices or rejected.device in self.devices)
            and (not self.points or record["service_point"] in self.points)
            and (self.since is None or record["received_at"] >= self.since)
            and (self.until is None or record["received_at"] < self.until)
            and (not self.origins or bool(self.origins & {place, (place[0], None)}))
            and (not self.names or rejected.name in self.names)
        )
