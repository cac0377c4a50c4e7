"""`kvarn connect`: run one connector of a topology."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from pydantic import BaseModel

from cli.cold import lane_of
from cli.deployment import REGISTRY_TOPIC, key_folder, master_key, prepare
from cli.in_force import in_force_of
from cli.output import DEFAULT_FILE, TopologyFile
from cli.prepaid import rates_of
from cli.topology import read_plan
from cli.wall_clock import WallClock
from connectors.gather.outlet import Targets
from connectors.runner import Environment, run_connector, stop_on_signals
from pipeline.errors import ConfigError
from pipeline.runtime.collector import collect_seldom
from pipeline.topology.plan import ConnectorPlan, Plan, TopicPlan

OPENS_KEYS = frozenset({"dlms_pull"})
"""Connector types that open the key store: others never hold the master key."""


def connect(
    name: Annotated[str, typer.Argument(help="Name of the connector in the topology file.")],
    status_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Serve counts as JSON on 127.0.0.1 at /status; 0: do not.")
    ] = 0,
    file: TopologyFile = DEFAULT_FILE,
) -> None:
    """Run one connector until it is stopped (SIGTERM, Ctrl-C).

    It takes nothing from meters before a registry version is published, stops reading while Kafka or the workers are
    too far behind, and at a clean stop hands on what it has taken. Missing topics are created as the file says.
    """
    WallClock().watch()
    run(read_plan(file), name, status_port)


def run(plan: Plan, name: str, status_port: int = 0) -> None:
    """The connector of a plan, on uvloop."""
    import uvloop

    connector = plan.connector(name)
    check_journal(plan, connector)
    environment = environment_of(plan, connector, status_port)
    assert isinstance(connector.options, BaseModel)
    options = connector.options

    async def main() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await run_connector(name, options, environment, stop)

    collect_seldom()
    uvloop.run(main())


def check_journal(plan: Plan, connector: ConnectorPlan) -> None:
    """A journal whose records were deleted by age would let counters be used twice; raises ConfigError."""
    name = getattr(connector.options, "journal", None)
    topic = plan.topics.get(name) if isinstance(name, str) else None
    if topic is not None and (not topic.compact or topic.partitions != 1):
        raise ConfigError(
            "JOURNAL_NOT_COMPACT", where=topic.name, what=f"cleanup is not compact, or {topic.partitions} partitions",
            do="give it `cleanup: compact` and `partitions: 1`",
        )  # fmt: skip


def environment_of(plan: Plan, connector: ConnectorPlan, status_port: int) -> Environment:
    """What the connector shares with the others; creates missing topics."""
    default = Targets(connector.to.name)
    targets = Targets(
        connector.to.name,
        connector.rejects.name if connector.rejects is not None else default.rejects,
        connector.parked.name if connector.parked is not None else default.parked,
    )
    return Environment(
        plan.kafka.bootstrap, prepare(plan), connector.to.partitions, targets, REGISTRY_TOPIC, status_port,
        readers_of(plan, connector.to), key_folder().folder, master_key() if connector.type in OPENS_KEYS else None,
        in_force_of(plan, connector), lane_of(plan, connector),
        rates_of(plan, connector),
    )  # fmt: skip


def readers_of(plan: Plan, topic: TopicPlan) -> tuple[str, ...]:
    """Consumer groups of the workers and sinks that read a topic."""
    workers = [chain.group for chain in plan.chains if chain.source == topic]
    return (*workers, *(sink.group for sink in plan.sinks.values() if topic in sink.topics))
