"""Frames into a file instead of onto a wire."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from connectors.simulator.frames import Frames
from connectors.simulator.kvf import MAGIC, write_hex, write_item
from connectors.simulator.senders.base import Address
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from pipeline.step import Tick


class FileSender:
    """`.kvf` with registries and ticks, or `.hex`; what stood in the file is replaced."""

    def __init__(self, address: Address) -> None:
        self._path = Path(address.path)
        self._hex = self._path.suffix == ".hex"
        self._out: BinaryIO | None = None

    async def open(self) -> None:
        """Make the file."""
        try:
            self._out = self._path.open("wb")
        except OSError as error:
            raise ConfigError("FILE_NOT_WRITTEN", where=str(self._path), what=str(error),
                              do="choose a place that can be written") from error  # fmt: skip
        if not self._hex:
            self._out.write(MAGIC)

    async def send(self, frames: Frames) -> None:
        """See Sender."""
        self._write(frames)

    async def settle(self) -> None:
        """See Sender."""
        assert self._out is not None
        self._out.flush()

    async def registry(self, registry: Registry) -> None:
        """See Sender."""
        self._write(registry)

    async def tick(self, tick: Tick) -> None:
        """See Sender."""
        self._write(tick)

    async def close(self) -> None:
        """See Sender."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _write(self, item: Frames | Registry | Tick) -> None:
        assert self._out is not None
        (write_hex if self._hex else write_item)(self._out, item)
