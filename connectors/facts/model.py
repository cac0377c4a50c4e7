"""A fact from outside, as a row of a file says it, and as a record of the topic `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.statement_frames import MOST_SECS

OPEN = 0
"""`until` of an outage that has not ended."""
UNSAID = 0
"""`revision` where a row has none: it is then the time at which it is handed on."""
LARGEST_POINT = 2**63 - 1
LARGEST_NODE = 2**31 - 1


class FactKind(StrEnum):
    """What is said."""

    OUTAGE = "OUTAGE"
    TEMPERATURE = "TEMPERATURE"
    CHECK = "CHECK"
    NEIGHBOURS = "NEIGHBOURS"


SUBJECTS = {
    FactKind.OUTAGE: ("service_point", "node"),
    FactKind.TEMPERATURE: ("place", "node", "service_point"),
    FactKind.CHECK: ("service_point",),
    FactKind.NEIGHBOURS: ("service_point",),
}
"""What a fact of a kind may be about."""


@dataclass(frozen=True)
class Fact:
    """One fact. What it is about: a service point (as text, for files name them as they like), a node, or a place.

    start, until: epoch seconds UTC, the end not included; until OPEN: not ended, or no end. value: tenths of a degree
    Celsius of TEMPERATURE, Wh or VAh of CHECK. revision: of two facts of the same id the larger one holds.
    """

    kind: FactKind
    point: str = ""
    node: int = 0
    place: str = ""
    start: int = 0
    until: int = OPEN
    confirmed: bool = True
    value: int = 0
    channel: str = ""
    neighbours: tuple[str, ...] = ()
    source: str = ""
    why: str = ""
    id: str = ""
    revision: int = UNSAID


def key_of(fact: Fact) -> bytes:
    """Key of its record: what is said of one subject stays in order."""
    return subject_of(fact).encode()


def subject_of(fact: Fact) -> str:
    """What a fact is about, as text: `point/7`, `node/3`, `place/Pune`."""
    if fact.point:
        return f"point/{fact.point}"
    return f"node/{fact.node}" if fact.node else f"place/{fact.place}"


def id_of(fact: Fact) -> str:
    """The id that it was given, else one made of what it is about and its begin."""
    channel = f"/{fact.channel}" if fact.channel else ""
    return fact.id or f"{fact.kind.lower()}/{subject_of(fact)}/{fact.start}{channel}"


def record_of(fact: Fact, said_at: int, who: str) -> dict[str, Any]:
    """The record of schema Fact; raises ValueError for service points that are no numbers."""
    return {
        "id": id_of(fact),
        "kind": fact.kind.value,
        "revision": fact.revision or said_at,
        "service_point": number_of(fact.point) if fact.point else 0,
        "node": fact.node,
        "place": fact.place,
        "from_time": fact.start,
        "until_time": fact.until or None,
        "confirmed": fact.confirmed,
        "temperature": fact.value if fact.kind is FactKind.TEMPERATURE else None,
        "channel": fact.channel if fact.kind is FactKind.CHECK else "",
        "energy": fact.value if fact.kind is FactKind.CHECK else None,
        "neighbours": [{"service_point": number_of(one)} for one in fact.neighbours],
        "source": fact.source,
        "who": who,
        "why": fact.why,
        "said_at": said_at,
    }


def misfit(fact: Fact) -> str:
    """What keeps a fact from being a record of the topic; empty when nothing does."""
    about = [name for name, said in (("service_point", fact.point), ("node", fact.node), ("place", fact.place)) if said]
    wanted = SUBJECTS[fact.kind]
    if len(about) != 1 or about[0] not in wanted:
        return f"it is about {' and '.join(about) or 'nothing'}: give it one of {', '.join(wanted)}"
    if fact.kind is FactKind.OUTAGE and fact.until and fact.until - fact.start > MOST_SECS:
        return f"an outage of more than {MOST_SECS // 86_400} days"
    try:
        record_of(fact, 0, "")
    except ValueError as error:
        return str(error)
    return ""


def number_of(point: str) -> int:
    """A service point's number; raises ValueError."""
    if not (point.isascii() and point.isdecimal()) or not 0 < int(point) <= LARGEST_POINT:
        raise ValueError(f"service point {point[:40]!r} is no number from 1 on")
    return int(point)
