"""Codes of edits, once: what people may ask for, why they do, and why an edit may have no effect.

Avro enums, ClickHouse enums and docs/edits.md follow these tables. Numbers are contracts: never reused, never
renumbered; new rows are appended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class EditEvent(IntEnum):
    """What happened to an edit; the first four are said by people, the others answer them."""

    PROPOSED = 1  # a person asks for it
    APPROVED = 2  # a second person agrees
    REFUSED = 3  # a second person does not agree, or the author gives it up
    UNDONE = 4  # a person takes back an edit that is in force
    WAITING = 5  # answer: it can be put in force, and waits for the approval of a second person
    IN_FORCE = 6  # answer: it holds
    CLOSED = 7  # answer: it was refused by a person and never held
    TAKEN_BACK = 8  # answer: it holds no more; what older edits said of its intervals holds again
    REJECTED = 9  # answer: the event has no effect, for the reason in `code`


ASKED = frozenset({EditEvent.PROPOSED, EditEvent.APPROVED, EditEvent.REFUSED, EditEvent.UNDONE})
"""Events of people; each is answered once."""


class EditWhat(IntEnum):
    """What an edit does to its intervals."""

    VALUES = 1  # these values hold, whatever the meter sent or sends
    DISCARD = 2  # what the meter sent is not used: the intervals are estimated
    WITHDRAW = 3  # earlier edits of the intervals hold no more: they are as the meter sent them


@dataclass(frozen=True)
class EditReason:
    """Why a person edits."""

    number: int
    code: str
    meaning: str


EDIT_REASONS: tuple[EditReason, ...] = (
    EditReason(1, "METER_FAULT", "the meter or its register is faulty"),
    EditReason(2, "METER_EXCHANGE", "the meter was exchanged, and readings of the two are mixed up or missing"),
    EditReason(3, "READ_ON_SITE", "the values were read at the meter by a person"),
    EditReason(4, "CHECK_METER", "the values are those of a check meter"),
    EditReason(5, "COMMUNICATION", "readings were damaged or lost on their way"),
    EditReason(6, "CLOCK_FAULT", "the meter's clock was wrong, and energy stands in other intervals than it was used"),
    EditReason(7, "WIRING", "a phase, transformer or multiplying factor was wrong"),
    EditReason(8, "TAMPER", "energy was not recorded because of tamper, and is assessed"),
    EditReason(9, "OUTAGE", "there was no supply"),
    EditReason(10, "TEST", "the meter was tested or put into service"),
    EditReason(11, "GENUINE", "what the meter sent was looked at, and is right"),
    EditReason(12, "AGREED", "agreed with the consumer, or ordered by who decides a dispute"),
    EditReason(13, "ESTIMATE_POOR", "the estimate is not plausible"),
    EditReason(14, "MISTAKE", "an earlier edit was wrong"),
    EditReason(15, "OTHER", "as the text says"),
)

REASON_CODES: tuple[str, ...] = tuple(row.code for row in EDIT_REASONS)


@dataclass(frozen=True)
class EditFault:
    """Why an event of an edit has no effect."""

    code: str
    meaning: str
    next_step: str


EDIT_FAULTS: tuple[EditFault, ...] = (
    EditFault("EDIT_KNOWN", "there is an edit of this id already", "nothing; to ask once more, give it another id"),
    EditFault("EDIT_UNKNOWN", "no edit of this id and service point was proposed", "look for it in the list of edits"),
    EditFault("NOT_WAITING", "the edit does not wait for approval", "look at its state"),
    EditFault("NOT_IN_FORCE", "the edit is not in force", "look at its state; one that waits is refused, not undone"),
    EditFault("SAME_PERSON", "who proposed the edit cannot approve it", "let another person approve it"),
    EditFault("NOT_APPROVER", "this person is not among those who may approve", "let one of them do it"),
    EditFault("AUTHOR_MISSING", "nobody is named who asks for it", "name the person"),
    EditFault("WHY_MISSING", "the reason OTHER needs words", "say why"),
    EditFault("INTERVALS_MISSING", "it names no interval", "name at least one"),
    EditFault("INTERVALS_TOO_MANY", "it names more intervals than an edit may", "split it"),
    EditFault("INTERVAL_TWICE", "an interval is named twice", "name it once"),
    EditFault("POINT_UNKNOWN", "the registry does not know the service point", "correct it, or register it"),
    EditFault("NOT_LINKED", "no meter stands at the service point in the interval", "correct the interval"),
    EditFault("INTERVAL_OTHER", "the interval is not as long as the meter's", "use the length that the registry has"),
    EditFault("OFF_GRID", "the interval does not begin on the meter's grid", "use the begin of an interval"),
    EditFault("IN_FUTURE", "the interval has not ended", "wait until it has"),
    EditFault("VALUE_MISSING", "an interval has no value", "give one, or discard the interval"),
    EditFault("VALUE_UNUSED", "values are given where none is used", "leave them out, or propose values"),
    EditFault("VALUE_NEGATIVE", "a value is negative", "give energy that was used, or that was exported, as it is"),
    EditFault(
        "VALUE_ABOVE_LIMIT", "a value is above what the meter can pass", "correct it; if it is meant, say `override`"
    ),
)

FAULT_BY_CODE = {row.code: row for row in EDIT_FAULTS}
