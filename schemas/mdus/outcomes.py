"""What a confirmation says of each message: accepted, or refused with the errors of its log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.mdus.names import Service
from schemas.mdus.xml import text_at

LEAST_ERROR = 3
"""SeverityCode of a log item from which on it is an error; below: information, warning."""
FAILED = "5"
"""BusinessDocumentProcessingResultCode of what was not done."""


@dataclass(frozen=True)
class Outcome:
    """Of one message: its errors as (TypeID, note); none: it is accepted."""

    faults: tuple[tuple[str, str], ...] = ()

    @property
    def types(self) -> set[str]:
        """TypeIDs of the errors."""
        return {kind for kind, _ in self.faults}

    @property
    def note(self) -> str:
        """All errors, for a person."""
        return "; ".join(f"{kind}: {note}" if kind else note for kind, note in self.faults)


def outcomes_of(confirmation: Any, service: Service) -> Iterator[tuple[str, Outcome]]:
    """(UUID of the message, its outcome) of a confirmation: the root element."""
    for one in confirmation.findall(service.confirmed):
        yield text_at(one, "MessageHeader/ReferenceUUID"), _outcome(one)


def _outcome(one: Any) -> Outcome:
    faults = [
        (text_at(item, "TypeID"), text_at(item, "Note")) for item in one.findall("Log/Item")
        if _number(text_at(item, "SeverityCode")) >= LEAST_ERROR
    ]  # fmt: skip
    severe = _number(text_at(one, "Log/MaximumLogItemSeverityCode")) >= LEAST_ERROR
    if not faults and (severe or text_at(one, "Log/BusinessDocumentProcessingResultCode") == FAILED):
        faults = [("", "refused without a reason")]
    return Outcome(tuple(faults))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
