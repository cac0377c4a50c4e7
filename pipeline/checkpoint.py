"""The order of a checkpoint as a state machine, and the head record that says what a partition's state is.

    copy        between two batches: pages and head, at the last applied offset A
    flush       wait until every output of the batches up to A is acknowledged
    write       pages and head in one transaction
    commit      A + 1 to the consumer group

Why in this order: docs/decisions/0002-checkpoint-order.md.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum

from pipeline.blocks import Ledger
from pipeline.errors import Fatal
from pipeline.state import Layout

HEAD_KEY = b"head"
FORMAT = 1


@dataclass(frozen=True)
class StepHead:
    """One step's state: `shape` is a checksum of its tables, so that a forgotten version is noticed."""

    name: str
    version: int
    shape: int
    capacity: int


@dataclass(frozen=True)
class Head:
    """What belongs to a partition's state beside its pages, as of offset `applied` of the source.

    `tick_time`, `versions`, `sent`, `received` as in `pipeline.runtime.chain.Position`; `records`, `checksum`: of all
    live page records.
    """

    chain: str
    partition: int
    source_id: str
    applied: int
    sequence: int
    tick_time: int
    versions: Mapping[str, str]
    sent: Mapping[str, int]
    received: Mapping[str, int]
    steps: tuple[StepHead, ...]
    records: int = 0
    checksum: int = 0

    def to_bytes(self) -> bytes:
        """JSON with sorted keys."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()

    @staticmethod
    def from_bytes(raw: bytes) -> Head:
        """The inverse; raises Fatal when it is none."""
        try:
            fields = json.loads(raw)
            if fields.pop("format") != FORMAT:
                raise ValueError("another format")
            return Head(**{**fields, "steps": tuple(StepHead(**step) for step in fields["steps"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _unfit("HEAD_UNREADABLE", "head", f"not a head of format {FORMAT}: {error}") from error


def shape_of(layout: Layout) -> int:
    """Checksum of names, types and slices of the tables."""
    text = repr([(table.name, table.dtype.descr, table.slices) for table in layout.tables])
    return zlib.crc32(text.encode())


def sums(ledgers: Sequence[Ledger]) -> tuple[int, int]:
    """(number, checksum) of the live page records of all steps."""
    checksums = [checksum for ledger in ledgers for checksum in ledger.live.values()]
    return len(checksums), sum(checksums) & 0xFFFF_FFFF_FFFF_FFFF


def check_head(head: Head, chain: str, partition: int, source_id: str, layouts: Sequence[Layout]) -> None:
    """Raise Fatal unless the state is of this chain, this partition, this topic and these layouts."""
    wanted = [(layout.step, layout.version, shape_of(layout)) for layout in layouts]
    found = [(step.name, step.version, step.shape) for step in head.steps]
    where = f"{head.chain}/{head.partition}"
    if (head.chain, head.partition) != (chain, partition):
        raise _unfit("STATE_OTHER", where, f"this is not the state of {chain}/{partition}")
    if head.source_id != source_id:
        raise _unfit("SOURCE_OTHER", where, f"the source topic was made anew: its id was {head.source_id}")
    if found != wanted:
        raise _unfit("LAYOUT_OTHER", where, f"steps and layouts are {found}, not {wanted}")


def check_sums(head: Head, ledgers: Sequence[Ledger]) -> None:
    """Raise Fatal unless the page records that were read are those that the head counted."""
    if sums(ledgers) != (head.records, head.checksum):
        raise _unfit(
            "PAGES_OTHER", f"{head.chain}/{head.partition}",
            f"{sums(ledgers)[0]} page records, but the head says {head.records}, or their checksums differ",
        )  # fmt: skip


def check_log(applied: int, low: int, high: int, where: str) -> None:
    """Raise Fatal unless the record after `applied` is in the log, or will be its next; `low`, `high`: its bounds."""
    if not low <= applied + 1 <= high:
        raise _unfit("LOG_OTHER", where, f"the next offset is {applied + 1}, but the log holds {low} to {high - 1}")


class Stage(Enum):
    """Where a partition's checkpoint is."""

    NONE = "none"
    FLUSH = "flush"
    WRITE = "write"
    COMMIT = "commit"


@dataclass
class Progress:
    """How far one source partition is: `applied` in memory, `saved` in the state topic, both last offsets."""

    applied: int
    saved: int
    stage: Stage = Stage.NONE
    _cut: int = -1
    _mark: int = -1

    def admit(self, offset: int) -> bool:
        """Whether to apply a record: False for a copy; raises Fatal when one before it was not seen."""
        if offset <= self.applied:
            return False
        if offset != self.applied + 1:
            raise Fatal(
                "OFFSET_HOLE", where=f"offset {offset}", what=f"the record after {self.applied} was expected",
                do="start again: the position is taken from the checkpoint",
            )  # fmt: skip
        return True

    def apply(self, offset: int) -> None:
        """The record is in the state, and its outputs are handed to the producer."""
        self.admit(offset)
        self.applied = offset

    def copied(self, mark: int) -> None:
        """Pages and head were copied; `mark` closes the outputs up to here (`Deliveries.mark`)."""
        self._expect(Stage.NONE)
        self._cut, self._mark, self.stage = self.applied, mark, Stage.FLUSH

    def flushed(self, acknowledged: int) -> bool:
        """Whether the copies may be written, when all outputs up to the mark `acknowledged` are."""
        self._expect(Stage.FLUSH)
        if acknowledged < self._mark:
            return False
        self.stage = Stage.WRITE
        return True

    def written(self) -> int:
        """The transaction is committed; returns the offset to commit to the group."""
        self._expect(Stage.WRITE)
        self.saved, self.stage = self._cut, Stage.COMMIT
        return self.saved + 1

    def committed(self) -> None:
        """The group has the position; the next checkpoint may begin."""
        self._expect(Stage.COMMIT)
        self.stage = Stage.NONE

    def _expect(self, stage: Stage) -> None:
        if self.stage is not stage:
            raise Fatal(
                "CHECKPOINT_ORDER", where=f"offset {self.applied}",
                what=f"stage {self.stage.value} where {stage.value} is due", do="report it",
            )  # fmt: skip


@dataclass
class Deliveries:
    """Which outputs are acknowledged. Outputs between two marks are counted together.

    A bare count would not do: reports of later outputs may come first, and would stand for the one that is missing.
    """

    _open: dict[int, int] = field(default_factory=lambda: {0: 0})
    _last: int = 0

    def sent(self) -> int:
        """One output more is under way; returns what its report has to name."""
        self._open[self._last] += 1
        return self._last

    def delivered(self, mark: int) -> None:
        """An output that `sent` gave `mark` to is acknowledged."""
        self._open[mark] -= 1

    def mark(self) -> int:
        """Close the outputs sent so far; `acknowledged` reaches this number when all of them are."""
        closed, self._last = self._last, self._last + 1
        self._open[self._last] = 0
        return closed

    @property
    def acknowledged(self) -> int:
        """The highest mark up to which nothing is under way, -1 for none."""
        for mark in sorted(self._open):
            if mark == self._last or self._open[mark]:
                return mark - 1
            del self._open[mark]
        return self._last - 1

    @property
    def under_way(self) -> int:
        """Outputs not acknowledged yet."""
        return sum(self._open.values())


def _unfit(code: str, where: str, what: str) -> Fatal:
    return Fatal(
        code, where=f"state {where}", what=what,
        do="start with the version that wrote it, or remove the state topic and the group's offsets to begin anew from "
        "the log (docs/decisions/0002-checkpoint-order.md)",
    )  # fmt: skip
