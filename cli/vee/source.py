"""A file of interval data: opened, its format found out, read to readings by series; nothing wrong is silent."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from agents.vee.series.placing import Readings
from pipeline.errors import ConfigError

Tell = Callable[[int], None]
"""Called with octets read so far."""

MOST_FAULTS = 1000
HEAD_OCTETS = 4096


@dataclass(frozen=True)
class Asked:
    """What the command line says of a file; None: it is found out."""

    format: str = "auto"
    timezone: str | None = None
    interval: int | None = None
    unit: str | None = None
    stamps: str | None = None


@dataclass
class Content:
    """What a file holds.

    readings: by series and channel, in order of their first place in the file. registers: (series, channel) -> (epoch
    seconds, Wh). extra: series -> rule -> failures of readings that no interval can hold. faults: rows that could not
    be read, as sentences with their place; `fault_count` of them. rounded: values finer than a watt-hour; tails: those
    of them that are tails of binary floats, as 0.30000000000000004 is.
    """

    format: str
    zone: str
    readings: list[Readings] = field(default_factory=list)
    registers: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)
    extra: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    notes: list[str] = field(default_factory=list)
    rounded: int = 0
    tails: int = 0

    def fault(self, text: str) -> None:
        """A row that cannot be read."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def read(path: Path, asked: Asked, tell: Tell) -> Content:
    """The content of a file; raises ConfigError when nothing of it can be used."""
    from cli.vee.csv_file import read_csv
    from cli.vee.formats import read_espi, read_nem12

    with _opened(path) as stream:
        try:
            head = stream.read(HEAD_OCTETS)
            found = format_of(head) if asked.format == "auto" else asked.format
            whole = _Joined(head, stream)
            readers = {"csv": read_csv, "nem12": read_nem12, "espi": read_espi}
            content = readers[found](io.BufferedReader(whole), path.name, asked, tell)
        except (OSError, EOFError, zlib.error) as error:
            raise ConfigError(
                "FILE_UNREADABLE", where=str(path), what=str(error), do="check the file; it may be cut off"
            ) from error
    if not content.readings:
        said = f": {content.faults[0]}" if content.faults else ""
        raise ConfigError(
            "FILE_EMPTY", where=path.name, what=f"no reading could be read{said}", do="correct it, or say --format"
        )
    return content


def _opened(path: Path) -> BinaryIO:
    try:
        stream: BinaryIO = path.open("rb")
    except OSError as error:
        raise ConfigError(
            "FILE_UNREADABLE", where=str(path), what=error.strerror or str(error), do="name a file that is there"
        ) from error
    magic = stream.read(2)
    stream.seek(0)
    # An open file of `gzip` closes what is below it only when that is told to.
    return gzip.open(stream, "rb") if magic == b"\x1f\x8b" else stream  # type: ignore[return-value]


class _Joined(io.RawIOBase):
    """A stream whose begin has been read."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        octets = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :] if self._head else b""
        buffer[: len(octets)] = octets
        return len(octets)


def format_of(head: bytes) -> str:
    """The format of a file that begins so."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return "espi"
    return "nem12" if text[:9].upper().replace(b" ", b"").startswith(b"100,NEM12") else "csv"
