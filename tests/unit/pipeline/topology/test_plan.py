"""The plan of a topology: fused, split, and what each part is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline.errors import ConfigError
from pipeline.topology import lint, load
from pipeline.topology.components import Components
from pipeline.topology.plan import Plan, resolve

WHOLE = (Path(__file__).parent / "whole.yaml").read_text(encoding="utf-8")
SPLIT = (
    WHOLE.replace("topics:\n", "topics:\n  decoded: {schema: DecodedBatch, partitions: 4}\n")
    .replace("decode: {frame_limit: 4096}", "decode: {frame_limit: 4096, to: decoded}")
    .replace("vee: {hot_days: 3}", "vee: {hot_days: 3, to: readings}")
    .replace("to: {readings: readings, ", "to: {")
)


def plan_of(text: str, components: Components) -> Plan:
    return resolve(lint.check(load.parse(text, file="f.yaml", variables={}), components))


def test_stages_are_fused_where_nothing_cuts_them(components: Components) -> None:
    metering, losses = plan_of(WHOLE, components).chains
    assert (metering.name, metering.reads, metering.source.name) == ("metering", "FrameBatch", "frames")
    assert [stage.name for stage in metering.stages] == ["decode", "vee", "rating", "nodes"]
    assert (losses.name, losses.reads, losses.source.name) == ("losses", "NodeEnergy", "node-energy")


def test_emissions_know_their_topics(components: Components) -> None:
    metering = plan_of(WHOLE, components).chain("metering")
    emitted = [{output: topic.name for output, topic in stage.emits.items()} for stage in metering.stages]
    assert emitted == [
        {"events": "events", "rejects": "rejects"},
        {"rejects": "rejects"},
        {"determinants": "determinants", "rejects": "rejects"},
        {"node_energy": "node-energy"},
    ]


def test_readings_are_published_for_readers_without_a_cut(components: Components) -> None:
    (publish,) = plan_of(WHOLE, components).chain("metering").publishes
    assert (publish.stage, publish.topic.name, publish.schema, publish.cut) == (1, "readings", "ReadingBatch", False)


def test_a_stage_with_to_ends_a_chain_and_the_next_reads_its_topic(components: Components) -> None:
    chains = [chain for chain in plan_of(SPLIT, components).chains if chain.topology == "metering"]
    assert [(chain.name, chain.source.name, chain.reads) for chain in chains] == [
        ("metering.decode", "frames", "FrameBatch"),
        ("metering.vee", "decoded", "DecodedBatch"),
        ("metering.rating", "readings", "ReadingBatch"),
    ]
    assert [[publish.cut for publish in chain.publishes] for chain in chains] == [[True], [True], []]


def test_the_topic_of_a_cut_is_written_once_when_it_is_also_an_output(components: Components) -> None:
    text = SPLIT.replace("to: {events", "to: {readings: readings, events")
    (publish,) = plan_of(text, components).chain("metering.vee").publishes
    assert (publish.topic.name, publish.cut) == ("readings", True)


def test_each_chain_has_state_and_a_group_of_its_own(components: Components) -> None:
    plan = plan_of(SPLIT, components)
    assert len({chain.state.name for chain in plan.chains}) == len({chain.group for chain in plan.chains}) == 4
    for chain in plan.chains:
        assert chain.state.partitions == chain.source.partitions
        assert chain.state.compact
    assert {chain.state for chain in plan.chains} < set(plan.created())


def test_chains_come_in_the_order_that_data_flows(components: Components) -> None:
    head, _, tail = WHOLE.partition("topologies:\n")
    metering, _, rest = tail.partition("  losses:\n    source")
    losses, _, end = rest.partition("connectors:")
    text = f"{head}topologies:\n  losses:\n    source{losses}{metering}connectors:{end}"
    assert [chain.name for chain in plan_of(text, components).chains] == ["metering", "losses"]


def test_options_are_checked_models(components: Components) -> None:
    plan = plan_of(WHOLE, components)
    vee = plan.chain("metering").stages[1].options
    assert isinstance(vee, BaseModel)
    assert vee.model_dump() == {"hot_days": 3}
    push = plan.connector("push").options
    assert isinstance(push, BaseModel)
    assert push.model_dump() == {"listen": "127.0.0.1:4059", "buffer": {"rows": 1000}}


def test_options_that_are_numbers_of_partitions_are_filled_in_from_the_topics(components: Components) -> None:
    plan = plan_of(WHOLE, components)
    nodes, losses = plan.chain("metering").stages[3].options, plan.chain("losses").stages[0].options
    assert isinstance(nodes, BaseModel)
    assert isinstance(losses, BaseModel)
    assert nodes.model_dump()["partitions"] == plan.topics["node-energy"].partitions == 2
    assert losses.model_dump()["sources"] == plan.topics["frames"].partitions == 4


def test_the_first_log_is_found_behind_cuts(components: Components) -> None:
    losses = plan_of(SPLIT, components).chain("losses").stages[0].options
    assert isinstance(losses, BaseModel)
    assert losses.model_dump()["sources"] == 4


def test_a_flow_that_begins_outside_of_the_file_keeps_its_own_number(components: Components) -> None:
    text = """version: 1
