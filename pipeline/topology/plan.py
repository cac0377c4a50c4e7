"""The plan: a checked topology with every name resolved, as the runtimes, `kvarn run` and the picture use it.

A topology is one chain, or several where stages are cut apart by topics. A chain is what one worker process runs: it
reads one topic, runs its stages fused, and writes what they emit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TypeVar

from pipeline.errors import ConfigError
from pipeline.topology.edges import Segment, counted_partitions, segments
from pipeline.topology.lint import Report
from pipeline.topology.shape import Options, Pieces
from pipeline.topology.spec import KafkaSpec, TopologySpec
from pipeline.topology.stages import STAGES

T = TypeVar("T")


@dataclass(frozen=True)
class TopicPlan:
    """A topic; `schema` None for raw bytes, `retention_secs` None for ever."""

    name: str
    schema: str | None
    partitions: int
    retention_secs: int | None
    compact: bool


@dataclass(frozen=True)
class StagePlan:
    """One stage: its checked options, and where its emissions go: output -> topic; an output not in it is dropped.

    Options that are numbers of partitions are filled in from the topics.
    """

    name: str
    options: Options
    emits: Mapping[str, TopicPlan]


@dataclass(frozen=True)
class Publish:
    """The parcel that leaves `stages[stage]` is written to `topic`, ticks and controls too, in the source's partition.

    `cut` says that another chain goes on from there; else it is for readers only.
    """

    stage: int
    topic: TopicPlan
    schema: str
    cut: bool


@dataclass(frozen=True)
class ChainPlan:
    """What one worker runs. `reads` is the schema of `source`: FrameBatch at the beginning of all.

    `name` is the topology's, or `topology.stage` with the first stage when the topology is cut. `state` is the
    compacted topic of its checkpoints, with as many partitions as `source`. `group` is its consumer group, and begins
    its transactional ids.
    """

    name: str
    topology: str
    source: TopicPlan
    reads: str
    stages: tuple[StagePlan, ...]
    publishes: tuple[Publish, ...]
    state: TopicPlan
    group: str

    @property
    def written(self) -> tuple[TopicPlan, ...]:
        """Topics it writes, the state topic left out, each once."""
        emitted = [topic for stage in self.stages for topic in stage.emits.values()]
        return tuple(dict.fromkeys([*(publish.topic for publish in self.publishes), *emitted]))


@dataclass(frozen=True)
class ConnectorPlan:
    """A connector: its checked options, the topic of frames that it writes, and where what it cannot use goes.

    `reads` are topics that its options name, `writes` those that they name for what is no frame.
    """

    name: str
    type: str
    options: Options
    to: TopicPlan
    rejects: TopicPlan | None
    parked: TopicPlan | None
    reads: tuple[TopicPlan, ...]
    writes: tuple[TopicPlan, ...] = ()


@dataclass(frozen=True)
class SinkPlan:
    """A sink: its checked options and the topics that it reads."""

    name: str
    type: str
    options: Options
    topics: tuple[TopicPlan, ...]
    group: str


@dataclass(frozen=True)
class Plan:
    """Everything of one topology file. `chains` are in the order that data flows through them."""

    file: str
    application: str
    kafka: KafkaSpec
    topics: Mapping[str, TopicPlan]
    chains: tuple[ChainPlan, ...]
    connectors: Mapping[str, ConnectorPlan]
    sinks: Mapping[str, SinkPlan]

    def chain(self, name: str) -> ChainPlan:
        """The chain of this name; raises ConfigError naming those that there are."""
        return _named(name, {chain.name: chain for chain in self.chains}, "worker")

    def connector(self, name: str) -> ConnectorPlan:
        """The connector of this name; raises ConfigError naming those that there are."""
        return _named(name, self.connectors, "connector")

    def sink(self, name: str) -> SinkPlan:
        """The sink of this name; raises ConfigError naming those that there are."""
        return _named(name, self.sinks, "sink")

    def created(self) -> tuple[TopicPlan, ...]:
        """Topics that must be there before anything starts: those of the file, and the chains' state topics."""
        return (*self.topics.values(), *(chain.state for chain in self.chains))

    def subjects(self) -> dict[str, str]:
        """Topic -> schema, for `schemas.registry.register`."""
        return {topic.name: topic.schema for topic in self.topics.values() if topic.schema is not None}


def _named(name: str, table: Mapping[str, T], word: str) -> T:
    if name in table:
        return table[name]
    raise ConfigError(
        "NAME_UNKNOWN",
        where=name,
        what=f"the topology file has no {word} of this name",
        do=f"use one of {', '.join(table)}" if table else f"add a {word} to the topology file",
    )


