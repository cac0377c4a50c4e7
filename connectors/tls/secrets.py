"""Files of passwords and keys: read at the start, refused when too many may read them, never repeated in a message."""

from __future__ import annotations

import stat
from pathlib import Path

from pipeline.errors import ConfigError

ALL, OTHERS = 0o007, 0o077
"""Who may not: everybody (a service's group may read its key), or anybody but the owner."""


def read_secret(path: Path, nobody_of: int = OTHERS) -> bytes:
    """What is in the file; raises ConfigError when it cannot be read, or can be read by those who must not."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        octets = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "SECRET_UNREADABLE", where=str(path), what=str(error), do="name a file that this process may read"
        ) from error
    if mode & nobody_of:
        raise ConfigError(
            "SECRETS_OPEN", where=str(path), what=f"its mode is {mode:03o}: others may read it",
            do="chmod 600 it" if nobody_of == OTHERS else "chmod 640 it, or 600",
        )  # fmt: skip
    return octets


def read_password(path: Path) -> str:
    """A password, without the end of its line; raises ConfigError as above, and for an empty file."""
    try:
        found = read_secret(path).decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise ConfigError("SECRET_UNREADABLE", where=str(path), what="it is no text", do="write it in UTF-8") from error
    if not found:
        raise ConfigError("SECRET_UNREADABLE", where=str(path), what="it is empty", do="write the password into it")
    return found
