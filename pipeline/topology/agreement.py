"""Lint of options that must agree with topics, or with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.topology.edges import counted_partitions, feeders, given, option_of, written_by
from pipeline.topology.findings import Finding, finding
from pipeline.topology.load import Path
from pipeline.topology.shape import Pieces


def counts_agree(pieces: Pieces) -> Iterator[Finding]:
    """CO_PARTITION: an option that is a number of partitions, given by hand and wrong."""
    for name, topology in pieces.topologies.items():
        for index, agent in enumerate(topology.stages):
            path: Path = ("topologies", name, "agents", index, agent.name)
            options = pieces.options.get(path)
            for counted in pieces.components.counted:
                if counted.stage != agent.name or not given(options, counted.option):
                    continue
                found = counted_partitions(pieces, name, counted)
                said = option_of(options, counted.option)
                if found is not None and said != found[1]:
                    message = f"`{counted.option}` is {said}, but `{found[0]}` has {found[1]} partitions"
                    place = pieces.document.place((*path, counted.option))
                    yield finding("CO_PARTITION", place, message, "take it out: it is filled in from the topic")


def options_agree(pieces: Pieces) -> Iterator[Finding]:
    """OPTIONS_DISAGREE: at each place that differs from the first stage of the flow."""
    for option in pieces.components.shared:
        first: dict[str, tuple[str, Any]] = {}
        for name in pieces.topologies:
            flow = _flow(pieces, name)
            for path, who in _stages(pieces, name):
                yield from _compared(pieces, option, path, who, first, flow)
        for name, sink in pieces.sinks.items():
            for flow in dict.fromkeys(_flow(pieces, writer) for writer in _writers(pieces, sink.from_)):
                yield from _compared(pieces, option, ("sinks", name), name, first, flow)


def _compared(
    pieces: Pieces, option: str, path: Path, who: str, first: dict[str, tuple[str, Any]], flow: str
) -> Iterator[Finding]:
    value = option_of(pieces.options.get(path), option)
    if value is None:
        return
    other, wanted = first.setdefault(flow, (who, value))
    if value != wanted:
        at = pieces.document.place((*path, option)) if (*path, option) in pieces.document.values else None
        said = f"`{option}` of `{who}` is {value}, but that of `{other}` is {wanted}"
        place = at or pieces.document.key_place(path)
        yield finding("OPTIONS_DISAGREE", place, said, f"give `{option}` the same value in both")


def _stages(pieces: Pieces, name: str) -> Iterator[tuple[Path, str]]:
    for index, agent in enumerate(pieces.topologies[name].stages):
        yield ("topologies", name, "agents", index, agent.name), agent.name


def _flow(pieces: Pieces, name: str) -> str:
    """The topology that the flow of `name` begins with: those of one flow have one name."""
    seen = [name]
    while (before := feeders(pieces, seen[-1])) and before[0] not in seen:
        seen.append(before[0])
    return seen[-1]


def _writers(pieces: Pieces, topics: list[str]) -> list[str]:
    return [name for name, topology in pieces.topologies.items() if written_by(topology) & set(topics)]
