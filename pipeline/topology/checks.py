"""Second half of lint: what the right pieces mean together. One function a kind of fault, each giving all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.lookup import PAGES
from pipeline.topology.agreement import counts_agree, options_agree
from pipeline.topology.edges import Segment, Use, option_of, outputs_of, segments, uses
from pipeline.topology.findings import Finding, finding
from pipeline.topology.load import Path
from pipeline.topology.shape import Pieces, meant
from pipeline.topology.spec import TopologySpec
from pipeline.topology.stages import KEYED_BY_SERVICE_POINT, STAGES
from pipeline.topology.topics import FROM_OUTSIDE, IMPLICIT

Check = Callable[[Pieces], Iterator[Finding]]


def topics_have_known_schemas(pieces: Pieces) -> Iterator[Finding]:
    """SCHEMA_UNKNOWN, PARTITIONS_TOO_MANY."""
    known = pieces.components.schemas
    for name, topic in pieces.topics.items():
        if topic.schema_ is not None and topic.schema_ not in known:
            place = pieces.document.place(("topics", name, "schema"))
            hint = meant(topic.schema_, known) or f"use one of {', '.join(sorted(known))}"
            yield finding("SCHEMA_UNKNOWN", place, f"there is no schema `{topic.schema_}`", hint)
        if topic.partitions > PAGES:
            place = pieces.document.place(("topics", name, "partitions"))
            yield finding("PARTITIONS_TOO_MANY", place, f"{topic.partitions} partitions, but state has {PAGES} pages")


def topics_are_declared(pieces: Pieces) -> Iterator[Finding]:
    """TOPIC_UNKNOWN: at each place that names one."""
    declared = pieces.declared("topics")
    seen: set[Path] = set()
    for use in uses(pieces):
        if use.topic in declared or use.path in seen:
            continue
        seen.add(use.path)
        given = use.path in pieces.document.values
        said = (
            f"there is no topic `{use.topic}`"
            if given
            else f"there is no topic `{use.topic}`, the default of `{use.path[-1]}`"
        )
        hint = meant(use.topic, declared) or f"add `{use.topic}:` under `topics`"
        yield finding("TOPIC_UNKNOWN", pieces.document.place(use.path), said, hint)


def stages_are_in_order(pieces: Pieces) -> Iterator[Finding]:
    """AGENT_TWICE, AGENT_ORDER."""
    for name, topology in pieces.topologies.items():
        names = [agent.name for agent in topology.stages]
        for index, stage in enumerate(names):
            place = pieces.document.key_place(("topologies", name, "agents", index, stage))
            if stage in names[:index]:
                yield finding("AGENT_TWICE", place, f"`{stage}` stands twice in `{name}`")
            elif stage in STAGES and (problem := _out_of_order(names, index)):
                yield finding("AGENT_ORDER", place, *problem)


def _out_of_order(names: list[str], index: int) -> tuple[str, str] | None:
    """(message, hint) when the stage at `index` does not get what it reads from the stages before it."""
    reads = STAGES[names[index]].reads
    makers = [stage.name for stage in STAGES.values() if stage.batch is not None and stage.makes == reads]
    # When its maker does stand before it, the stage between them is the one out of place.
    if any(name in makers for name in names[:index]):
        return None
    later = [name for name in names[index + 1 :] if name in makers]
    if later:
        return f"`{names[index]}` stands before `{later[0]}`, which makes what it reads", f"put `{later[0]}` before it"
    if index == 0 or names[index - 1] not in STAGES:
        return None
    before = STAGES[names[index - 1]]
    # A stage that is itself out of place says nothing about the next one.
    if before.makes == reads or _out_of_order(names, index - 1):
        return None
    hint = f"put `{makers[0]}` between them" if makers else "give it a topology of its own"
    return f"`{names[index]}` reads {reads}, but `{before.name}` before it makes {before.makes or 'no batch'}", hint


def outputs_are_mapped(pieces: Pieces) -> Iterator[Finding]:
    """OUTPUT_UNKNOWN, OUTPUT_UNMAPPED."""
    for name, topology in pieces.topologies.items():
        known = outputs_of(topology)
        if all(agent.name in STAGES for agent in topology.stages):
            for output in topology.to:
                if output not in known:
                    place = pieces.document.key_place(("topologies", name, "to", output))
                    hint = meant(output, known) or f"use one of {', '.join(known)}"
                    yield finding("OUTPUT_UNKNOWN", place, f"no stage of `{name}` makes `{output}`", hint)
        yield from _unmapped(pieces, name, topology)
        for index, agent in enumerate(topology.stages):
            if agent.to is not None and agent.name in STAGES and STAGES[agent.name].makes is None:
                place = pieces.document.key_place(("topologies", name, "agents", index, agent.name, "to"))
                yield finding("OUTPUT_UNKNOWN", place, f"`{agent.name}` hands no batch on", "take `to` out")


def _unmapped(pieces: Pieces, name: str, topology: TopologySpec) -> Iterator[Finding]:
    missing: set[str] = set()
    for index, agent in enumerate(topology.stages):
        options = pieces.options.get(("topologies", name, "agents", index, agent.name))
        for output in STAGES[agent.name].emits if agent.name in STAGES else ():
            option = STAGES[agent.name].optional.get(output)
            if option is not None and not option_of(options, option):
                continue
            if output not in topology.to and output not in missing:
                missing.add(output)
                place = pieces.document.key_place(("topologies", name, "to"))
                hint = f"add `{output}: <topic>`, or `{output}: null` to drop its records knowingly"
                yield finding("OUTPUT_UNMAPPED", place, f"`{output}` of `{agent.name}` goes nowhere", hint)


def edges_carry_one_schema(pieces: Pieces) -> Iterator[Finding]:
    """EDGE_SCHEMA: at each end that does not fit its topic."""
    for use in uses(pieces):
        topic = pieces.topics.get(use.topic)
        # A schema that is not there at all is a finding of its own.
        if topic is None or (topic.schema_ is not None and topic.schema_ not in pieces.components.schemas):
            continue
        verb = "writes" if use.writes else "reads"
        if use.schema is not None and use.schema != topic.schema_ and not _explained(pieces, use):
            said = f"`{use.who[1]}` {verb} {use.schema}, but `{use.topic}` holds {topic.schema_ or 'raw bytes'}"
            yield finding("EDGE_SCHEMA", pieces.document.place(use.path), said)
        if use.who[0] == "sinks":
            sink = pieces.sinks[use.who[1]]
            takes = pieces.components.sink_schemas.get(sink.type)
            form = getattr(pieces.options.get(("sinks", use.who[1])), "format", "")
            takes = pieces.components.format_schemas.get(form, takes)
            if takes is not None and topic.schema_ not in takes:
                kind = f"{sink.type} {form}".strip()
                said = f"a `{kind}` sink takes no {topic.schema_ or 'raw bytes'}, which `{use.topic}` holds"
                hint = f"it takes {', '.join(sorted(takes))}"
                yield finding("EDGE_SCHEMA", pieces.document.place(use.path), said, hint)


def _explained(pieces: Pieces, use: Use) -> bool:
    """A wrong source that AGENT_ORDER already explains."""
    if use.who[0] != "topologies" or use.path[-1] != "source":
        return False
    return _out_of_order([agent.name for agent in pieces.topologies[use.who[1]].stages], 0) is not None


def partitions_agree(pieces: Pieces) -> Iterator[Finding]:
    """CO_PARTITION: what is keyed by service point has the partitions of the topology's source."""
    for name, topology in pieces.topologies.items():
        source = pieces.topics.get(topology.source)
        if source is None or source.schema_ not in KEYED_BY_SERVICE_POINT:
            continue
        seen: set[str] = set()
        for use in uses(pieces):
            topic = pieces.topics.get(use.topic)
            ours = use.who == ("topologies", name) and use.writes and use.schema in KEYED_BY_SERVICE_POINT
            if not ours or topic is None or topic.partitions == source.partitions or use.topic in seen:
                continue
            seen.add(use.topic)
            said = (
                f"`{use.topic}` has {topic.partitions} partitions, but `{topology.source}`, "
                f"which `{name}` reads, has {source.partitions}"
            )
            place = pieces.document.place(("topics", use.topic, "partitions"))
            yield finding("CO_PARTITION", place, said, f"set both to {max(topic.partitions, source.partitions)}")


