"""What a receiver answers: a confirmation with an outcome of each message, or a fault of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.mdus.names import Service
from schemas.mdus.outcomes import Outcome, outcomes_of
from schemas.mdus.xml import UnreadableError, body_of, name_of, parsed, text_at


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
    return Answer(dict(outcomes_of(message, service)))
