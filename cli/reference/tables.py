"""Pages of the code tables: codes, rules, rejects, lint findings, topics."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import IntEnum, IntFlag

from agents.vee.config import Thresholds
from agents.vee.rulesets.stream import ON_REQUEST, judged_by
from cli.reference.markdown import code, page, table
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import REJECT_CODES, RULES, Flag, Kind, Level, Method, Quality, Role
from pipeline.edits import EDIT_FAULTS, EDIT_REASONS, EditEvent, EditWhat
from pipeline.events import ESW_EVENTS
from pipeline.retry import Retry, retry_of
from pipeline.rules import Severity
from pipeline.topology.findings import CODES
from pipeline.topology.topics import TOPICS, Topic
from schemas.load import shipped_ids

ENUMS: tuple[type[IntEnum] | type[IntFlag], ...] = (Quality, Kind, Method, Flag, Role, Level, EditEvent, EditWhat)

REMARK = re.compile(r"^    ([A-Z]+) = [^#\n]*#\s*(.+)$", re.MULTILINE)
MEMBER = re.compile(r"^    (?P<name>[A-Z][A-Z0-9_]*) = [^#\n]*#\s*(?P<meaning>.+)$", re.MULTILINE)


def meanings(enum: type[IntEnum] | type[IntFlag]) -> dict[str, str]:
    """Member -> the remark beside it in the source, which is where Python keeps the meaning of an enum's member."""
    return {match["name"]: match["meaning"].strip() for match in MEMBER.finditer(inspect.getsource(enum))}


def codes() -> str:
    """docs/reference/codes.md"""
    return page(
        "Codes",
        "Numbers in the packed columns of topics and in the warehouse. They are never reused or renumbered.",
        *(part for enum in ENUMS for part in _enum(enum)),
        "## Channels",
        "A channel's number is its place in the packed arrays and its nibble in a quality word: bits 4n to 4n+3.",
        table(
            ("number", "name", "unit", "block load OBIS", "register OBIS", "meaning"),
            (
                (number, code(row.name), row.unit, ", ".join(row.block_obis), ", ".join(row.register_obis), row.doc)
                for number, row in enumerate(CHANNELS)
            ),
        ),
        "## Snapshot fields",
        "What an instantaneous push or an alert adds to registers, voltages and currents.",
        table(
            ("number", "name", "unit", "OBIS", "meaning"),
            ((number, code(row.name), row.unit, row.obis, row.doc) for number, row in enumerate(SNAPSHOT)),
        ),
        "## Events",
        "Bits of the event status word that become events (IS 15959 part 2); bit 0 is the highest of the first octet.",
        table(
            ("bit", "name", "code when it occurs", "code when it ends"),
            ((row.bit, row.name, row.occurred or "", row.restored or "") for row in ESW_EVENTS),
        ),
        "## Reasons of edits",
        "Why a person edits a reading ([edits](../edits.md)).",
        table(("number", "code", "meaning"), ((row.number, code(row.code), row.meaning) for row in EDIT_REASONS)),
        "## Why an event of an edit has no effect",
        "Codes of REJECTED.",
        table(("code", "meaning", "what to do"), ((code(row.code), row.meaning, row.next_step) for row in EDIT_FAULTS)),
    )


def _enum(enum: type[IntEnum] | type[IntFlag]) -> Iterator[str]:
    said = meanings(enum)
    number = "bit value" if issubclass(enum, IntFlag) else "number"
    yield f"## {enum.__name__}"
    yield inspect.cleandoc(enum.__doc__ or "")
    yield table(
        (number, "name", "meaning"),
        ((int(item), code(item.name), said.get(item.name or "", "").replace("`", "")) for item in enum),
    )