def resolve(report: Report) -> Plan:
    """The plan of a checked file; raises ConfigError when it has errors."""
    pieces = report.require()
    assert pieces.file is not None
    topics = {
        name: TopicPlan(name, spec.schema_, spec.partitions, spec.retention_secs, spec.cleanup == "compact")
        for name, spec in pieces.topics.items()
    }
    chains = [
        chain for name, topology in pieces.topologies.items() for chain in _chains(pieces, name, topology, topics)
    ]
    return Plan(
        file=pieces.document.file,
        application=pieces.file.application,
        kafka=pieces.file.kafka,
        topics=topics,
        chains=tuple(_in_order(chains)),
        connectors={name: _connector(pieces, name, topics) for name in pieces.connectors},
        sinks={name: _sink(pieces, name, topics) for name in pieces.sinks},
    )


def _chains(pieces: Pieces, name: str, topology: TopologySpec, topics: Mapping[str, TopicPlan]) -> Iterable[ChainPlan]:
    assert pieces.file is not None
    parts = segments(name, topology)
    for part in parts:
        chain = name if len(parts) == 1 else f"{name}.{part.agents[0].name}"
        source = topics[part.source]
        prefix = f"{pieces.file.application}-{chain}"
        yield ChainPlan(
            name=chain,
            topology=name,
            source=source,
            reads=STAGES[part.agents[0].name].reads,
            stages=tuple(_stage(pieces, part, index, topology, topics) for index in range(len(part.agents))),
            publishes=tuple(_publishes(part, topology, topics, last=part is parts[-1])),
            state=TopicPlan(f"{prefix}-state", None, source.partitions, None, compact=True),
            group=prefix,
        )


def _stage(
    pieces: Pieces, part: Segment, index: int, topology: TopologySpec, topics: Mapping[str, TopicPlan]
) -> StagePlan:
    agent = part.agents[index]
    path = ("topologies", part.topology, "agents", part.first + index, agent.name)
    mapped = {output: topology.to.get(output) for output in STAGES[agent.name].emits}
    return StagePlan(
        agent.name,
        _counted(pieces, part.topology, agent.name, pieces.options[path]),
        {output: topics[topic] for output, topic in mapped.items() if topic is not None},
    )


def _counted(pieces: Pieces, topology: str, stage: str, options: Options) -> Options:
    """The options with those filled in that are numbers of partitions."""
    for counted in pieces.components.counted:
        found = counted_partitions(pieces, topology, counted)
        if counted.stage != stage or found is None:
            continue
        update = {counted.option: found[1]}
        options = {**options, **update} if isinstance(options, Mapping) else options.model_copy(update=update)
    return options


def _publishes(
    part: Segment, topology: TopologySpec, topics: Mapping[str, TopicPlan], *, last: bool
) -> Iterable[Publish]:
    for index, agent in enumerate(part.agents):
        stage = STAGES[agent.name]
        cut = str(agent.to) if agent.to is not None else None
        shown = topology.to.get(stage.batch) if stage.batch is not None else None
        for topic in dict.fromkeys(name for name in (cut, shown) if name is not None):
            assert stage.makes is not None
            yield Publish(index, topics[topic], stage.makes, cut=topic == cut and not last)


def _in_order(chains: list[ChainPlan]) -> list[ChainPlan]:
    """Before each chain those that write what it reads; otherwise the order of the file."""
    by_name = {chain.name: chain for chain in chains}
    sorter = TopologicalSorter(
        {
            chain.name: [other.name for other in chains if chain.source in other.written and other is not chain]
            for chain in chains
        }
    )
    return [by_name[name] for name in sorter.static_order()]


def _connector(pieces: Pieces, name: str, topics: Mapping[str, TopicPlan]) -> ConnectorPlan:
    spec = pieces.connectors[name]
    options = pieces.options["connectors", name]
    silent = spec.type in pieces.components.silent
    reads, writes = (
        tuple(topics[topic] for topic in _named_by(options, of_type) if topic is not None)
        for of_type in (
            pieces.components.topic_options.get(spec.type, ()),
            pieces.components.topic_outputs.get(spec.type, {}),
        )
    )
    return ConnectorPlan(
        name=name,
        type=spec.type,
        options=options,
        to=topics[spec.to],
        rejects=None if silent else topics[spec.rejects],
        parked=None if silent else topics[spec.parked],
        reads=reads,
        writes=writes,
    )


def _named_by(options: Options, names: Iterable[str]) -> list[str | None]:
    """Topics that these options name; one may name none."""
    return [options[name] if isinstance(options, Mapping) else getattr(options, name) for name in names]


def _sink(pieces: Pieces, name: str, topics: Mapping[str, TopicPlan]) -> SinkPlan:
    spec = pieces.sinks[name]
    assert pieces.file is not None
    return SinkPlan(
        name=name,
        type=spec.type,
        options=pieces.options["sinks", name],
        topics=tuple(topics[topic] for topic in dict.fromkeys(spec.from_)),
        group=f"{pieces.file.application}-sink-{name}",
    )
