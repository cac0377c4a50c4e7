"""The plain records of what people do: edits of readings, and work on exceptions."""

from __future__ import annotations

import inspect
import re
from enum import IntEnum
from typing import Any

from pipeline.channels import ENERGY
from pipeline.edits import EDIT_REASONS, EditEvent, EditWhat
from pipeline.rules import RULES
from schemas.fields import Field, Record, array, enum, nullable, record

_MEANING = re.compile(r"^    (?P<name>[A-Z_]+) = [^#\n]*#\s*(?P<meaning>.+)$", re.MULTILINE)


def _enum(name: str, doc: str, codes: type[IntEnum]) -> dict[str, Any]:
    """An Avro enum of an IntEnum, whose members have their meaning in the remark beside them."""
    said = {match["name"]: match["meaning"] for match in _MEANING.finditer(inspect.getsource(codes))}
    return enum(name, doc, ((code.name, said[code.name]) for code in codes))


_INTERVAL = record(
    "EditInterval",
    "One interval of an edit.",
    (
        Field("start", "long", "[s] Begin of the interval, epoch seconds UTC."),
        Field("secs", "int", "[s] Its length."),
        *(
            Field(
                channel.name, nullable("long"),
                f"[{channel.unit}] {channel.doc[:1].upper()}{channel.doc[1:]}, times the multiplying factor; null: "
                "nothing is said of it.",
            )
            for channel in ENERGY
        ),
    ),
)  # fmt: skip

EDIT = Record(
    "Edit",
    "An event of an edit's life: what a person asks for, and what the connector of edits answers. All events of a "
    "service point stand in one partition, in their order.",
    (
        Field("id", "string", "Of the edit: chosen by who proposes it, never used again; at most 200 characters."),
        Field("event", _enum("EditEvent", "What happened.", EditEvent), "What happened."),
        Field("service_point", "long", "Service point; a positive id of the registry."),
        Field("what", _enum("EditWhat", "What an edit does.", EditWhat), "What the edit does to its intervals."),
        Field("intervals", array(_INTERVAL), "Of PROPOSED the intervals, in order of time; empty in other events."),
        Field("override", "boolean", "True: values above what the meter can pass are meant."),
        Field(
            "reason",
            enum("EditReason", "Why.", ((row.code, row.meaning) for row in EDIT_REASONS)),
            "Why the person does it; in an answer the reason of the edit.",
        ),
        Field("why", "string", "The same in words of the person; empty where the reason says all."),
        Field("author", "string", "Person whose event it is; the connector in an answer."),
        Field("batch", "string", "Name that edits share which were proposed together; empty for a single one."),
        Field("at", "long", "[s] When it was said, epoch seconds UTC."),
        Field(
            "answers",
            "long",
            "Of an answer 1 + the offset of the event that it answers, in the same partition; 0 in events of people.",
        ),
        Field("code", "string", "Of REJECTED why, as docs/edits.md lists; empty otherwise."),
        Field("detail", "string", "The same for a person, with the interval that it is about; empty otherwise."),
    ),
)

WORK_STATE = (
    ("OPEN", "nobody has it, or it was given back"),
    ("TAKEN", "somebody has it: `owner`"),
    ("ACCEPTED", "what the meter sent stands: an edit was proposed that says so"),
    ("EDITED", "other values were proposed"),
    ("RE_ESTIMATED", "it was proposed to discard what the meter sent"),
    ("CLOSED", "looked at, and nothing is to be done"),
)

EXCEPTION_WORK = Record(
    "ExceptionWork",
    "What somebody does about an exception. The key is (service_point, rule, period_start), as of ReadingException; "
    "the last record of a key holds.",
    (
        Field("service_point", "long", "Service point; a positive id of the registry."),
        Field(
            "rule",
            enum("ReadingRule", "Validation rule.", ((rule.code, rule.name) for rule in RULES)),
            "Rule of the exception: docs/reference/rules.md.",
        ),
        Field("period_start", "long", "[s] Start of the exception's first local day, epoch seconds UTC."),
        Field("work", enum("WorkState", "How far it is.", WORK_STATE), "How far it is."),
        Field("owner", "string", "Who has it; empty: nobody."),
        Field("note", "string", "What somebody wrote; empty: nothing."),
        Field("edit", "string", "Id of the edit that was proposed; empty when none was."),
        Field("author", "string", "Person who did it."),
        Field("at", "long", "[s] When, epoch seconds UTC."),
    ),
)
