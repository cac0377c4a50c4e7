"""What a topology may name: stages, connectors, sinks and schemas, handed in by whoever knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

Configs = Mapping[str, type[BaseModel] | None]
"""Type -> model of its options; None takes any options."""


FIRST_LOG = "first log"
"""Where a derived option is counted: the log of frames that all of a topology comes from."""


@dataclass(frozen=True)
class Counted:
    """An option of a stage that is a number of partitions: of the topic of `output`, or of the FIRST_LOG."""

    stage: str
    option: str
    output: str


@dataclass(frozen=True)
class Components:
    """Explicit tables; `cli.components` joins those of agents, connectors and sinks.

    `topic_options`: connector type -> its options that name a topic it reads. `topic_outputs`: connector type -> its
    options that name a topic it writes, with the schema (None: any). `silent`: connector types that reject and park
    nothing. `outside`: connector types that read what another system writes. `makes`: connector type -> schema of what
    it writes to its `to`, where that is not frames. `sink_schemas`: sink type -> schemas
    it can take; all when it is not in the table. `format_schemas`: the same by a sink's option `format`. `counted`:
    options that the plan fills in from topics. `shared`: options that all stages and sinks along one flow must agree
    on.
    """

    agents: Configs
    connectors: Configs
    sinks: Configs
    schemas: Collection[str]
    topic_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    topic_outputs: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    silent: Collection[str] = ()
    outside: Collection[str] = ()
    makes: Mapping[str, str] = field(default_factory=dict)
    sink_schemas: Mapping[str, Collection[str]] = field(default_factory=dict)
    format_schemas: Mapping[str, Collection[str]] = field(default_factory=dict)
    counted: tuple[Counted, ...] = ()
    shared: tuple[str, ...] = ()