topics: {node-energy: {schema: NodeEnergy}, losses: {schema: Loss}}
topologies: {losses: {source: node-energy, agents: [{losses: {sources: 48}}], to: {losses: losses}}}
"""
    losses = plan_of(text, components).chain("losses").stages[0].options
    assert isinstance(losses, BaseModel)
    assert losses.model_dump()["sources"] == 48


def test_a_connector_knows_where_its_frames_go_and_what_it_reads(components: Components) -> None:
    plan = plan_of(WHOLE, components)
    waiting, ticker = plan.connector("waiting"), plan.connector("ticker")
    assert [topic.name for topic in waiting.reads] == ["parked"]
    assert waiting.parked is not None
    assert (waiting.to.name, waiting.parked.name) == ("frames", "parked")
    assert (ticker.rejects, ticker.parked) == (None, None)


def test_a_sink_reads_each_of_its_topics_once(components: Components) -> None:
    plan = plan_of(WHOLE.replace("from: [readings,", "from: [readings, readings,"), components)
    sink = plan.sink("warehouse")
    assert [topic.name for topic in sink.topics] == ["readings", "events", "determinants", "losses", "rejects"]
    assert sink.group == "kvarn-sink-warehouse"


def test_topics_carry_what_is_needed_to_create_them(components: Components) -> None:
    topics = plan_of(WHOLE, components).topics
    assert topics["frames"].retention_secs == 7 * 86_400
    assert topics["registry"].retention_secs is None
    assert topics["registry"].compact
    assert topics["registry"].schema is None


def test_the_schemas_to_register_are_those_of_the_topics_that_have_one(components: Components) -> None:
    subjects = plan_of(WHOLE, components).subjects()
    assert subjects["parked"] == subjects["rejects"] == "Reject"
    assert "registry" not in subjects


def test_an_unknown_name_is_answered_with_those_there_are(components: Components) -> None:
    plan = plan_of(WHOLE, components)
    for ask, known in ((plan.chain, "metering, losses"), (plan.connector, "push, waiting"), (plan.sink, "warehouse")):
        with pytest.raises(ConfigError, match=f"NAME_UNKNOWN at nothing.*{known}"):
            ask("nothing")


def test_a_file_with_errors_has_no_plan(components: Components) -> None:
    with pytest.raises(ConfigError, match="TOPIC_UNKNOWN"):
        plan_of(WHOLE.replace("source: frames", "source: frame"), components)


def test_application_and_kafka_have_defaults(components: Components) -> None:
    plan = plan_of(WHOLE, components)
    assert (plan.application, plan.kafka.bootstrap, plan.kafka.schema_registry) == ("kvarn", "127.0.0.1:9092", "")
    other = plan_of(
        WHOLE.replace("version: 1", "version: 1\napplication: north\nkafka: {bootstrap: 'a:1,b:1'}"), components
    )
    assert other.chain("metering").group == "north-metering"
    assert other.kafka.bootstrap == "a:1,b:1"
