"""The file of the journal: made, opened by one sink alone, looked into by others, changed within transactions."""

from __future__ import annotations

import fcntl
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import ConfigError
from sinks.sap_mdus.model import TABLES

BUSY_SECS = 10.0


class JournalFile:
    """Use: `open()`; changes within `transaction()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = ""
        self._db: sqlite3.Connection | None = None
        self._held: IO[bytes] | None = None

    @property
    def db(self) -> sqlite3.Connection:
        """The open file."""
        assert self._db is not None, "open() first"
        return self._db

    def open(self) -> None:
        """Open or make the file; raises ConfigError when that cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock()
            db = self._connected()
            db.executescript(TABLES)
            db.execute("INSERT OR IGNORE INTO about VALUES ('id', ?)", (str(uuid.uuid4()),))
            ((self.id,),) = db.execute("SELECT value FROM about WHERE name = 'id'")
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                "JOURNAL_UNUSABLE", where=str(self.path), what=str(error),
                do="name a file that this process alone may write to",
            ) from error  # fmt: skip
        self._db = db

    def look(self) -> None:
        """Open a file that is there, also while a sink has it; raises ConfigError when it is no journal."""
        try:
            self._db = self._connected()
            ((self.id,),) = self._db.execute("SELECT value FROM about WHERE name = 'id'")
        except (sqlite3.Error, ValueError) as error:
            raise ConfigError(
                "JOURNAL_UNUSABLE", where=str(self.path), what=str(error), do="name the journal of a sink"
            ) from error

    def _lock(self) -> None:
        """A second sink, or an old one that has not ended, must not send beside this one."""
        held = self.path.with_name(f"{self.path.name}.lock").open("wb")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            raise
        self._held = held

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECS)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        return db

    def close(self) -> None:
        """Let go of the file."""
        if self._held is not None:
            self._held.close()
            self._held = None
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes in it hold, or none."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
