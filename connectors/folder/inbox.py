"""The folder: which files are complete, and where they go when they have been read. Blocks: call it in a thread."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.folder.config import FolderConfig
from pipeline.errors import ConfigError, Fatal

UNFINISHED = (".tmp", ".part")
REPORT = ".report.json"

Mark = tuple[int, int, int]
"""Octets, time of change and inode of a file."""


def printable(name: str) -> str:
    """A file's name as text that can be written: octets of it that are no UTF-8 as \\xff."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _mark(state: os.stat_result) -> Mark:
    return state.st_size, state.st_mtime_ns, state.st_ino


@dataclass
class Inbox:
    """Files by name; `_seen`: size and time of change of each, and since when they are so."""

    config: FolderConfig
    _seen: dict[str, tuple[Mark, float]] = field(default_factory=dict)

    def open(self) -> None:
        """Make the folders; raises ConfigError when that cannot be."""
        for folder in (self.config.path, self.done, self.failed):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError("FOLDER_ABSENT", where=str(folder), what=str(error), do="correct the path") from error

    @property
    def done(self) -> Path:
        """Where files go that were read."""
        return self.config.path / self.config.done

    @property
    def failed(self) -> Path:
        """Where files go that could not be read."""
        return self.config.path / self.config.failed

    def complete(self, now: float) -> list[Path]:
        """Complete files by name; `now`: seconds of a clock that only goes forward."""
        seen: dict[str, tuple[Mark, float]] = {}
        found = []
        for path in sorted(self.config.path.glob(self.config.pattern)):
            if path.name.startswith(".") or path.name.endswith((*UNFINISHED, REPORT)):
                continue
            try:
                state = path.stat()
                if not path.is_file():
                    continue
            except OSError:  # it has gone meanwhile
                continue
            mark = _mark(state)
            before, since = self._seen.get(path.name, (None, now))
            seen[path.name] = (mark, since if before == mark else now)
            if before == mark and now - since >= self.config.quiet_secs:
                found.append(path)
        self._seen = seen
        return found

    def put_away(self, path: Path, report: Mapping[str, Any], *, failed: bool) -> Path | None:
        """Write the report beside where the file goes, then move it; where it went.

        None for a file that is not as it was when it was found complete: what came to it was not read, so it stays,
        and is complete again later.

        In this order: after a crash between the two the file is read again, and the report written again. Raises Fatal
        when it cannot be moved: it would be read again and again.
        """
        target = _free(self.failed if failed else self.done, path)
        written = target.with_name(target.name + REPORT)
        draft = written.with_name(f".{written.name}.tmp")
        try:
            draft.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            if path.name in self._seen and _mark(path.stat()) != self._seen[path.name][0]:
                draft.unlink()
                return None
            draft.replace(written)
            path.replace(target)
        except OSError as error:
            raise Fatal(
                "FILE_NOT_MOVED", where=printable(str(path)), what=str(error),
                do="let the connector write to `done` and `failed`, on the file system of `path`",
            ) from error  # fmt: skip
        self._seen.pop(path.name, None)
        return target


def _free(folder: Path, path: Path) -> Path:
    """A name that no other file has there."""
    target, number = folder / path.name, 2
    while target.exists():
        target = folder / f"{path.stem}.{number}{path.suffix}"
        number += 1
    return target
