"""The file sink: each block is one file, whole from the moment it has its name.

Guarantees: a file's name says which offsets of which partition it holds, so a block that is written again has the same
name and the same octets, and nothing is doubled. A file is written beside its place, made durable, and renamed: who
picks files up never sees half of one. Names that begin with a point are not finished.
"""

from __future__ import annotations

import os
import uuid
import zlib
from pathlib import Path

from pipeline.columns import Array
from pipeline.errors import ConfigError, Transient
from pipeline.reference import Registry
from sinks.base import Sink
from sinks.documents import FORMATS, schemas_of
from sinks.documents.division import of_points, points_of
from sinks.documents.rows import document_rows
from sinks.files.config import FilesConfig
from sinks.records import Block, Record

MARK = ".kvarn-sink"
"""File with the folder's identity: a folder that was emptied or exchanged is another one."""


class FilesSink(Sink):
    """`type: files` in topologies.yaml."""

    def __init__(self, config: FilesConfig) -> None:
        super().__init__(config.blocks)
        self.config = config
        self.format = FORMATS[config.format]
        self.schemas = schemas_of(config.format)
        self._points: Array | None = None

    def open(self) -> None:
        """Make the folder; raises ConfigError when it cannot be written to."""
        folder = self.config.folder
        mark = folder / MARK
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not mark.exists():
                _write_durably(mark, f"{uuid.uuid4()}\n".encode())
            self.place = mark.read_text(encoding="ascii").strip()
        except OSError as error:
            raise ConfigError(
                "FOLDER_UNUSABLE",
                where=str(folder),
                what=str(error),
                do="name a folder that this process may write to",
            ) from error

    def write(self, block: Block) -> int:
        """Write a block as a file; raises Transient when the disk is full or away."""
        records = self._of_division(block.records)
        if not document_rows(records):
            return 0
        path = self.path_of(block)
        try:
            if not path.exists():
                self._check_room()
                path.parent.mkdir(exist_ok=True)
                _write_durably(path, self.format.render(records, path.stem, self.config.timezone))
        except OSError as error:
            raise Transient(
                "FOLDER_AWAY", where=str(path), what=str(error), do="bring the folder back, or give its disk more room"
            ) from error
        self.moments.reach("sink-in-block")
        return block.rows

    def take_registry(self, version: str, registry: Registry) -> None:
        """Which service points the division has."""
        if self.config.division:
            self._points = points_of(registry, self.config.division)

    def _of_division(self, records: list[Record]) -> list[Record]:
        if not self.config.division:
            return records
        if self._points is None:
            raise Transient(
                "REGISTRY_AWAITED", where=self.config.division, what="there is no registry yet",
                do="publish the registry: kvarn registry apply",
            )  # fmt: skip
        return of_points(records, self._points)

    def path_of(self, block: Block) -> Path:
        """topic/topic-LOG-pPARTITION-FIRST-LAST.ending; LOG is a checksum of the topic's id."""
        log = f"{zlib.crc32(block.log.encode()):08x}"
        parts = "_".join(f"p{part.partition:03}-{part.first:012}-{part.last:012}" for part in block.parts)
        return self.config.folder / block.topic / f"{block.topic}-{log}-{parts}.{self.format.ending}"

    def _check_room(self) -> None:
        state = os.statvfs(self.config.folder)
        free = state.f_bavail * state.f_frsize
        if free < self.config.spare_bytes:
            raise Transient(
                "FOLDER_FULL",
                where=str(self.config.folder),
                what=f"{free >> 20} MiB are free on its disk, of the {self.config.spare_bytes >> 20} that must stay",
                do="give its disk more room, or take files away",
            )

    def close(self) -> None:
        """Nothing is held."""


def _write_durably(path: Path, octets: bytes) -> None:
    beside = path.with_name(f".{path.name.lstrip('.')}.part")
    with beside.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
