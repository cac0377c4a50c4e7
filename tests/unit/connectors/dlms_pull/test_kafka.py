"""The topics of the pull connector, the broker's client replaced by one in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.dlms_pull import kafka
from connectors.dlms_pull.commands import Command, Result, State, Value
from connectors.dlms_pull.counters import Counters
from connectors.dlms_pull.kafka import CommandTopic, KafkaJournal, ResultTopic
from pipeline.errors import Fatal, Transient
from schemas.load import load_contracts


class Message:
    def __init__(self, key: bytes, value: bytes | None, offset: int, error: Any = None) -> None:
        self._parts = key, value, offset, error

    def key(self) -> bytes:
        return self._parts[0]

    def value(self) -> bytes | None:
        return self._parts[1]

    def offset(self) -> int:
        return self._parts[2]

    def partition(self) -> int:
        return 0

    def error(self) -> Any:
        return self._parts[3]


class Broker:
    """One topic of one partition, transactional ids, and a group's position."""

    def __init__(self) -> None:
        self.log: list[tuple[bytes, bytes | None]] = []
        self.owner = 0
        self.position = -1001
        self.transactions = 0
        self.refuse = False

    def producer(self, _settings: dict[str, Any]) -> Any:
        broker = self

        class Producer:
            def init_transactions(self, _secs: float) -> None:
                broker.owner += 1
                self.mine, self.open = broker.owner, list[tuple[bytes, bytes | None]]()

            def begin_transaction(self) -> None:
                self.open = []

            def produce(self, _topic: str, key: bytes, value: bytes | None, **more: Any) -> None:
                if "on_delivery" not in more:
                    self.open.append((key, value))
                    return
                error = KafkaError(KafkaError._ALL_BROKERS_DOWN) if broker.refuse else None
                broker.log += [] if broker.refuse else [(key, value)]
                self.report: Callable[[], None] = lambda: more["on_delivery"](error, None)

            def poll(self, _secs: float) -> None:
                self.report()

            def commit_transaction(self, _secs: float) -> None:
                if self.mine != broker.owner:
                    raise KafkaException(KafkaError(KafkaError._FENCED))
                broker.transactions += 1
                broker.log += self.open

        return Producer()

    def consumer(self, _settings: dict[str, Any]) -> Any:
        broker = self

        class Consumer:
            at = 0

            def assign(self, places: list[Any]) -> None:
                self.at = max(0, places[0].offset)

            def list_topics(self, topic: str, **_more: Any) -> Any:
                found = type("Topic", (), {"partitions": {0: None}})
                return type("Metadata", (), {"topics": {topic: found}})

            def committed(self, places: list[Any], _secs: float) -> list[Any]:
                for place in places:
                    place.offset = broker.position
                return places

            def commit(self, offsets: list[Any], **_more: Any) -> None:
                broker.position = offsets[0].offset

            def consume(self, most: int, _secs: float) -> list[Message]:
                found = [Message(key, value, self.at + place)
                         for place, (key, value) in enumerate(broker.log[self.at : self.at + most])]  # fmt: skip
                self.at += len(found)
                return found

            def poll(self, _secs: float) -> Message:
                if self.at == len(broker.log):
                    return Message(b"", None, self.at, KafkaError(KafkaError._PARTITION_EOF))
                (found,) = self.consume(1, 0)
                return found

            def close(self) -> None: ...

        return Consumer()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(kafka, "Producer", made.producer)
    monkeypatch.setattr(kafka, "Consumer", made.consumer)
    return made


async def opened() -> tuple[KafkaJournal, asyncio.Task[None]]:
    journal = KafkaJournal("nowhere:1", "pull-journal", "pull")
    await journal.open()
    return journal, asyncio.ensure_future(journal.run())


async def ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_was_put_is_there_after_a_restart_and_what_waits_together_is_one_transaction(broker: Broker) -> None:
    journal, writing = await opened()
    await asyncio.gather(*(journal.put(f"k{number}", {"n": number}) for number in range(50)))
    assert broker.transactions <= 2
    await journal.put("k7", None)
    again, also = await opened()
    assert again.get("k8") == {"n": 8}
    assert again.get("k7") is None
    assert len(again.under("k")) == 49
    await ended(writing, also)


async def test_a_process_that_was_replaced_can_record_no_intent(broker: Broker) -> None:
    first, writing = await opened()
    second, also = await opened()
    await second.put("command/1", {"digest": "d"})
    with pytest.raises(Fatal, match="JOURNAL_NOT_WRITTEN"):
        await first.put("command/2", {"digest": "d"})
    with pytest.raises(Fatal):
        await writing
    assert [key for key, _ in broker.log] == [b"command/1"]
    assert first.get("command/2") is None
    await ended(also)


