"""Who reads and writes which topic: the edges that checks, plan and graph share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.topology.load import Path
from pipeline.topology.shape import Pieces
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
        yield Use(who, connector.to, "FrameBatch", (*who, "to"), writes=True)
        if connector.type in pieces.components.connectors and connector.type not in pieces.components.silent:
            yield Use(who, connector.rejects, "Reject", (*who, "rejects"), writes=True)
            yield Use(who, connector.parked, "Reject", (*who, "parked"), writes=True)
        for option in pieces.components.topic_options.get(connector.type, ()):
            value = _option(pieces, who, option)
            if value is not None:
                yield Use(who, value, None, (*who, option), writes=False)
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
    options = pieces.options.get(path)
    value = None if options is None else options.get(option) if isinstance(options, dict) else getattr(options, option)
    return value if isinstance(value, str) else None
