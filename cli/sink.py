"""`kvarn sink`: run one sink of a topology."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from cli.deployment import REGISTRY_TOPIC, prepare
from cli.output import DEFAULT_FILE, TopologyFile
from cli.topology import read_plan
from cli.wall_clock import WallClock
from pipeline.topology.plan import SinkPlan
from sinks.process import SinkSettings, run_sink, stop_on_signals


def sink(
    name: Annotated[str, typer.Argument(help="Name of the sink in the topology file.")],
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Run one sink until it is stopped (SIGTERM, Ctrl-C).

    Each block of records is written once in effect, whatever breaks. While it runs, `kvarn sql` asks an embedded
    warehouse through it.
    """
    WallClock().watch()
    plan = read_plan(file)
    settings = settings_of(plan.sink(name))
    contracts = prepare(plan)
    stop = threading.Event()
    stop_on_signals(stop)
    run_sink(settings, plan.kafka.bootstrap, contracts, stop)


def settings_of(plan: SinkPlan) -> SinkSettings:
    """What the sink process is told."""
    topics = {topic.name: topic.schema for topic in plan.topics if topic.schema is not None}
    return SinkSettings(plan.type, plan.options, topics, plan.group, REGISTRY_TOPIC)
