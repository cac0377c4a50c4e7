"""The page of the topology file, from the models that read it."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import StringIO
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from cli.components import components
from cli.reference.markdown import code, page, table
from pipeline.topology.components import Components
from pipeline.topology.spec import ConnectorSpec, FileSpec, KafkaSpec, SinkSpec, TopicSpec, TopologySpec
from pipeline.topology.stages import STAGES

ANY = "Its options are its own."
FILLED = "filled in from the topic"
HEAD = ("option", "type", "default", "meaning")


def topologies() -> str:
    """docs/reference/topologies.md"""
    parts = components()
    return page(
        "The topology file",
        "`topologies.yaml` says what runs, from where to where. `kvarn lint` checks it, `kvarn graph` draws it. "
        "Unknown keys are faults everywhere.",
        "`${NAME}` in a value is filled in from the environment, `${NAME:-default}` when the variable may be missing "
        "or empty; `$$` is a dollar sign. What a variable holds is text, never YAML.",
        "## The file",
        options(FileSpec),
        "### kafka",
        options(KafkaSpec),
        "### topics",
        "Each topic by name. docs/topics.md lists those that Kvarn knows.",
        options(TopicSpec),
        "### topologies",
        "Each topology by name: a chain of stages. Stages run fused, in one worker, without a topic between them. A "
        "stage with `to: <topic>` ends a worker there; the next stage reads that topic in a worker of its own, with "
        "the same results. examples/split.yaml shows it.",
        options(TopologySpec),
        "### connectors",
        "Each connector by name; further keys are the options of its type.",
        options(ConnectorSpec),
        "### sinks",
        "Each sink by name; further keys are the options of its type.",
        options(SinkSpec),
        "## Stages",
        *_stages(parts),
        "## Connectors",
        *_types(parts.connectors),
        "## Sinks",
        *_types(parts.sinks),
    )


def _stages(parts: Components) -> Iterator[str]:
    yield table(
        ("stage", "reads", "hands on", "outputs (under `to`)", "what it does"),
        (
            (
                code(stage.name),
                code(stage.reads),
                code(stage.makes),
                ", ".join([*([f"`{stage.batch}`: {stage.makes}"] if stage.batch else []), *_outputs(stage.emits)]),
                stage.doc,
            )
            for stage in STAGES.values()
        ),
    )
    for name, model in parts.agents.items():
        counted = frozenset(item.option for item in parts.counted if item.stage == name)
        yield f"### {name}"
        yield options(model, filled=counted) if model is not None else ANY
    yield f"Stages and sinks of one flow must agree on {' and '.join(f'`{name}`' for name in parts.shared)}."


def _outputs(emits: typing.Mapping[str, str]) -> list[str]:
    return [f"`{output}`: {schema}" for output, schema in emits.items()]


def _types(models: Any) -> Iterator[str]:
    for name, model in models.items():
        yield f"### {name}"
        yield options(model) if model is not None else ANY


def options(model: type[BaseModel], filled: frozenset[str] = frozenset()) -> str:
    """The options of a model as a table; those of a model within it have dotted names, `filled` come from topics."""
    rows = [
        (code(name), kind, FILLED if name in filled else default, meaning)
        for name, kind, default, meaning in _rows(model, "")
    ]
    return table(HEAD, rows) if rows else "No options."


def option_rows(model: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    """The options of a model, without those of models within it: name, type, default, meaning."""
    return [
        (code(info.alias or name), _type(info.annotation) + _limits(info), _default(info), info.description or "")
        for name, info in model.model_fields.items()
    ]


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, info in model.model_fields.items():
        key = prefix + (info.alias or name)
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and not prefix and model is not FileSpec:
            yield from _rows(inner, f"{key}.")
        else:
            yield key, _type(inner) + _limits(info), _default(info), info.description or ""


def _type(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{item}`" for item in arguments)
    if origin in (Union, types.UnionType):
        # An entry without options may be written as `name:`.
        if arguments == (dict[str, Any], type(None)):
            return "options"
        return " or ".join(dict.fromkeys("null" if item is type(None) else _type(item) for item in arguments))
    if origin in (list, tuple):
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "options" if arguments[1] is Any else f"name → {_type(arguments[1])}"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
    words |= {Decimal: "number", datetime.date: "date"}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "options"
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _limits(info: FieldInfo) -> str:
    found = [
        f"{sign} {getattr(item, name)}"
        for item in info.metadata
        for name, sign in LIMITS.items()
        if getattr(item, name, None) is not None
    ]
    return f" {', '.join(found)}" if found else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "must be given"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None:
        return ""
    if isinstance(value, BaseModel) or value in ({}, ()):
        return ""
    if isinstance(value, Mapping | tuple | list):
        return code(_flow(_plain(value)))
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return code(str(value).lower() if isinstance(value, bool) else value if value != "" else '""')


def _plain(value: Any) -> Any:
    """A default as a topology file has it: numbers, texts, lists and tables of them."""
    if isinstance(value, BaseModel):
        return {(info.alias or name): _plain(getattr(value, name)) for name, info in type(value).model_fields.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _flow(value: Any) -> str:
    """YAML in one line, as it may be pasted into a topology file."""
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style, yaml.width = True, 1 << 20
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its type is only that of its default
    yaml.dump(value, text)
    return text.getvalue().strip()
