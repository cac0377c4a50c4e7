"""Files that a person or another system changes while the connector runs: read again when they have changed."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from connectors.dlms_pull.rows import DirtyRow
from pipeline.errors import ConfigError

T = TypeVar("T")

MOST_NAMED = 20
"""Dirty rows that are logged one by one."""

log = structlog.get_logger()


class WatchedFile(Generic[T]):
    """What a file says. `read` takes its text and gives what it says with the rows that are not used."""

    def __init__(self, path: str, read: Callable[[str], tuple[T, list[DirtyRow]]], secret: bool = False) -> None:
        self._path, self._read, self._secret = Path(path), read, secret
        self._seen: tuple[int, int, int] | None = None
        self.dirty: list[DirtyRow] = []

    def changed(self) -> T | None:
        """What it says when it has changed since the last call, else None; a file that is away has not changed.

        Raises ConfigError when it has secrets and others may read it.
        """
        try:
            found = self._path.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            if mark == self._seen:
                return None
            if self._secret and stat.S_IMODE(found.st_mode) & 0o077:
                raise ConfigError("SECRETS_OPEN", where=str(self._path), what="others may read this file of passwords",
                                  do="chmod 600 it")  # fmt: skip
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            log.warning("not read, what was read before stays", file=str(self._path), reason=str(error))
            return None
        try:
            said, self.dirty = self._read(text)
        except Exception as error:  # noqa: BLE001 - a list that cannot be read ends nobody
            # Its text is not repeated: it may be a password.
            log.warning("not read, what was read before stays", file=str(self._path), reason=type(error).__name__)
            return None
        self._seen = mark
        for row in self.dirty[:MOST_NAMED]:
            log.warning("row not used", file=str(self._path), line=row.line, column=row.column, reason=row.reason)
        log.info("read", file=str(self._path), dirty=len(self.dirty))
        return said

    def needed(self) -> T:
        """What it says at the start; raises ConfigError when it cannot be read."""
        said = self.changed()
        if said is None:
            raise ConfigError("FILE_UNREADABLE", where=str(self._path), what="it is not there, or cannot be read",
                              do="write it; docs/pull.md says what belongs into it")  # fmt: skip
        return said
