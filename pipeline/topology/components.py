"""What a topology may name: stages, connectors, sinks and schemas, handed in by whoever knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

Configs = Mapping[str, type[BaseModel] | None]
"""Type -> model of its options; None takes any options."""


@dataclass(frozen=True)
class Components:
    """Explicit tables; `cli.components` joins those of agents, connectors and sinks.

    `topic_options`: connector type -> its options that name a topic it reads. `silent`: connector types that reject and
    park nothing. `sink_schemas`: sink type -> schemas it can take; all when it is not in the table.
    """

    agents: Configs
    connectors: Configs
    sinks: Configs
    schemas: Collection[str]
    topic_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silent: Collection[str] = ()
    sink_schemas: Mapping[str, Collection[str]] = field(default_factory=dict)
