"""What a connector is told of its deployment."""

from __future__ import annotations

from pathlib import Path

from cli.connect import readers_of
from cli.topology import read_plan

ROOT = Path(__file__).parents[3]


def test_readers_of_a_topic_are_workers_and_sinks() -> None:
    plan = read_plan(ROOT / "topologies.yaml")
    topics = plan.topics
    assert readers_of(plan, topics["frames"]) == ("kvarn-metering",)
    assert readers_of(plan, topics["readings"]) == ("kvarn-sink-warehouse",)
    assert readers_of(plan, topics["node-energy"]) == ("kvarn-losses",)
    assert readers_of(plan, topics["parked"]) == ()
