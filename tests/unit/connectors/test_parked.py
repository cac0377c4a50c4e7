"""Which parked frames flow on, and when; the topic in memory."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import KafkaError

from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.kept import topic as topic_module
from connectors.kept.topic import read_all
from connectors.parked.config import ParkedConfig
from connectors.parked.connector import Offers
from pipeline.errors import Transient
from pipeline.reference import FOREVER, Registry
from pipeline.runtime import kafka_from_start
from schemas.load import load_contracts
from tests.unit.connectors.parked_log import ParkedLog
from tests.unit.connectors.test_gather import TITLE, glo, registry
from tests.unit.connectors.test_push import MemoryOutlet


def knowing(*numbers: int) -> Registry:
    return registry([(TITLE + number, number, 0, int(FOREVER)) for number in numbers])


def frame(number: int, counter: int = 1) -> bytes:
    return glo(TITLE + number, b"\x30" + counter.to_bytes(4, "big") + bytes(20))


class Case:
    """A topic, who offers its frames, and what was offered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.outlet, self.stop = ParkedLog(), MemoryOutlet(), asyncio.Event()
        monkeypatch.setattr(kafka_from_start, "Consumer", self.log.consumer)
        self.pump = Pump(knowing(), 4, self.outlet, GatherOptions(), lambda: 1_000)
        self.offers = Offers("nowhere:1", ParkedConfig(), load_contracts(), self.pump)

    async def version(self, *numbers: int) -> list[bytes]:
        """Put a version in force that knows these devices; returns what flows on."""
        self.pump.adopt(knowing(*numbers), str(numbers))
        self.offers.adopt(knowing(*numbers))
        return await self.offered()

    async def offered(self) -> list[bytes]:
        before = len(self.outlet.frames)
        await self.offers.offer(self.stop)
        self.pump.cut()
        return sorted(self.outlet.frames[before:])

    def park(self, number: int, counter: int = 1, partition: int = 0) -> None:
        self.log.write(partition, TITLE + number, frame(number, counter))


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(monkeypatch)


async def test_at_each_version_those_flow_on_that_have_become_known(case: Case) -> None:
    for number in (1, 2, 3):
        case.park(number, partition=number % 2)
    case.log.write(0, TITLE + 1, frame(1), "FRAME_TOO_LONG")
    assert await case.version(1) == [frame(1)]
    assert await case.offered() == []
    assert await case.version(1, 3) == [frame(3)]
    assert await case.version(1, 2, 3) == [frame(2)]
    assert case.outlet.aside == []
    case.offers.close()
    assert case.log.open == 0


async def test_what_is_parked_later_flows_on_soon_when_it_is_known_and_else_with_its_version_but_once(
    case: Case,
) -> None:
    case.park(1)
    assert await case.version(1) == [frame(1)]
    case.park(1, 2)
    case.park(2, 2, partition=1)
    assert await case.offered() == [frame(1, 2)]
    assert await case.offered() == []
    assert await case.version(1, 2) == [frame(2, 2)]
    assert await case.version(1, 2, 3) == []


async def test_what_is_parked_later_flows_on_with_the_next_version_at_the_latest(case: Case) -> None:
    case.park(1)
    assert await case.version(1) == [frame(1)]
    # Not looked at before the next version, which cannot tell it by its device.
    case.park(1, 2)
    assert await case.version(1, 2) == [frame(1, 2)]
    assert await case.version(1, 2, 3) == []


async def test_after_an_error_it_goes_on_where_it_was(case: Case) -> None:
    case.park(1)
    case.park(1, 2, partition=1)
    case.log.errors = [KafkaError(KafkaError._ALL_BROKERS_DOWN)]
    case.log.away = True
    with pytest.raises(Transient, match="PARKED_UNREADABLE"):
        await case.version(1)
    case.log.away = False
    assert await case.offered() == [frame(1), frame(1, 2)]
    case.park(1, 3)
    case.log.errors = [KafkaError(KafkaError._ALL_BROKERS_DOWN)]
    assert await case.offered() == [frame(1, 3)]
    case.log.errors = [KafkaError(KafkaError._ALL_BROKERS_DOWN)]
    with pytest.raises(Transient, match="PARKED_UNREADABLE"):
        await case.offered()
    case.park(1, 4)
    assert await case.offered() == [frame(1, 4)]
    assert await case.version(1, 2) == []


async def test_a_topic_that_is_not_there_is_said_to_be_unreadable_and_read_once_it_is_there(case: Case) -> None:
    case.park(1)
    case.log.topics = set()
    with pytest.raises(Transient, match="PARKED_UNREADABLE"):
        await case.version(1)
    case.log.topics = {"parked"}
    assert await case.offered() == [frame(1)]


async def test_a_look_ends_though_more_is_parked_all_the_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_module, "READ_RECORDS", 10)
    await case.version(1)
    for counter in range(35):
        case.park(1, counter)
    sizes = [len(await case.offered()) for _ in range(5)]
    assert sizes == [10, 10, 10, 5, 0]


def test_all_of_the_topic_is_read_to_its_end(case: Case) -> None:
    for number in range(25):
        case.park(number + 1, partition=number % 2)
    found = [one.raw for some in read_all("nowhere:1", "parked", load_contracts()) for one in some]
    assert sorted(found) == sorted(frame(number + 1) for number in range(25))
    assert case.log.open == 0
