"""Keys of the meters: of the newest sealed store in the folder, by device."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from connectors.dlms_pull.sessions import KeyPair
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_VARIABLE, open_sealed
from pipeline.reference import KeyRing


class KeySource:
    """Looks for a newer store when asked; a new association then uses the keys that are in force by `now`."""

    def __init__(self, folder: Path, master: bytes | None, now: Callable[[], float] = time.time) -> None:
        self._folder, self._master, self._now = folder, master, now
        self._path: Path | None = None
        self._ring: KeyRing | None = None

    def refresh(self) -> bool:
        """Read a store that is newer than the one in use; whether there was one. Raises ConfigError."""
        found = sorted(self._folder.glob("*.keys"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        if not found or found[-1] == self._path:
            return False
        if self._master is None:
            raise ConfigError("MASTER_KEY_MISSING", where=str(found[-1]), what="the key store is sealed",
                              do=f"set {MASTER_VARIABLE} or {MASTER_VARIABLE}_FILE")  # fmt: skip
        self._ring = open_sealed(found[-1].read_bytes(), self._master)
        self._path = found[-1]
        return True

    def of(self, device: int) -> KeyPair | None:
        """Keys of a device for suites 0 and 1, or None."""
        if self._ring is None or not len(self._ring.rows_of(device)):
            return None
        pair = self._ring.pair_of(device, int(self._now()))
        return None if pair is None else KeyPair(*pair)
