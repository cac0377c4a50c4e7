"""What a connector is told of its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.connect import check_journal, readers_of
from cli.topology import read_plan
from pipeline.errors import ConfigError
from pipeline.topology.graph import graph_of

ROOT = Path(__file__).parents[3]


def test_readers_of_a_topic_are_workers_and_sinks() -> None:
    plan = read_plan(ROOT / "topologies.yaml")
    topics = plan.topics
    assert readers_of(plan, topics["frames"]) == ("kvarn-metering",)
    assert readers_of(plan, topics["readings"]) == ("kvarn-sink-warehouse",)
    assert readers_of(plan, topics["node-energy"]) == ("kvarn-losses",)
    assert readers_of(plan, topics["parked"]) == ()


def test_the_pull_connector_reads_commands_and_writes_results_beside_frames() -> None:
    plan = read_plan(ROOT / "examples" / "pull.yaml")
    pull = plan.connector("pull")
    assert [topic.name for topic in pull.reads] == ["commands", "pull-journal"]
    assert [topic.name for topic in pull.writes] == ["command-results", "pull-journal"]
    assert plan.subjects()["commands"] == "Command"
    edges = {(edge.source, edge.target) for edge in graph_of(plan).edges}
    assert {("topic_commands", "connector_pull"), ("connector_pull", "topic_command_2d_results")} <= edges
    check_journal(plan, pull)
    check_journal(plan, plan.connector("push"))


JOURNAL = "pull-journal: {partitions: 1, retention: forever, cleanup: compact}"


@pytest.mark.parametrize("wrong", [JOURNAL.replace("compact", "delete"), JOURNAL.replace("1", "2")])
def test_a_journal_whose_records_could_be_deleted_keeps_the_connector_from_starting(wrong: str, tmp_path: Path) -> None:
    text = (ROOT / "examples" / "pull.yaml").read_text(encoding="utf-8")
    file = tmp_path / "pull.yaml"
    assert JOURNAL in text
    file.write_text(text.replace(JOURNAL, wrong))
    plan = read_plan(file)
    with pytest.raises(ConfigError, match="JOURNAL_NOT_COMPACT"):
        check_journal(plan, plan.connector("pull"))


def test_a_topic_of_results_with_another_schema_is_found(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "pull.yaml").read_text(encoding="utf-8")
    file = tmp_path / "pull.yaml"
    file.write_text(text.replace("schema: CommandResult", "schema: Command"))
    with pytest.raises(ConfigError, match="EDGE_SCHEMA"):
        read_plan(file)