def topics_have_one_writer(pieces: Pieces) -> Iterator[Finding]:
    """WRITERS_TWO: among topologies; connectors may share a topic with one of them."""
    first: dict[str, str] = {}
    for use in uses(pieces):
        if use.who[0] != "topologies" or not use.writes:
            continue
        writer = first.setdefault(use.topic, use.who[1])
        if writer != use.who[1]:
            said = f"`{use.who[1]}` and `{writer}` both write `{use.topic}`"
            yield finding("WRITERS_TWO", pieces.document.place(use.path), said)


def nothing_feeds_itself(pieces: Pieces) -> Iterator[Finding]:
    """CYCLE: one finding a circle, at the source of its first segment in the file."""
    parts = [part for name, topology in pieces.topologies.items() for part in segments(name, topology)]
    written = [_written(pieces, part) for part in parts]
    reported: set[frozenset[int]] = set()
    for start in range(len(parts)):
        circle = _circle(parts, written, start)
        if circle and frozenset(circle) not in reported:
            reported.add(frozenset(circle))
            way = " -> ".join(f"{parts[index].source} -> {parts[index].topology}" for index in circle)
            place = pieces.document.place(("topologies", parts[start].topology, "source"))
            yield finding("CYCLE", place, f"{way} -> {parts[circle[0]].source}")


