"""Tariff files read: every fault with its line, and both versions of the format.

Scalars are read as text and become integers or `Decimal`, so that 3.46 is 3.46.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from agents.rating import tariff as version1
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.upgrade import upgraded
from pipeline.errors import ConfigError

NULLS = ("", "~", "null")
MOST_NODES, MOST_DEEP = 20_000, 20
"""Values of a file, and how deep they stand in each other: an alias can make few lines endless."""
Path = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, where, and what to do; line and column begin with 1."""

    code: str
    level: str
    file: str
    line: int
    column: int
    message: str
    hint: str

    def as_json(self) -> dict[str, object]:
        """As `kvarn lint` reports a finding."""
        return {
            "code": self.code,
            "level": self.level,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True)
class Document:
    """A file: its tariff, or its faults; and where in it things stand."""

    tariff: Tariff | None
    faults: tuple[Fault, ...]
    places: dict[Path, Place]
    version: int | None = None
    """Version of the format that it is written in."""

    def place(self, path: Path) -> Place:
        """Line and column of a path, or of the nearest thing around it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def read_document(text: bytes, file: str) -> Document:
    """A tariff file of either version; never raises for what is wrong in it."""
    try:
        reader = _Reader()
        data = reader.value(YAML(typ="base", pure=True).compose(text.decode()))
    except UnicodeDecodeError:
        fault = Fault("TARIFF_YAML", "error", file, 1, 1, "the file is not UTF-8", "save it as UTF-8")
        return Document(None, (fault,), {})
    except YAMLError as error:
        return Document(None, (_yaml_fault(error, file),), {})
    places = reader.places
    if not isinstance(data, dict):
        fault = Fault("TARIFF_YAML", "error", file, 1, 1, "the file holds no mapping", "begin with `version: 2`")
        return Document(None, (fault,), places)
    faults = [
        Fault("KEY_TWICE", "error", file, *place, f"{path[-1]} stands twice", "keep one of the two")
        for path, place in reader.twice
    ]
    return checked(data, places, file, faults)


def checked(data: dict[str, Any], places: dict[Path, Place], file: str, faults: Sequence[Fault] = ()) -> Document:
    """The document of what was read. faults: those found in reading."""
    model: type[BaseModel] = version1.Tariff if data.get("version") == "1" else Tariff
    document = Document(None, (), places)
    found: Tariff | None = None
    more: list[Fault] = []
    try:
        parsed = model.model_validate(data)
        found = upgraded(parsed) if isinstance(parsed, version1.Tariff) else Tariff.model_validate(parsed)
    except ValidationError as error:
        # A list whose only entry has a fault is not empty.
        told = [item for item in error.errors() if item["type"] != "too_short" or not item["input"]]
        more = [_fault(document, data, dict(item), file) for item in told or error.errors()]
    every = (*faults, *more)
    return Document(None if every else found, every, places, 1 if model is version1.Tariff else 2)


def parse(text: bytes, file: str) -> Tariff:
    """The tariff of a file; raises ConfigError with every fault and its line."""
    document = read_document(text, file)
    if document.tariff is None:
        what = "; ".join(f"line {fault.line}: {fault.message}" for fault in document.faults)
        raise ConfigError("TARIFF_FAULT", where=file, what=what, do="correct the file; `kvarn tariff lint` has hints")
    return document.tariff


def compose(text: bytes, file: str) -> Any:
    """The values of a YAML text, scalars as text; raises ConfigError when it is none."""
    try:
        return _Reader().value(YAML(typ="base", pure=True).compose(text.decode()))
    except (UnicodeDecodeError, YAMLError) as error:
        raise ConfigError("TARIFF_YAML", where=file, what=str(error), do="correct the YAML") from error


def _yaml_fault(error: YAMLError, file: str) -> Fault:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = str(getattr(error, "problem", None) or error)
    return Fault("TARIFF_YAML", "error", file, line, column, what, "correct the YAML; nothing else is checked before")


class _Reader:
    """Nodes as values, with the place of each; raises YAMLError for a file that repeats itself without an end."""

    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.twice: list[tuple[Path, Place]] = []
        self.nodes = 0

    def value(self, node: Any, path: Path = ()) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES or len(path) > MOST_DEEP:
            raise YAMLError(f"more than {MOST_NODES} values, or {MOST_DEEP} within each other")
        if node is None:
            return None
        self.places.setdefault(path, _place(node))
        if isinstance(node, ScalarNode):
            return None if node.style is None and node.value in NULLS else node.value
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        assert isinstance(node, MappingNode)
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else "?"
            if name in found:
                self.twice.append(((*path, name), _place(key)))
            self.places[(*path, name)] = _place(key)
            found[name] = self.value(value, (*path, name))
        return found


def _place(node: Any) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


HINTS = {
    "extra_forbidden": ("KEY_UNKNOWN", "correct its spelling, or take it out; docs/reference/tariff.md lists the keys"),
    "missing": ("KEY_MISSING", "add it"),
    "union_tag_invalid": ("CHARGE_KIND", "use one of the kinds of docs/reference/tariff.md"),
    "union_tag_not_found": ("KEY_MISSING", "add `kind`"),
    "literal_error": ("VALUE_INVALID", "use one of the values named"),
}


def _fault(document: Document, data: Any, error: dict[str, Any], file: str) -> Fault:
    path = _path_in(data, error["loc"]) or _named(data, str(error["msg"]))
    code, hint = HINTS.get(error["type"], ("VALUE_INVALID", "correct the value"))
    if error["type"] == "value_error":
        code, hint = "TARIFF_RULE", "correct what the message names"
    line, column = document.place(path)
    name = ".".join(str(part) for part in path) or "tariff"
    if error["type"] == "missing":
        name = ".".join([*(str(part) for part in path), str(error["loc"][-1])])
    message = str(error["msg"]).removeprefix("Value error, ")
    if isinstance(error["input"], str):
        message += f", not {error['input']!r}" if error["type"] not in ("value_error", "extra_forbidden") else ""
    return Fault(code, "error", file, line, column, f"{name}: {message}", hint)


def _named(data: Any, message: str) -> Path:
    """The charge that a fault of the whole file names."""
    found = re.search(r"\bcharge (\S+)", message)
    charges = data.get("charges") if found is not None else None
    for place, charge in enumerate(charges if isinstance(charges, list) else ()):
        if found is not None and isinstance(charge, dict) and charge.get("code") == found[1]:
            return ("charges", place)
    return ("net_metering",) if "net_metering" in message and "net_metering" in data else ()


def _path_in(data: Any, location: Sequence[str | int]) -> Path:
    """The path in the file of a place in the model, which also names the kinds of a union."""
    path: list[str | int] = []
    for part in location:
        inside = isinstance(data, dict) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            path.append(part)
    return tuple(path)
