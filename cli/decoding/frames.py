"""Frames for `kvarn decode`: one a line, in hex, in base64, or in the JSON of a gateway."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from agents.decode.single.envelopes import payloads
from agents.decode.single.octets import FrameError
from pipeline.errors import ConfigError


def frames_of(given: list[str] | None, file: Path | None) -> Iterator[bytes]:
    """Octets of each frame; raises ConfigError for a line that is no frame in any of these forms."""
    if given:
        lines = given
    elif file is not None:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    else:
        lines = sys.stdin.read().splitlines()
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _frame(number, line)


def _frame(number: int, line: str) -> bytes:
    text = "".join(line.split()).replace(":", "")
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        # Text in another form goes on as it is: its envelope is opened where frames are described.
        octets = line.strip().encode("utf-8", "replace")
        first = next(iter(payloads(octets)), None)
        if first is not None and (isinstance(first, FrameError) or first.form):
            return octets
        raise ConfigError(
            "NOT_HEX", where=f"frame {number}", what=str(error), do="give pairs of 0-9, A-F, or base64, or JSON"
        ) from error
