"""Whether a run fits on the disk."""

from __future__ import annotations

import shutil
import tempfile

from pipeline.errors import ConfigError


def check_room(octets: int, fewer: str) -> None:
    """Raise ConfigError when the disk of temporary files has no room for `octets`; `fewer` is the option that helps."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < octets:
        raise ConfigError(
            "DISK_SMALL", where=tempfile.gettempdir(),
            what=f"{free >> 30} GiB are free, the run may need {octets >> 30}",
            do=f"give fewer {fewer}, or set TMPDIR to a larger disk",
        )  # fmt: skip
