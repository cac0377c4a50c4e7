"""`kvarn sink`: run one sink of a topology."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from cli.deployment import prepare
from cli.output import DEFAULT_FILE, TopologyFile
from cli.topology import read_plan
from pipeline.topology.plan import Plan, SinkPlan
from sinks.process import SinkSettings, run_sink, stop_on_signals


def sink(
    name: Annotated[str, typer.Argument(help="Name of the sink in the topology file.")],
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Run one sink until it is stopped (SIGTERM, Ctrl-C).

    Each block of records is planned in Kafka before it is written, so that a crash neither loses nor doubles any. A
    clean stop writes what is gathered. An embedded warehouse is open in this process alone; it answers `kvarn sql`.
    """
    run(read_plan(file), name)


def run(plan: Plan, name: str) -> None:
    """The sink of a plan; creates missing topics."""
    stop = threading.Event()
    stop_on_signals(stop)
    run_sink(settings_of(plan.sink(name)), plan.kafka.bootstrap, prepare(plan), stop)


def settings_of(found: SinkPlan) -> SinkSettings:
    """What the sink's process needs of the plan."""
    topics = {topic.name: topic.schema for topic in found.topics if topic.schema is not None}
    return SinkSettings(found.type, found.options, topics, found.group)
