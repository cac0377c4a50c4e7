"""What an APDU says, before anybody asks which quantity that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.decode.single.octets import FrameError
from pipeline.axdr import Datum


@dataclass(frozen=True)
class Attribute:
    """An attribute (or method) of an object, or an element of it (`index`, 0 for all)."""

    class_id: int
    obis: str
    number: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.class_id}/{self.obis}/{self.number}"


@dataclass(frozen=True)
class Answer:
    """One value that an APDU carries: of which attribute, if it says so; or the result in place of the value."""

    attribute: Attribute | None = None
    datum: Datum | None = None
    result: str | None = None


@dataclass(frozen=True)
class Block:
    """A piece of something longer. `apdu`: it is joined to an APDU, else to a Data of `service`."""

    service: int
    invoke: int
    number: int
    last: bool
    octets: bytes
    apdu: bool = False


@dataclass
class Message:
    """An APDU: its name with the kind of its service, facts, date-time (12 octets or none) and values.

    `inner`: an APDU inside it; `dedicated`: the key that an association agrees on; `fault`: why it could be read only
    in part.
    """

    name: str
    details: dict[str, Any] = field(default_factory=dict)
    time: bytes = b""
    answers: list[Answer] = field(default_factory=list)
    block: Block | None = None
    inner: bytes = b""
    dedicated: bytes = b""
    fault: FrameError | None = None
