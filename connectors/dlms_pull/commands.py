"""Commands, and what is to be done with one: pure. The order of recording is docs/decisions/0008-commands.md.

A command that acts on the meter is sent at most once. Its intent is safe in the journal before it is sent; if an intent
is found without a result, nobody can know whether the meter acted, so it is answered and not sent again. Reads do no
harm when they are repeated.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from connectors.dlms_pull import obis

DEVICE = re.compile(r"[0-9A-F]{16}")
MOST_OBJECTS = 64
MOST_ID = 200
MOST_TEXT = 1000
"""Characters of an id, a device or a kind; with more of them, a record is no command: an answer would repeat them."""
MOST_REASON = 500
MOST_VALUES_OCTETS = 256_000
"""Of a result's values as the journal has them: no topic takes a record of 1 MB."""
MOST_RANGE_SECS = 400 * 86_400
NEVER_SECS = 366 * 86_400
"""A command may not wait longer than this."""


class State(StrEnum):
    """How far a command is; all but the first two are final."""

    ACCEPTED = "ACCEPTED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"


OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
ID_FORM = "ID_FORM"
ID_REUSED = ("ID_REUSED", "another command came under this id")


@dataclass(frozen=True)
class Command:
    """As in schema Command."""

    id: str
    device: str
    kind: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    issued: int = 0
    expires: int = 0
    source: str = ""

    @property
    def digest(self) -> str:
        """Of what it says; another command under the same id has another one."""
        said = json.dumps([self.device, self.kind, dict(sorted(self.arguments.items())), self.issued, self.expires])
        return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Value:
    """One value of a result."""

    name: str
    value: str
    unit: str = ""


@dataclass(frozen=True)
class Result:
    """As in schema CommandResult."""

    id: str
    device: str
    kind: str
    state: State
    code: str = ""
    reason: str = ""
    values: tuple[Value, ...] = ()
    at: int = 0

    def record(self, source: str) -> dict[str, Any]:
        """For the topic."""
        made = asdict(self)
        return {**made, "state": str(self.state), "values": [asdict(value) for value in self.values], "source": source}


def result_of(
    command: Command, state: State, now: int, code: str = "", reason: str = "", values: tuple[Value, ...] = ()
) -> Result:
    """What became of a command. It came to EXPIRED when it expired: whoever says so later says the same."""
    at = command.expires if state is State.EXPIRED else now
    return Result(command.id, command.device, command.kind, state, code, reason, values, at)


def too_long(values: tuple[Value, ...]) -> bool:
    """Whether no result may have these values."""
    return len(json.dumps([asdict(value) for value in values])) > MOST_VALUES_OCTETS


@dataclass(frozen=True)
class Known:
    """What the journal says of a command: a digest of it, until when it matters, and the result once there is one."""

    digest: str
    expires: int
    result: Result | None = None

    def record(self) -> dict[str, Any]:
        """For the journal."""
        return {"digest": self.digest, "expires": self.expires,
                "result": None if self.result is None else asdict(self.result)}  # fmt: skip

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Known:
        """From the journal."""
        said = record["result"]
        result = None
        if said is not None:
            values = tuple(Value(**value) for value in said["values"])
            result = Result(**{**said, "state": State(said["state"]), "values": values})
        return cls(record["digest"], int(record["expires"]), result)


@dataclass(frozen=True)
class Kind:
    """A kind of command: whether it acts on the meter, the arguments it takes, and what is wrong with given ones."""

    acts: bool
    arguments: tuple[str, ...]
    check: Callable[[Mapping[str, str]], str]
    doc: str


@dataclass(frozen=True)
class Target:
    """An attribute of an object of the meter."""

    class_id: int
    name: str
    attribute: int

    @property
    def label(self) -> str:
        """How a result names it."""
        return f"{self.class_id}:{self.name}:{self.attribute}"


def targets(text: str) -> tuple[Target, ...]:
    """Of `class:name:attribute,...`; a name alone is a register's value. Raises ValueError."""
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        parts = item.split(":")
        class_id, name, attribute = parts if len(parts) == 3 else (str(obis.REGISTER), parts[0], "2")
        obis.octets_of(name)
        if not 0 < int(class_id) < 65_536 or not 0 < int(attribute) < 128 or len(parts) not in (1, 3):
            raise ValueError(f"{item!r} is no class:name:attribute")
        found.append(Target(int(class_id), name, int(attribute)))
    if not 0 < len(found) <= MOST_OBJECTS:
        raise ValueError(f"name 1 to {MOST_OBJECTS} objects")
    return tuple(found)


@dataclass(frozen=True)
class Range:
    """Rows of a profile: by time (epoch seconds, both included) or by entry (from 1, both included)."""

    profile: str
    first: int
    last: int
    by_time: bool