def rules() -> str:
    """docs/reference/rules.md"""
    return page(
        "Validation rules",
        "What VEE checks ([how](../vee.md)). A failed rule sets its bit in a reading's `rules` word, or from bit 32 on "
        "in the words of a whole series, and the quality of the channel; `ACTUAL`: the quality stays. *Stage*: which "
        "one of a topology judges it; without one, whole series alone are judged by it "
        "([why](../vee.md#which-rules-the-stream-judges)). "
        f"{', '.join(ON_REQUEST)} are judged where a rule set says so. `kvarn vee` judges all for which a file has "
        "what they need.",
        table(
            ("code", "name", "bit", "limit", "unit", "severity", "quality it sets", "of", "stage", "why"),
            (
                (
                    code(row.code),
                    row.name,
                    row.bit,
                    row.default,
                    row.unit,
                    row.severity.value,
                    code(row.sets.name),
                    row.scope.value,
                    code(judged_by(row.code)) if judged_by(row.code) else "",
                    row.why,
                )
                for row in RULES
            ),
        ),
        "## Severities",
        table(("severity", "what a failed rule does"), ((code(name.lower()), said) for name, said in _severities())),
        "## Limits",
        "A rule set, a document of `kvarn vee --rules`, or the options of the stage may change them. The stage needs "
        "those of the rules that it judges; the others are for whole series.",
        table(
            ("field", "default", "meaning"),
            ((code(name), field.default, field.description) for name, field in Thresholds.model_fields.items()),
        ),
    )


def _severities() -> Iterator[tuple[str, str]]:
    yield from REMARK.findall(inspect.getsource(Severity))


def rejects() -> str:
    """docs/reference/rejects.md"""
    return page(
        "Reject codes",
        "Why a frame, or a row of one, is in the topic `rejects`. Parked ones are kept to be offered again: those of "
        "unknown devices by the parked connector, others by it too where it is told to, else by "
        "`kvarn rejects requeue` ([how](../rejects.md)).",
        table(
            ("number", "code", "stage", "parked", "meaning", "what to do", "waits for"),
            (
                (
                    row.number,
                    code(row.code),
                    row.stage,
                    "yes" if row.parked else "",
                    row.meaning,
                    row.next_step,
                    retry_of(row.code).name.lower(),
                )
                for row in REJECT_CODES
            ),
        ),
        "## What they wait for",
        "What must change before another try is worth it.",
        table(
            ("waits for", "meaning", "offered by itself"),
            (
                (name.lower(), meaning, "yes" if Retry[name] in (Retry.KEYS, Retry.REGISTRY) else "")
                for name, meaning in meanings(Retry).items()
            ),
        ),
    )


def lint() -> str:
    """docs/reference/lint.md"""
    return page(
        "Lint findings",
        "What `kvarn lint` can find in a topology file. It gives all findings at once, each with file, line, column "
        "and a hint; with `--json` as data. An error keeps everything from starting, a warning does not.",
        table(
            ("code", "level", "what is wrong", "what to do"),
            ((code(row.code), row.level.value, row.meaning, row.reaction) for row in CODES),
        ),
    )


def topics() -> str:
    """docs/topics.md"""
    ids = shipped_ids()
    head = ("topic", "who writes it", "key", "schema", "who reads it", "what is in it")
    return page(
        "Topics",
        "Names are those of `topologies.yaml`; a topology may use others. Every schema has a doc on every field "
        "(`schemas/avro/<schema>.avsc`) and examples. Values are in the Confluent wire format: an octet 0, the "
        "schema's id, and Avro. Without a schema registry the id is the one in brackets.",
        "Workers give a record that stands alone two headers, which say nothing that its value needs: `kvarn-id`, the "
        "same in every copy of an output, and `kvarn-source-at`, when the record was written that it was made of "
        "(epoch milliseconds in digits, 0: not known). Records that are made by the thousand, as determinants, "
        "have none.",
        "## In use",
        table(head, (_topic(row, ids) for row in TOPICS if not row.reserved)),
        "## Reserved",
        "Names that later stages will use, so that nothing else takes them. What is made under another key enters a "
        "stage as a reference record in its `frames` partition, put there by a connector; a stage never reads a live "
        "topic.",
        table(head, (_topic(row, ids) for row in TOPICS if row.reserved)),
    )


def _topic(row: Topic, ids: object) -> tuple[str, ...]:
    known = ids.get(row.schema) if isinstance(ids, dict) else None
    schema = "not fixed yet" if row.reserved else "raw bytes" if row.schema is None else f"`{row.schema}` ({known})"
    return code(row.name), row.owner, row.key, schema, row.readers, row.doc
