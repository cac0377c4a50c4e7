"""Keys of the meters: of the newest sealed store in the folder, by device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from connectors.dlms_pull.sessions import KeyPair
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_VARIABLE, open_sealed
from pipeline.lookup import find
from pipeline.reference import KeyRing


class KeySource:
    """Looks for a newer store when asked; a new association then uses its keys."""

    def __init__(self, folder: Path, master: bytes | None) -> None:
        self._folder, self._master = folder, master
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
        """Keys of a device, or None."""
        if self._ring is None:
            return None
        index, keys = self._ring.by_device
        row = int(find(index, keys, np.uint64(device)))
        if row < 0:
            return None
        return KeyPair(bytes(self._ring.encryption[row]), bytes(self._ring.authentication[row]))
