"""The plain records of commands: what a meter is to be asked or told, and what became of it."""

from __future__ import annotations

from schemas.common import DEVICE_DOC
from schemas.fields import Field, Record, array, enum, record

COMMAND = Record(
    "Command",
    "Something that a meter is to be asked or told. It is run once at most if it acts on the meter; a copy (the same "
    "id and contents) is answered like the first.",
    (
        Field("id", "string", "Chosen by who commands, never used again: a UUID, for example; at most 200 characters."),
        Field("device", "string", f"Device: {DEVICE_DOC}."),
        Field("kind", "string", "What: ping, read_registers, read_profile, sync_clock, disconnect, reconnect."),
        Field(
            "arguments",
            {"type": "map", "values": "string"},
            "Arguments of the kind by name (docs/commands.md); empty when it has none.",
        ),
        Field("issued", "long", "[s] When it was given, epoch seconds UTC."),
        Field("expires", "long", "[s] From then on it is not begun any more but answered; epoch seconds UTC."),
        Field("source", "string", "Who commands: a system or a person, for the record."),
    ),
)

COMMAND_STATE = (
    ("ACCEPTED", "taken, and waiting for its turn or for the meter"),
    ("RUNNING", "the meter is connected"),
    ("DONE", "final: the meter did it, or answered"),
    ("FAILED", "final: see code; OUTCOME_UNKNOWN says that the meter may have done it"),
    ("EXPIRED", "final: it was not begun in time"),
    ("REFUSED", "final: it cannot be run as it is"),
)

_VALUE = record(
    "CommandValue",
    "One value of a result.",
    (
        Field("name", "string", "What it is: class:name:attribute of an object of the meter, or a word of the kind."),
        Field("value", "string", "The value: a decimal number, scaler applied, or text; empty when there is none."),
        Field(
            "unit", "string", "Its unit (Wh, V, A, s, ...); empty when it has none; `error n` where the meter refused."
        ),
    ),
)

COMMAND_RESULT = Record(
    "CommandResult",
    "What became of a command. After a crash a result may be there twice, with the same contents.",
    (
        Field("id", "string", "Id of the command."),
        Field("device", "string", f"Device: {DEVICE_DOC}."),
        Field("kind", "string", "Kind of the command."),
        Field("state", enum("CommandState", "How far it is.", COMMAND_STATE), "How far it is."),
        Field("code", "string", "Why it failed, expired or was refused, as docs/commands.md lists; empty otherwise."),
        Field("reason", "string", "The same for a person; no keys, no passwords."),
        Field("values", array(_VALUE), "What was read; empty when nothing was."),
        Field("at", "long", "[s] When it came to this state, epoch seconds UTC."),
        Field("source", "string", "Connector or head-end that answers."),
    ),
)
