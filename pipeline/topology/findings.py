"""What lint can find: a closed table of codes, and the finding as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Whether a topology with this finding may start."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Code:
    """One kind of finding."""

    code: str
    level: Level
    meaning: str
    reaction: str


E, W = Level.ERROR, Level.WARNING

CODES: tuple[Code, ...] = (
    Code("YAML_SYNTAX", E, "the file is not YAML", "correct the line; nothing else is checked until it can be read"),
    Code("KEY_TWICE", E, "a key stands twice in one mapping", "keep one of the two"),
    Code("KEY_UNKNOWN", E, "a key that is not an option here", "correct its spelling, or take it out"),
    Code("KEY_MISSING", E, "an option that must be given is not there", "add it"),
    Code("VALUE_INVALID", E, "a value of the wrong type or outside its limits", "correct the value"),
    Code(
        "VARIABLE_UNSET",
        E,
        "a `${NAME}` that the environment does not have",
        "set the variable, or write `${NAME:-default}`",
    ),
    Code("SCHEMA_UNKNOWN", E, "a topic's schema is not among schemas/avro", "name one that is"),
    Code("TOPIC_UNKNOWN", E, "a name that is not under `topics`", "declare the topic, or correct the name"),
    Code("AGENT_UNKNOWN", E, "a stage that is not in agents.STAGES", "name one that is"),
    Code("CONNECTOR_UNKNOWN", E, "a type that is not in connectors.CONNECTORS", "name one that is"),
    Code("SINK_UNKNOWN", E, "a type that is not in sinks.SINKS", "name one that is"),
    Code(
        "AGENT_ORDER",
        E,
        "a stage stands before the one that makes what it reads",
        "order them: decode, vee, rating and nodes",
    ),
    Code("AGENT_TWICE", E, "a stage stands twice in one topology", "keep one; its state has one place"),
    Code("OUTPUT_UNKNOWN", E, "`to` names an output that no stage of the topology makes", "name one that is made"),
    Code(
        "OUTPUT_UNMAPPED",
        E,
        "an output of a stage goes nowhere",
        "map it to a topic under `to`, or to null to drop its records knowingly",
    ),
    Code(
        "EDGE_SCHEMA",
        E,
        "what is written to a topic, or read from it, has another schema than the topic",
        "change the topic's schema, or use another topic",
    ),
    Code("CYCLE", E, "topologies feed each other in a circle", "cut the circle: nothing would ever be first"),
    Code(
        "CO_PARTITION",
        E,
        "topics of one key have different numbers of partitions",
        "give them the same number: a service point keeps its partition from stage to stage",
    ),
    Code(
        "OPTIONS_DISAGREE",
        E,
        "stages of one flow, or the sink behind them, differ in an option that is about the same thing",
        "give it the same value everywhere",
    ),
    Code(
        "PARTITIONS_TOO_MANY",
        E,
        "more partitions than there are pages of state",
        "use at most 512; 48 to 96 are enough for a cluster",
    ),
    Code(
        "WRITERS_TWO",
        E,
        "two topologies write the same topic",
        "give each its own topic: readers drop copies by one history of offsets",
    ),
    Code("TOPIC_UNUSED", W, "a topic that nothing writes or reads", "take it out, or connect it"),
    Code(
        "TOPIC_UNWRITTEN",
        W,
        "a topic is read, but nothing here writes it",
        "add the connector or topology that writes it, unless something else does",
    ),
)

BY_CODE: dict[str, Code] = {row.code: row for row in CODES}


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Finding:
    """One fault of a topology file: `message` says what stands there, `hint` what would be right."""

    code: str
    place: Place
    message: str
    hint: str

    @property
    def level(self) -> Level:
        """Error or warning, by the code."""
        return BY_CODE[self.code].level

    def as_json(self) -> dict[str, object]:
        """For `kvarn lint --json`."""
        return {
            "code": self.code,
            "level": self.level.value,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        return f"{self.place}: {self.level.value} {self.code}: {self.message} ({self.hint})"


def finding(code: str, place: Place, message: str, hint: str | None = None) -> Finding:
    """A finding of a known code; without a `hint` the code's own reaction."""
    return Finding(code, place, message, BY_CODE[code].reaction if hint is None else hint)
