"""UUIDs that follow from what a message is about: made again after a crash, a message has the UUID that it had."""

from __future__ import annotations

import uuid

SPACE = uuid.UUID("6f2b0c56-6f5e-5b0e-9f43-0e0f2a8d9c11")
"""Namespace of the names below (RFC 9562, version 5)."""


def uuid_of(*parts: object) -> str:
    """The UUID of a name that is made of these parts."""
    return str(uuid.uuid5(SPACE, "|".join(map(str, parts))))
