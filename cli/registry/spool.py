"""Versions that the log may name already and that are not published yet: kept beside the mark until they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.reference import version_of
from pipeline.runtime.references import KEYS, KeyFolder

SPOOL = "publishing"
"""Folder in the key folder: a file for each kind, and the names."""

NAMES = "names"


def keep(folder: KeyFolder, names: Mapping[str, str], raw: Mapping[str, bytes]) -> None:
    """Keep these versions; keys, which are in the key folder already, by name only. The names come last: without them
    nothing is kept.
    """
    spool = folder.folder / SPOOL
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    (spool / NAMES).unlink(missing_ok=True)
    for kind, data in sorted(raw.items()):
        if kind != KEYS:
            _write(spool / kind, data)
    _write(spool / NAMES, json.dumps(dict(sorted(names.items()))).encode())


def kept(folder: KeyFolder) -> tuple[dict[str, str], dict[str, bytes]] | None:
    """Names and bytes of what was kept and not dropped; None when there is nothing."""
    spool = folder.folder / SPOOL
    if not (spool / NAMES).is_file():
        return None
    try:
        names = json.loads((spool / NAMES).read_bytes())
        raw = {kind: (spool / kind).read_bytes() for kind in names if kind != KEYS}
    except (OSError, ValueError) as error:
        raise _damaged(spool, str(error)) from error
    for kind, data in raw.items():
        if version_of(data) != names[kind]:
            raise _damaged(spool, f"{kind} is not version {names[kind]}")
    return names, raw


def drop(folder: KeyFolder) -> None:
    """Everything is published: keep nothing."""
    spool = folder.folder / SPOOL
    for path in [spool / NAMES, *sorted(spool.iterdir())]:
        path.unlink(missing_ok=True)
    spool.rmdir()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _damaged(spool: Path, what: str) -> ConfigError:
    return ConfigError("SPOOL_DAMAGED", where=str(spool), what=what,
                       do="apply the files of the run that failed again, after removing the folder")  # fmt: skip
