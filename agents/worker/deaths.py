"""Records at which this process died: noted in a file that outlives it.

Before a record is worked on it is noted as under way, behind it the note is taken back: plain stores into mapped
memory, which the kernel keeps when the process is killed. A machine that stops loses them, but then no record is to
blame.

The file is of one chain, instance and source topic: words i64 in rows of (partition, offset, deaths). Row 0 is the
record under way (`deaths` 1, or 0 for none), the others are records that were under way at a death.
"""

from __future__ import annotations

import mmap
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from agents.worker.settings import WorkerSettings
from pipeline.errors import ConfigError
from pipeline.topology.plan import ChainPlan

log = structlog.get_logger("kvarn.worker")

SUSPECT = 2
"""Deaths at the same record after which it is tried in a process of its own. One may be anybody's SIGKILL."""

PARTITION, OFFSET, COUNT = range(3)
WORDS = 3
MOST_RECORDS = 63
"""Records that are remembered; the newest stay."""

BYTES = 8 * WORDS * (1 + MOST_RECORDS)

Counts = dict[tuple[int, int], int]
"""(partition, offset) -> deaths."""


class Deaths:
    """`enter` and `leave` on the thread of the steps, `passed` on any; `path` None notes nothing on disk."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._counts = {} if path is None else _read(path)
        self._words = memoryview(bytearray(BYTES) if path is None else _mapped(path, self._counts)).cast("q")
        if self._counts:
            log.warning("died before", records=sorted((*place, count) for place, count in self._counts.items()))

    def enter(self, partition: int, offset: int) -> None:
        """The record is under way from here on."""
        words = self._words
        words[PARTITION], words[OFFSET] = partition, offset
        words[COUNT] = 1

    def leave(self) -> None:
        """No record is under way."""
        self._words[COUNT] = 0

    def suspected(self, partition: int, offset: int) -> bool:
        """Whether the process died so often at this record that it is not to be worked on in it."""
        return self._counts.get((partition, offset), 0) >= SUSPECT

    def forget(self, partition: int, offset: int) -> None:
        """The record was worked on without harm."""
        if (partition, offset) in self._counts:
            self._keep({place: count for place, count in self._counts.items() if place != (partition, offset)})

    def passed(self, partition: int, applied: int) -> None:
        """Records of the partition up to `applied` are in its checkpoint, and will not come again."""
        kept = {place: count for place, count in self._counts.items() if place[0] != partition or place[1] > applied}
        if len(kept) != len(self._counts):
            self._keep(kept)

    def close(self) -> None:
        """A clean stop: without anything to remember there is no file."""
        if self._path is not None and not self._counts:
            self._path.unlink(missing_ok=True)

    def _keep(self, counts: Counts) -> None:
        self._counts = counts
        self._words[WORDS:] = memoryview(_bytes(counts)).cast("q")[WORDS:]


def deaths_of(plan: ChainPlan, settings: WorkerSettings, source_id: str) -> Deaths:
    """What is known of the deaths of this worker; raises ConfigError when the folder that was set cannot be used."""
    if settings.scratch == "":
        return Deaths()
    folder = Path(settings.scratch) if settings.scratch is not None else own_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.scratch is None:
            _check_own(folder)
        # Kafka writes its ids in base 64.
        return Deaths(folder / f"{plan.group}-{settings.instance}-{source_id.replace('/', '_')}.deaths")
    except OSError as error:
        if settings.scratch is None:
            log.warning("deaths are not noted", folder=str(folder), reason=str(error))
            return Deaths()
        raise ConfigError(
            "SCRATCH_UNUSABLE", where=f"scratch {folder}", what=str(error), do="name a folder that can be written"
        ) from error


def own_folder() -> Path:
    """The running user's folder below the system's temporary one."""
    return Path(tempfile.gettempdir()) / f"kvarn-{os.getuid()}"


def _check_own(folder: Path) -> None:
    # Anybody may make a folder of this name in a temporary folder that all share, or a link.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} is not this user's alone")


def _read(path: Path) -> Counts:
    """Deaths that are known, with the one that the record under way tells of."""
    raw = path.read_bytes() if path.exists() else b""
    if len(raw) != BYTES:
        return {}
    words = memoryview(raw).cast("q").tolist()
    rows = [words[at : at + WORDS] for at in range(0, len(words), WORDS)]
    counts = {(row[PARTITION], row[OFFSET]): row[COUNT] for row in rows[1:] if row[COUNT] > 0}
    last = rows[0]
    if last[COUNT]:
        place = (last[PARTITION], last[OFFSET])
        # At the end: the newest stay.
        counts[place] = counts.pop(place, 0) + 1
    return counts


def _mapped(path: Path, counts: Mapping[tuple[int, int], int]) -> mmap.mmap:
    """The file made anew and mapped."""
    fresh = path.with_suffix(".new")
    # Written whole: a store into a hole of a file on a full disk would end the process.
    fresh.write_bytes(_bytes(counts))
    fresh.replace(path)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), BYTES)


def _bytes(counts: Mapping[tuple[int, int], int]) -> bytearray:
    made = bytearray(BYTES)
    rows = [(*place, count) for place, count in counts.items()][-MOST_RECORDS:]
    words = memoryview(made).cast("q")
    for number, row in enumerate(rows, 1):
        for word, value in enumerate(row):
            words[number * WORDS + word] = value
    return made
