"""Who reads and writes which topic: the edges that checks, plan and graph share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.topology.components import FIRST_LOG, Counted
from pipeline.topology.load import Path
from pipeline.topology.shape import Options, Pieces
from pipeline.topology.spec import AgentSpec, TopologySpec
from pipeline.topology.stages import STAGES, Stage


@dataclass(frozen=True)
class Use:
    """One end of an edge: `who` (section, name) writes or reads `topic` as `schema` (None: any), said at `path`."""

    who: tuple[str, str]
    topic: str
    schema: str | None
    path: Path
    writes: bool


@dataclass(frozen=True)
class Segment:
    """Stages of a topology that run fused: from one topic, up to a cut or the end. `first` is the first one's index."""

    topology: str
    first: int
    source: str
    agents: tuple[AgentSpec, ...]


def segments(name: str, topology: TopologySpec) -> list[Segment]:
    """A topology taken apart at its cuts."""
    made: list[Segment] = []
    source, first = topology.source, 0
    stages = topology.stages
    for index, agent in enumerate(stages):
        if agent.to is not None or index == len(stages) - 1:
            made.append(Segment(name, first, source, tuple(stages[first : index + 1])))
            source, first = str(agent.to), index + 1
    return made


def outputs_of(topology: TopologySpec) -> dict[str, str]:
    """Output name -> schema, of all known stages: emissions, and batches that may be published."""
    made: dict[str, str] = {}
    for agent in topology.stages:
        stage = STAGES.get(agent.name)
        if stage is not None:
            made.update(stage.emits)
            if stage.batch is not None and stage.makes is not None:
                made[stage.batch] = stage.makes
    return made


def uses(pieces: Pieces) -> Iterator[Use]:
    """All ends of edges, in the order of the file."""
    for name, topology in pieces.topologies.items():
        yield from _topology_uses(name, topology)
    for name, connector in pieces.connectors.items():
        who = ("connectors", name)
        made = pieces.components.makes.get(connector.type, "FrameBatch")
        yield Use(who, connector.to, made, (*who, "to"), writes=True)
        if connector.type in pieces.components.connectors and connector.type not in pieces.components.silent:
            yield Use(who, connector.rejects, "Reject", (*who, "rejects"), writes=True)
            yield Use(who, connector.parked, "Reject", (*who, "parked"), writes=True)
        for option in pieces.components.topic_options.get(connector.type, ()):
            value = _option(pieces, who, option)
            if value is not None:
                yield Use(who, value, None, (*who, option), writes=False)
        for option, schema in pieces.components.topic_outputs.get(connector.type, {}).items():
            value = _option(pieces, who, option)
            if value is not None:
                yield Use(who, value, schema, (*who, option), writes=True)
    for name, sink in pieces.sinks.items():
        for index, topic in enumerate(sink.from_):
            yield Use(("sinks", name), topic, None, ("sinks", name, "from", index), writes=False)


def _topology_uses(name: str, topology: TopologySpec) -> Iterator[Use]:
    who = ("topologies", name)
    stages = topology.stages
    first = STAGES.get(stages[0].name)
    yield Use(who, topology.source, first.reads if first else None, (*who, "source"), writes=False)
    for index, agent in enumerate(stages):
        if isinstance(agent.to, str):
            stage = STAGES.get(agent.name)
            following: Stage | None = STAGES.get(stages[index + 1].name) if index + 1 < len(stages) else None
            path: Path = (*who, "agents", index, agent.name, "to")
            yield Use(who, agent.to, stage.makes if stage else None, path, writes=True)
            if index + 1 < len(stages):
                yield Use(who, agent.to, following.reads if following else None, path, writes=False)
    schemas = outputs_of(topology)
    for output, topic in topology.to.items():
        if topic is not None:
            yield Use(who, topic, schemas.get(output), (*who, "to", output), writes=True)


def _option(pieces: Pieces, path: Path, option: str) -> str | None:
    value = option_of(pieces.options.get(path), option)
    return value if isinstance(value, str) else None


def option_of(options: Options | None, name: str) -> Any:
    """Value of an option, its default included; None when there is no such option."""
    return options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)


def given(options: Options | None, name: str) -> bool:
    """Whether the file says the option, rather than its default."""
    return name in (options if isinstance(options, Mapping) else options.model_fields_set if options else ())


def feeders(pieces: Pieces, name: str) -> list[str]:
    """Topologies that write what `name` reads, in the order of the file."""
    source = pieces.topologies[name].source
    return [other for other, topology in pieces.topologies.items() if other != name and source in written_by(topology)]


def written_by(topology: TopologySpec) -> set[str]:
    """Topics that a topology writes."""
    named = (*topology.to.values(), *(agent.to for agent in topology.stages))
    return {topic for topic in named if isinstance(topic, str)}


def first_log(pieces: Pieces, name: str) -> str | None:
    """The topic at the beginning of all that topology `name` reads; None when it is written outside of this file."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        before = feeders(pieces, name)
        if not before:
            source = pieces.topologies[name].source
            known = pieces.topics.get(source)
            return source if known is not None and known.schema_ == "FrameBatch" else None
        name = before[0]
    return None


def counted_partitions(pieces: Pieces, name: str, counted: Counted) -> tuple[str, int] | None:
    """(topic, partitions) that an option of a stage of topology `name` stands for; None when this file cannot tell."""
    topology = pieces.topologies[name]
    topic = first_log(pieces, name) if counted.output == FIRST_LOG else topology.to.get(counted.output)
    known = pieces.topics.get(topic) if topic is not None else None
    return None if topic is None or known is None else (topic, known.partitions)