def _written(pieces: Pieces, part: Segment) -> set[str]:
    """Topics that a segment writes."""
    topology = pieces.topologies[part.topology]
    made = {str(agent.to) for agent in part.agents if agent.to is not None}
    for agent in part.agents:
        stage = STAGES.get(agent.name)
        for output in (*stage.emits, stage.batch) if stage else ():
            topic = topology.to.get(output or "")
            if topic is not None:
                made.add(topic)
    return made


def _circle(parts: list[Segment], written: list[set[str]], start: int) -> list[int]:
    """Shortest way from `start` back to itself, by its segments; empty when there is none."""
    ways: list[list[int]] = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        for index, part in enumerate(parts):
            if part.source not in written[way[-1]]:
                continue
            if index == start:
                return way
            if index not in seen:
                seen.add(index)
                ways.append([*way, index])
    return []


def topics_are_used(pieces: Pieces) -> Iterator[Finding]:
    """TOPIC_UNUSED, TOPIC_UNWRITTEN: only when every entry could be read, for a broken one may be the user."""
    if pieces.findings:
        return
    ends = list(uses(pieces))
    written = {use.topic for use in ends if use.writes}
    read = {use.topic: use for use in reversed(ends) if not use.writes}
    for name in pieces.declared("topics"):
        if name in IMPLICIT:
            continue
        if name not in written and name not in read:
            place = pieces.document.key_place(("topics", name))
            yield finding("TOPIC_UNUSED", place, f"nothing writes or reads `{name}`")
        elif name not in written and name not in FROM_OUTSIDE and not _from_outside(pieces, read[name]):
            use = read[name]
            place = pieces.document.place(use.path)
            yield finding("TOPIC_UNWRITTEN", place, f"`{use.who[1]}` reads `{name}`, but nothing here writes it")


def _from_outside(pieces: Pieces, use: Use) -> bool:
    """Who reads it expects it from another system."""
    section, name = use.who
    return section == "connectors" and pieces.connectors[name].type in pieces.components.outside


CHECKS: tuple[Check, ...] = (
    topics_have_known_schemas,
    topics_are_declared,
    stages_are_in_order,
    outputs_are_mapped,
    edges_carry_one_schema,
    partitions_agree,
    counts_agree,
    options_agree,
    topics_have_one_writer,
    nothing_feeds_itself,
    topics_are_used,
)
