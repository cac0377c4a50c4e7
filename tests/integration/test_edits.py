"""Edits on the real Kafka: asked by command, answered by the connector, handed on as statements, once in effect."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from cli.edits.ledger import Ledger
from connectors.edits.config import EditsConfig
from connectors.edits.topic import EditTopic
from connectors.runner import Environment, run_connector
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.statement_frames import Statement, read_statement_frame
from tests.integration.test_connectors import FAST, environment, frames_of, free_port, until
from tests.unit.connectors.edits_log import CONTRACTS, interval, record
from tests.unit.connectors.readings_in.made import MIDNIGHT
from tests.unit.connectors.test_edits import with_points

__all__ = ["environment"]

pytestmark = pytest.mark.kafka


def ask(topic: EditTopic, ledger: Ledger, *said: dict[str, object]) -> list[str]:
    """Write events, and wait for their answers."""
    values = [(int(str(one["service_point"])).to_bytes(8, "big"), CONTRACTS.encode("Edit", one)) for one in said]
    places = topic.write(values, lambda _: None)
    for _ in range(300):
        if all(place in ledger.answers for place in places):
            return [ledger.answers[place].code or ledger.answers[place].event.name for place in places]
        ledger.take(topic.read())
    raise AssertionError("no answers within a minute")


async def test_edits_live_through_a_connector_that_is_killed(environment: Environment) -> None:
    source, group = f"edits-{uuid4().hex[:8]}", uuid4().hex
    ensure_topics(environment.bootstrap, [WantedTopic(source, 3)])
    publish(environment.bootstrap, "registry", registry_to_bytes(with_points()), environment.registry_topic)
    config = EditsConfig(source=source, group=group, approval="second_person", approve_above_wh=500, gather=FAST)
    running = asyncio.ensure_future(run_connector("people", config, environment, asyncio.Event()))
    topic, ledger = EditTopic(environment.bootstrap, source), Ledger(CONTRACTS)
    small = record(id="small", intervals=[interval(MIDNIGHT, wh_imp=400)])
    large = record(id="large", service_point=8, intervals=[interval(MIDNIGHT, wh_imp=900)])
    assert await asyncio.to_thread(ask, topic, ledger, small, large) == ["IN_FORCE", "WAITING"]
    await until(environment, lambda page: page["acknowledged"] == 1)
    # Killed without a word; the next one knows what was proposed, and that it waits.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    again = replace(environment, status_port=free_port())
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("people", config, again, stop))
    approved = record(id="large", service_point=8, event="APPROVED", author="ravi")
    undone = record(id="small", event="UNDONE")
    assert await asyncio.to_thread(ask, topic, ledger, approved, undone) == ["IN_FORCE", "TAKEN_BACK"]
    page = await until(again, lambda page: page["edits_in_force"] == 1 and page["acknowledged"] >= 2)
    assert (page["edits"], page["edits_waiting"]) == (2, 0)
    stop.set()
    await running
    topic.close()
    told = {(one.service_point, one.number, one.kind) for one in map(read_statement_frame, frames_of(environment))}
    numbers = {entry.id: entry for entry in ledger.entries.values()}
    assert {entry.state for entry in numbers.values()} == {"TAKEN_BACK", "IN_FORCE"}
    assert [kind for point, _, kind in sorted(told) if point == 8] == [Statement.EDIT]
    assert [kind for point, _, kind in sorted(told) if point == 7] == [Statement.EDIT, Statement.WITHDRAW]
