"""The prepaid connector on the real Kafka: started again after a kill it posts nothing twice, and one alone writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from connectors.gather.outlet import Targets
from connectors.prepaid.config import PrepaidConfig
from connectors.prepaid.connector import Rates
from connectors.runner import Environment, run_connector
from connectors.ticker.connector import write_to_all
from pipeline.errors import Fatal
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.step import Tick
from tests.builders_prepaid import ACCOUNT, DEVICE, HOUR, JANUARY, answer, charge, day, payment
from tests.builders_readings import PLAIN, plain
from tests.integration.test_connectors import environment, read_topic

__all__ = ["environment"]

pytestmark = pytest.mark.kafka

CUT_AT = JANUARY + 4 * 86_400 + 11 * HOUR
"""Monday, 5 January, 11:00."""


class Deployment:
    """Topics of a prepaid connector, and its processes."""

    def __init__(self, environment: Environment) -> None:
        mark = uuid4().hex[:8]
        names = {name: f"{name}-{mark}" for name in ("determinants", "payments", "ticks", "results", "commands")}
        self.config = PrepaidConfig(**names, group=f"group-{mark}", grace_hours=0, commit_secs=0.05)  # type: ignore[arg-type]
        self.ledger = f"ledger-{mark}"
        topics = {**dict.fromkeys(names.values(), 3), self.ledger: 3, self.config.ticks: 1}
        ensure_topics(environment.bootstrap, [WantedTopic(name, number) for name, number in topics.items()])
        rates = Rates(charge, lambda _point, _at: DEVICE, lambda: None)
        self.environment = replace(environment, targets=Targets(self.ledger), rates=rates)

    def start(self, stop: asyncio.Event) -> asyncio.Future[None]:
        return asyncio.ensure_future(run_connector("prepaid", self.config, self.environment, stop))

    def tell(self, topic: str, schema: str, *records: dict[str, Any]) -> None:
        producer = Producer({"bootstrap.servers": self.environment.bootstrap})
        for record in records:
            value = self.environment.contracts.encode(
                schema, plain(PLAIN[schema], **record) if schema in PLAIN else record
            )
            producer.produce(topic, key=b"900", value=value)
        assert producer.flush(30) == 0

    def tick(self, at: int) -> None:
        write_to_all(self.environment.bootstrap, self.environment.contracts, self.config.ticks, 1, Tick(at, 3600))

    def read(self, topic: str, schema: str) -> list[dict[str, Any]]:
        raw = read_topic(self.environment.bootstrap, topic, 3)
        return [self.environment.contracts.decode(value, schema) for _, _, value in raw]

    async def entries(self, whole: Callable[[list[str]], bool]) -> list[dict[str, Any]]:
        """The ledger, once its kinds are as they should be."""
        for _ in range(300):
            found = await asyncio.to_thread(self.read, self.ledger, "LedgerEntry")
            if whole([entry["kind"] for entry in found]):
                return found
            await asyncio.sleep(0.1)
        raise AssertionError([entry["kind"] for entry in found])


async def test_a_killed_connector_goes_on_with_its_ledger(environment: Environment) -> None:
    here = Deployment(environment)
    running = here.start(asyncio.Event())
    here.tell(here.config.payments, "Payment", payment("open", "OPEN", 10_000), payment("open", "OPEN", 10_000))
    await here.entries(lambda kinds: kinds == ["OPENED"])
    here.tell(here.config.determinants, "Determinant", day(0, 90_000), day(0, 91_000, revision=2), day(0, 90_000))
    await here.entries(lambda kinds: kinds == ["OPENED", "DEDUCTION", "ADJUSTMENT"])
    here.tick(CUT_AT)
    await here.entries(lambda kinds: kinds[-1:] == ["DISCONNECT"])
    (command,) = await asyncio.to_thread(here.read, here.config.commands, "Command")
    # Killed without a word; all is told again, as by producers that did not know whether they had been heard.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    stop = asyncio.Event()
    running = here.start(stop)
    here.tell(here.config.payments, "Payment", payment("open", "OPEN", 10_000), payment("p", amount=100_000))
    here.tell(here.config.determinants, "Determinant", day(0, 91_000, revision=2))
    here.tell(here.config.results, "CommandResult", answer(command, switch="0"))
    kinds = ["OPENED", "DEDUCTION", "ADJUSTMENT", "WARNED", "WARNED", "WARNED", "LOW", "DISCONNECT"]
    await here.entries(lambda kinds: sorted(kinds[-2:]) == ["RECHARGE", "SWITCH_OPEN"])
    here.tick(CUT_AT + 30)
    found = await here.entries(lambda kinds: kinds[-1:] == ["RECONNECT"])
    assert [entry["kind"] for entry in found][: len(kinds)] == kinds
    assert sorted(entry["kind"] for entry in found[len(kinds) :]) == [
        "RECHARGE",
        "RECONNECT",
        "RESTORED",
        "SWITCH_OPEN",
    ]
    assert [entry["number"] for entry in found] == list(range(1, len(found) + 1))
    commands = await asyncio.to_thread(here.read, here.config.commands, "Command")
    assert [one["kind"] for one in commands] == ["disconnect", "reconnect"]
    # A second process of the group ends the first.
    second = here.start(stop)
    here.tick(CUT_AT + 60)
    for _ in range(60):
        here.tell(here.config.payments, "Payment", payment(uuid4().hex, amount=1))
        if (await asyncio.wait({running}, timeout=1))[0]:
            break
    with pytest.raises(Fatal, match="LEDGER_NOT_WRITTEN"):
        running.result()
    stop.set()
    await second
    (account,) = {entry["account"] for entry in await asyncio.to_thread(here.read, here.ledger, "LedgerEntry")}
    assert account == ACCOUNT


async def test_days_that_wait_beside_the_opening_of_their_account_are_deducted(environment: Environment) -> None:
    here = Deployment(environment)
    here.tell(here.config.determinants, "Determinant", *(day(number, 5_000) for number in range(31)))
    here.tell(here.config.payments, "Payment", *(payment(f"other {number}", amount=1) for number in range(3_000)))
    here.tell(here.config.payments, "Payment", payment("open", "OPEN", 10_000))
    stop = asyncio.Event()
    running = here.start(stop)
    await here.entries(lambda kinds: kinds == ["OPENED"] + ["DEDUCTION"] * 31)
    stop.set()
    await running
