"""What a reject waits for before it is worth another try, once; and the mark of one that has had some.

A frame that is offered again comes back as a record of `frames` with a reference for each of its frames, of the kind
REQUEUED: the place of the reject that it was, and how often it has been offered again, in digits. When it is refused
once more the mark at the end of the reject's detail says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from pipeline.columns import Array
from pipeline.errors import ContractError

REQUEUED = "requeued"
"""Kind of reference: the frame with its number among the frames of the record is offered again."""

MOST_TRIES = 5
"""Times that a frame is offered again by itself, and by the command unless it says more."""

_MARK = re.compile(r"; requeued (\d{1,6})$")
_MOST = 999_999


class Retry(IntEnum):
    """What must change before a reject is worth another try."""

    NEVER = 0  # nothing: the same octets are refused for ever, or what they say is there already
    KEYS = 1  # a keys version in force that has another key for the device, or its first one
    REGISTRY = 2  # a registry version in force that says something else of the device
    PERSON = 3  # a Kvarn version or a setting that takes it; only a person knows, and names the code


RETRIES: Mapping[str, Retry] = {
    "DEVICE_UNKNOWN": Retry.REGISTRY,
    "FRAME_UNREADABLE": Retry.PERSON,
    "FRAME_TOO_LONG": Retry.PERSON,
    "APDU_UNKNOWN": Retry.PERSON,
    "SECURITY_UNSUPPORTED": Retry.PERSON,
    "KEY_UNKNOWN": Retry.KEYS,
    "DECRYPT_FAILED": Retry.KEYS,
    "COUNTER_TOO_OLD": Retry.PERSON,
    "DATA_MALFORMED": Retry.PERSON,
    "TEMPLATE_UNKNOWN": Retry.REGISTRY,
    "NOT_LINKED": Retry.REGISTRY,
    "POISON": Retry.PERSON,
}
"""Reject code -> what it waits for; NEVER for those that are not here."""


def retry_of(code: str) -> Retry:
    """What a reject with this code waits for."""
    return RETRIES.get(code, Retry.NEVER)


def by_itself(code: str) -> bool:
    """Whether a new version can be all that it waits for."""
    return retry_of(code) in (Retry.KEYS, Retry.REGISTRY)


def marked(times: int) -> str:
    """End of the detail of a reject whose frame was offered again `times` times; empty for 0."""
    return f"; requeued {min(times, _MOST)}" if times else ""


def times_in(detail: str) -> int:
    """How often the frame of a reject with this detail had been offered again."""
    found = _MARK.search(detail)
    return int(found[1]) if found else 0


def times_of(references: Sequence[Mapping[str, Any]], frames: int) -> Array | None:
    """Times u32 (frames,) that each frame of a record was offered again; None when it holds no such frame.

    Raises ContractError when the references are not one a frame.
    """
    again = [reference["value"] for reference in references if reference["kind"] == REQUEUED]
    if not again:
        return None
    if len(again) != frames or not all(value.isdigit() and len(value) <= len(str(_MOST)) for value in again):
        raise ContractError("REQUEUED_MISFIT", where="FrameBatch.references", what=f"{len(again)} of {frames} frames",
                            do="correct the producer: one reference a frame, in their order")  # fmt: skip
    return np.array([int(value) for value in again], np.uint32)
