"""First half of lint: every option is known, there, and of its type. Entries are judged one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pipeline.topology.components import Components, Configs
from pipeline.topology.findings import Finding, finding
from pipeline.topology.load import Document, Path
from pipeline.topology.spec import (
    PART_NAME,
    SECTIONS,
    TOPIC_NAME,
    AgentSpec,
    ConnectorSpec,
    FileSpec,
    SinkSpec,
    TopicSpec,
    TopologySpec,
)

Options = BaseModel | Mapping[str, Any]


@dataclass
class Pieces:
    """The entries that are right by themselves, and what was found in the others.

    `options` holds the checked options of components by the path of their entry.
    """

    document: Document
    components: Components
    findings: list[Finding] = field(default_factory=list)
    file: FileSpec | None = None
    topics: dict[str, TopicSpec] = field(default_factory=dict)
    topologies: dict[str, TopologySpec] = field(default_factory=dict)
    connectors: dict[str, ConnectorSpec] = field(default_factory=dict)
    sinks: dict[str, SinkSpec] = field(default_factory=dict)
    options: dict[Path, Options] = field(default_factory=dict)

    def declared(self, section: str) -> list[str]:
        """Names under a section, right or not: a topic with a wrong option is still a known topic."""
        found = self.document.data.get(section) if isinstance(self.document.data, dict) else None
        return list(found) if isinstance(found, dict) else []

    def found(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Add a finding at the value of `path`, or at its key."""
        place = self.document.key_place(path) if key else self.document.place(path)
        self.findings.append(finding(code, place, message, hint))


def read_pieces(document: Document, components: Components) -> Pieces:
    """The pieces of a document and the findings about their form."""
    pieces = Pieces(document, components, list(document.findings))
    if any(item.code == "YAML_SYNTAX" for item in document.findings):
        return pieces
    if not isinstance(document.data, dict):
        pieces.found("VALUE_INVALID", (), "the file is not a mapping", "begin with `version: 1`")
        return pieces
    rest = {key: {} if key in SECTIONS and isinstance(value, dict) else value for key, value in document.data.items()}
    pieces.file = validated(pieces, FileSpec, rest, ())
    for section, model in SECTIONS.items():
        entries = document.data.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            spec = validated(pieces, model, entry, (section, name))
            if _name_fits(pieces, section, name) and spec is not None:
                getattr(pieces, section)[name] = spec
    _read_options(pieces)
    return pieces


def _name_fits(pieces: Pieces, section: str, name: str) -> bool:
    pattern = TOPIC_NAME if section == "topics" else PART_NAME
    if pattern.match(name):
        return True
    signs = "letters, digits, dot, hyphen and underscore" if section == "topics" else "small letters, digits, - and _"
    pieces.found(
        "VALUE_INVALID", (section, name), f"`{name}` is no name for one of the {section}", f"use {signs}", key=True
    )
    return False


def _read_options(pieces: Pieces) -> None:
    components = pieces.components
    for name, topology in pieces.topologies.items():
        for index, agent in enumerate(topology.stages):
            path: Path = ("topologies", name, "agents", index, agent.name)
            _component(pieces, path, agent.name, components.agents, agent.options, "AGENT_UNKNOWN", "stage", ("to",))
            _check_cut(pieces, path, agent)
    for name, connector in pieces.connectors.items():
        path = ("connectors", name)
        own = names_of(ConnectorSpec)
        options = connector.model_extra or {}
        _component(pieces, path, connector.type, components.connectors, options, "CONNECTOR_UNKNOWN", "connector", own)
    for name, sink in pieces.sinks.items():
        path = ("sinks", name)
        own = names_of(SinkSpec)
        _component(pieces, path, sink.type, components.sinks, sink.model_extra or {}, "SINK_UNKNOWN", "sink", own)


def _check_cut(pieces: Pieces, path: Path, agent: AgentSpec) -> None:
    if agent.to is not None and not (isinstance(agent.to, str) and TOPIC_NAME.match(agent.to)):
        pieces.found("VALUE_INVALID", (*path, "to"), "`to` of a stage is the name of one topic", "name one topic")


def _component(
    pieces: Pieces,
    path: Path,
    kind: str,
    known: Configs,
    options: Mapping[str, Any],
    unknown: str,
    word: str,
    own: Collection[str],
) -> None:
    if kind not in known:
        at: Path = path if word == "stage" else (*path, "type")
        hint = meant(kind, known) or f"use one of {', '.join(sorted(known))}"
        pieces.found(unknown, at, f"there is no {word} `{kind}`", hint, key=word == "stage")
        return
    model = known[kind]
    checked: Options | None = dict(options) if model is None else validated(pieces, model, options, path, own)
    if checked is not None:
        pieces.options[path] = checked


def validated(pieces: Pieces, model: type[BaseModel], value: Any, path: Path, own: Collection[str] = ()) -> Any:
    """`value` as `model`, or None after adding a finding for every fault; `own` are keys read elsewhere."""
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _fault(pieces, model, value, (*path, *_clean(fault["loc"])), len(path), fault, own)
        return None


def _clean(location: Iterable[str | int]) -> tuple[str | int, ...]:
    # pydantic marks a fault in a key by a last element of its own.
    return tuple(item for item in location if item != "[key]")


def _fault(
    pieces: Pieces, model: type[BaseModel], value: Any, path: Path, depth: int, fault: Any, own: Collection[str]
) -> None:
    if path in pieces.document.unset:
        return
    name = str(path[-1]) if path else ""
    allowed = [*fields_at(model, path[depth:-1]), *(own if len(path) == depth + 1 else ())]
    if fault["type"] == "extra_forbidden":
        where = ".".join(str(item) for item in path[:-1])
        hint = meant(name, allowed) or (f"use one of {', '.join(sorted(allowed))}" if allowed else "take it out")
        pieces.found("KEY_UNKNOWN", path, f"`{name}` is no option of {where or 'the file'}", hint, key=True)
    elif fault["type"] == "missing":
        around = _at(value, path[depth:-1])
        extra = [key for key in around if key not in allowed] if isinstance(around, dict) else []
        close = get_close_matches(name, extra, 1)
        hint = f"is `{close[0]}` meant to be it?" if close else f"add `{name}:`"
        pieces.found("KEY_MISSING", path[:-1], f"`{name}` is not there", hint, key=True)
    else:
        given = _at(value, path[depth:])
        shown = f" is `{given}`" if isinstance(given, str | int | float | bool) or given is None else ""
        info = fields_at(model, path[depth:-1]).get(name)
        pieces.found(
            "VALUE_INVALID",
            path,
            f"`{name}`{shown}: {_sentence(fault)}",
            info.description if info is not None else None,
        )


def _sentence(fault: Any) -> str:
    if fault["type"] == "string_pattern_mismatch":
        return "not of the right form"
    text = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    return text[:1].lower() + text[1:]


def _at(value: Any, path: Path) -> Any:
    for item in path:
        try:
            value = value[item]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def names_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model as they stand in a file."""
    return [info.alias or name for name, info in model.model_fields.items()]


def fields_at(model: type[BaseModel], path: Path) -> dict[str, FieldInfo]:
    """Key -> field of the options at `path` below `model`; empty when that is no place of options."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    for item in path:
        info = fields.get(str(item))
        inner = info.annotation if info is not None else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return {}
        fields = {info.alias or name: info for name, info in inner.model_fields.items()}
    return fields


def meant(name: str, known: Iterable[str]) -> str | None:
    """ "did you mean ..." for the nearest known name, or None."""
    close = get_close_matches(name, list(known), 1)
    return f"did you mean `{close[0]}`?" if close else None
