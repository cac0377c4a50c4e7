"""A plan as a graph of parts and topics, and as Mermaid text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipeline.topology.plan import Plan, TopicPlan


class Part(StrEnum):
    """What a node stands for."""

    CONNECTOR = "connector"
    TOPIC = "topic"
    WORKER = "worker"
    SINK = "sink"


@dataclass(frozen=True)
class Node:
    """One box: `title` is its name, `detail` what is in it."""

    id: str
    part: Part
    title: str
    detail: str


@dataclass(frozen=True)
class Edge:
    """Records flow from `source` to `target` (ids); `aside` for what a connector puts aside."""

    source: str
    target: str
    aside: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes and edges in the order of the file; each edge once."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(plan: Plan) -> Graph:
    """The graph of a plan; topics at no edge (the registry) are left out."""
    edges = tuple(dict.fromkeys(_edges(plan)))
    touched = {end for edge in edges for end in (edge.source, edge.target)}
    return Graph(tuple(node for node in _nodes(plan) if node.id in touched), edges)


def _nodes(plan: Plan) -> Iterator[Node]:
    for connector in plan.connectors.values():
        yield Node(_id(Part.CONNECTOR, connector.name), Part.CONNECTOR, connector.name, connector.type)
    for topic in plan.topics.values():
        detail = f"{topic.schema or 'raw bytes'} × {topic.partitions}"
        yield Node(_id(Part.TOPIC, topic.name), Part.TOPIC, topic.name, detail)
    for chain in plan.chains:
        detail = " → ".join(stage.name for stage in chain.stages)
        yield Node(_id(Part.WORKER, chain.name), Part.WORKER, chain.name, detail)
    for sink in plan.sinks.values():
        yield Node(_id(Part.SINK, sink.name), Part.SINK, sink.name, sink.type)


def _edges(plan: Plan) -> Iterator[Edge]:
    for connector in plan.connectors.values():
        me = _id(Part.CONNECTOR, connector.name)
        for topic in connector.reads:
            yield Edge(_topic(topic), me)
        yield Edge(me, _topic(connector.to))
        for topic in connector.writes:
            yield Edge(me, _topic(topic))
        for aside in (connector.rejects, connector.parked):
            if aside is not None:
                yield Edge(me, _topic(aside), aside=True)
    for chain in plan.chains:
        me = _id(Part.WORKER, chain.name)
        yield Edge(_topic(chain.source), me)
        for topic in chain.written:
            yield Edge(me, _topic(topic))
    for sink in plan.sinks.values():
        for topic in sink.topics:
            yield Edge(_topic(topic), _id(Part.SINK, sink.name))


def _topic(topic: TopicPlan) -> str:
    return _id(Part.TOPIC, topic.name)


def _id(part: Part, name: str) -> str:
    # Hyphens, dots and underscores differ, so that two names never share an id.
    return f"{part.value}_" + re.sub(r"[^a-zA-Z0-9]", lambda sign: f"_{ord(sign[0]):x}_", name)


SHAPES = {
    Part.CONNECTOR: ('(["', '"])'),
    Part.TOPIC: ('[("', '")]'),
    Part.WORKER: ('["', '"]'),
    Part.SINK: ('[/"', '"\\]'),
}

FILLS = {Part.CONNECTOR: "#dbeafe", Part.TOPIC: "#fef3c7", Part.WORKER: "#dcfce7", Part.SINK: "#f3e8ff"}
LINES = {Part.CONNECTOR: "#1d4ed8", Part.TOPIC: "#b45309", Part.WORKER: "#15803d", Part.SINK: "#7e22ce"}


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for node in graph.nodes:
        opening, closing = SHAPES[node.part]
        lines.append(f"    {node.id}{opening}{node.title}<br/>{node.detail}{closing}:::{node.part.value}")
    lines += [f"    {edge.source} {'-.->' if edge.aside else '-->'} {edge.target}" for edge in graph.edges]
    lines += [f"    classDef {part.value} fill:{FILLS[part]},stroke:{LINES[part]},color:#111" for part in Part]
    return "\n".join(lines) + "\n"
