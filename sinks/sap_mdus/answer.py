"""What a receiver answers: a confirmation with an outcome of each message, or a fault of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.mdus.names import Service
from schemas.mdus.xml import UnreadableError, body_of, name_of, parsed, text_at

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


@dataclass(frozen=True)
class Answer:
    """Outcomes by UUID of the message; or `fault`: the whole was refused, `ours`: for what we have sent."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    fault: str = ""
    ours: bool = False


def answer_of(octets: bytes, service: Service) -> Answer:
    """Read an answer; raises UnreadableError when it is neither a confirmation of this service nor a fault."""
    message = body_of(parsed(octets))
    if name_of(message) == "Fault":
        code, text = text_at(message, "faultcode"), text_at(message, "faultstring")
        return Answer(fault=f"{code}: {text}", ours=code.rpartition(":")[2].startswith("Client"))
    if name_of(message) != service.confirmation:
        raise UnreadableError(f"{name_of(message)} in place of {service.confirmation}")
    return Answer({
        text_at(one, "MessageHeader/ReferenceUUID"): _outcome(one) for one in message.findall(service.confirmed)
    })  # fmt: skip


def _outcome(one: object) -> Outcome:
    items = one.findall("Log/Item")  # type: ignore[attr-defined]  # lxml ships no types
    faults = [
        (text_at(item, "TypeID"), text_at(item, "Note")) for item in items
        if _number(text_at(item, "SeverityCode")) >= LEAST_ERROR
    ]  # fmt: skip
    severe = _number(text_at(one, "Log/MaximumLogItemSeverityCode")) >= LEAST_ERROR
    if not faults and (severe or text_at(one, "Log/BusinessDocumentProcessingResultCode") == FAILED):
        faults = [("", "refused without a reason")]
    return Outcome(tuple(faults))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