def range_of(arguments: Mapping[str, str]) -> Range:
    """The rows that a command asks for; raises ValueError."""
    profile = arguments.get("profile", obis.BLOCK_PROFILE)
    obis.octets_of(profile)
    by_time = "from" in arguments
    names = ("from", "to") if by_time else ("first", "last")
    if any(name not in arguments for name in names) or (by_time and "first" in arguments):
        raise ValueError("give `from` and `to` (epoch seconds), or `first` and `last` (entries)")
    first, last = (int(arguments[name]) for name in names)
    if first > last or first < (0 if by_time else 1) or (by_time and last - first > MOST_RANGE_SECS):
        raise ValueError("an empty range, or one of more than 400 days")
    if last >= 2**32:
        raise ValueError("epoch seconds beyond 32 bits: milliseconds?" if by_time else "an entry beyond 32 bits")
    return Range(profile, first, last, by_time)


def _nothing(_arguments: Mapping[str, str]) -> str:
    return ""


def _said(check: Callable[[Mapping[str, str]], object]) -> Callable[[Mapping[str, str]], str]:
    def judge(arguments: Mapping[str, str]) -> str:
        try:
            check(arguments)
        except (ValueError, KeyError) as error:
            return f"{error}"[:MOST_REASON]
        return ""

    return judge


def shift_of(arguments: Mapping[str, str]) -> int:
    """Most seconds that a clock may be set by; raises ValueError."""
    most = int(arguments.get("most_secs", "3600"))
    if most < 1:
        raise ValueError("most_secs must be 1 or more")
    return most


KINDS: dict[str, Kind] = {
    "ping": Kind(False, (), _nothing, "open an association and release it"),
    "read_registers": Kind(False, ("objects",), _said(lambda given: targets(given["objects"])),
                           "read attributes; `objects`: class:name:attribute, separated by commas, a name alone is a "
                           "register's value"),
    "read_profile": Kind(False, ("profile", "from", "to", "first", "last"), _said(range_of),
                         "read rows of a profile into the topic of frames: by time (`from`, `to`, epoch seconds) or by "
                         "entry (`first`, `last`)"),
    "sync_clock": Kind(True, ("most_secs",), _said(shift_of),
                       "set the clock; not by more than `most_secs` (3600)"),
    "disconnect": Kind(True, (), _nothing, "open the load switch"),
    "reconnect": Kind(True, (), _nothing, "close the load switch, or make it ready to be closed"),
}  # fmt: skip
"""Kinds that are known; docs/commands.md lists them."""


@dataclass(frozen=True)
class Run:
    """Do it."""


@dataclass(frozen=True)
class Answer:
    """Answer it with this; `keep`: the journal must know it first."""

    result: Result
    keep: bool


def decide(command: Command, known: Known | None, now: int) -> Run | Answer:
    """What to do with a command that was read from the topic, the journal being as it is."""

    def answer(state: State, code: str, reason: str, keep: bool) -> Answer:
        return Answer(result_of(command, state, now, code, reason), keep)

    if known is not None and known.digest != command.digest:
        return answer(State.REFUSED, *ID_REUSED, keep=False)
    if known is not None and known.result is not None:
        return Answer(known.result, keep=False)
    if known is not None and command.kind in KINDS and KINDS[command.kind].acts:
        reason = "it was about to be sent when the connector ended; whether the meter acted is not known"
        return answer(State.FAILED, OUTCOME_UNKNOWN, reason, keep=True)
    if command.expires <= now:
        return answer(State.EXPIRED, "EXPIRED", f"it was to be run before {command.expires}", keep=False)
    problem = problem_of(command, now)
    # What is refused today might be run tomorrow: only the journal makes the answer stand. Nothing is kept under an id
    # that is none.
    return Run() if problem is None else answer(State.REFUSED, *problem, keep=problem[0] != ID_FORM)


def problem_of(command: Command, now: int) -> tuple[str, str] | None:
    """(code, reason) why a command cannot be run by anyone; None when it can."""
    kind = KINDS.get(command.kind)
    if not command.id or len(command.id) > MOST_ID:
        return ID_FORM, f"the id is empty, or longer than {MOST_ID}"
    if not DEVICE.fullmatch(command.device):
        return "DEVICE_FORM", "the device is no system title of 16 hexadecimal digits in upper case"
    if kind is None:
        return "KIND_UNKNOWN", f"{command.kind[:40]!r} is none of {', '.join(KINDS)}"
    if command.expires > now + NEVER_SECS:
        return "EXPIRES_FORM", "it expires in more than a year"
    others = sorted(set(command.arguments) - set(kind.arguments))
    if others:
        return "ARGUMENTS", f"{others[0][:40]!r} is no argument of {command.kind}"
    said = kind.check(command.arguments)
    return ("ARGUMENTS", said) if said else None


def forgotten(known: Known, now: int, keep_secs: int) -> bool:
    """Whether the journal may forget a command: every copy of it will be answered as expired."""
    return known.expires + keep_secs <= now and known.expires <= now
