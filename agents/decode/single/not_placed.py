"""Why a frame is not used."""

from __future__ import annotations


class NotPlacedError(Exception):
    """A frame that is not used: `code` of pipeline.codes.REJECT_CODES, "" where nothing of it has a place; and why."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