async def test_counters_go_on_behind_the_span_of_a_process_that_died(broker: Broker) -> None:
    journal, writing = await opened()
    first = await Counters(journal, 1000).lease("counter/a/b")
    await ended(writing)
    journal, writing = await opened()
    assert (await Counters(journal, 1000).lease("counter/a/b")).following == first.end
    await ended(writing)


async def test_a_journal_that_does_not_answer_keeps_the_connector_from_starting(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = broker.consumer({})
    consumer.poll = lambda _secs: None
    monkeypatch.setattr(kafka, "Consumer", lambda _settings: consumer)
    with pytest.raises(Transient, match="JOURNAL_SLOW"):
        await KafkaJournal("nowhere:1", "pull-journal", "pull").open()


def record(number: int) -> dict[str, Any]:
    return {"id": f"c{number}", "device": "4B56490000000001", "kind": "ping", "arguments": {}, "issued": 1,
            "expires": 2, "source": "tests"}  # fmt: skip


async def test_commands_are_read_from_where_the_group_stands_and_what_is_none_holds_up_nothing(broker: Broker) -> None:
    contracts = load_contracts()
    raws = [contracts.encode("Command", record(number)) for number in range(4)]
    broker.log = [(b"", raws[0]), (b"", b"not avro"), (b"", raws[1][:9]), (b"", None), (b"", raws[2]), (b"", raws[3])]
    inbox = CommandTopic("nowhere:1", "commands", contracts, "group")
    await inbox.open()
    found = await inbox.read(100)
    assert [command for _, _, command in found] == [Command(**record(number)) for number in (0, 2, 3)]
    assert inbox.unreadable == 3
    inbox.offsets.finish(0, 0)
    inbox.offsets.finish(0, 5)
    await inbox.commit()
    assert broker.position == 4
    again = CommandTopic("nowhere:1", "commands", contracts, "group")
    await again.open()
    assert [offset for _, offset, _ in await again.read(100)] == [4, 5]


async def test_a_command_that_could_not_be_answered_is_none(broker: Broker) -> None:
    contracts = load_contracts()
    long = [{**record(0), name: "x" * length} for name, length in (("id", 600_000), ("device", 1001), ("kind", 1001))]
    broker.log = [(b"", contracts.encode("Command", said)) for said in (*long, record(3))]
    inbox = CommandTopic("nowhere:1", "commands", contracts, "group")
    await inbox.open()
    assert [offset for _, offset, _ in await inbox.read(100)] == [3]
    assert inbox.unreadable == 3
    await inbox.commit()
    assert broker.position == 3


async def test_a_result_is_safe_when_it_was_answered(broker: Broker) -> None:
    contracts = load_contracts()
    results = ResultTopic("nowhere:1", "command-results", contracts, "pull")
    result = Result("c1", "4B56490000000001", "ping", State.DONE, values=(Value("clock_ahead", "3", "s"),), at=7)
    for refuse in (False, True):
        broker.refuse = refuse
        answering = asyncio.ensure_future(results.answer(result))
        await asyncio.sleep(0)
        assert not answering.done()
        results.poll()
        if refuse:
            with pytest.raises(Fatal, match="RESULT_NOT_WRITTEN"):
                await answering
        else:
            await answering
    ((key, value),) = broker.log
    assert key == b"4B56490000000001"
    said = contracts.decode(value or b"", "CommandResult")
    assert (said["state"], said["source"], said["values"]) == (
        "DONE", "pull", [{"name": "clock_ahead", "value": "3", "unit": "s"}],
    )  # fmt: skip


async def test_the_client_is_closed_when_nobody_is_in_it(broker: Broker) -> None:
    inside, go, seen = threading.Event(), threading.Event(), list[str]()
    inbox = CommandTopic("nowhere:1", "commands", load_contracts(), "group")

    def consume(_most: int, _secs: float) -> list[Message]:
        inside.set()
        go.wait(10)
        seen.append("out")
        return []

    inbox._consumer.consume, inbox._consumer.close = consume, lambda: seen.append("closed")  # type: ignore[method-assign]
    reading = asyncio.ensure_future(inbox.read(1))
    await asyncio.to_thread(inside.wait, 10)
    await ended(reading)
    closing = asyncio.ensure_future(inbox.close())
    await asyncio.sleep(0.05)
    assert seen == []
    go.set()
    await closing
    assert seen == ["out", "closed"]
