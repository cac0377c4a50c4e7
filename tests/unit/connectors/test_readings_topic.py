"""The connector of a topic of readings, its broker in memory: offsets are committed behind what Kafka has."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from connectors.gather import intake as intake_module
from connectors.gather.config import GatherOptions
from connectors.gather.progress import Progress
from connectors.gather.pump import Pump
from connectors.readings_in.reader import Portion, portions
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.readings_topic.connector import run
from pipeline.reading_frames import read_reading_frame
from tests.unit.connectors.readings_in.made import MIDNIGHT, TITLE, UNKNOWN, known
from tests.unit.connectors.readings_in.written import Told, espi, mscons, nem12
from tests.unit.connectors.readings_log import ReadingsLog
from tests.unit.connectors.test_push import MemoryOutlet, until


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> ReadingsLog:
    made = ReadingsLog()
    monkeypatch.setattr(intake_module, "Consumer", made.consumer)
    monkeypatch.setattr(intake_module, "READ_SECS", 0.0)
    return made


def message(hour: int, device: str = TITLE, **more: Any) -> str:
    return json.dumps({"device": device, "time": f"2025-07-01T{hour:02}:00", "wh_imp": hour, **more})


def hours(outlet: MemoryOutlet) -> list[int]:
    """wh_imp of all readings, in order."""
    return [reading.values[0] for frame in outlet.frames for reading in read_reading_frame(frame).readings]


@asynccontextmanager
async def reading(outlet: MemoryOutlet, form: str = "json", **gather: Any) -> AsyncIterator[Pump]:
    """A connector that runs."""
    options = {"format": form, "gather": GatherOptions(batch_age_ms=5, **gather)}
    config = ReadingsTopicConfig.model_validate(options)
    pump = Pump(known(), 4, outlet, config.gather, lambda: 1_000, decoded=True)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    running = asyncio.ensure_future(run(config, "nowhere:1", pump, stop))
    try:
        yield pump
    finally:
        stop.set()
        await running
        pumping_stop.set()
        await pumping


@pytest.mark.parametrize(("form", "written"), [("nem12", nem12), ("espi", espi), ("mscons", mscons)])
async def test_a_message_may_be_a_file_of_a_market(
    log: ReadingsLog, form: str, written: Callable[[list[Told]], bytes]
) -> None:
    outlet = MemoryOutlet()
    told = [Told(TITLE, MIDNIGHT + 1800 * hour, {"wh_imp": Decimal(hour)}) for hour in (1, 2)]
    log.write(0, written(told).decode(), "broken", written(told[:1]).decode())
    async with reading(outlet, form):
        await until(lambda: log.committed == [3, 0])
    assert hours(outlet) == [1000, 2000, 1000]
    assert [aside.detail[:9] for aside in outlet.aside] == ["message: "]


async def test_offsets_are_committed_only_when_kafka_has_the_frames(log: ReadingsLog) -> None:
    outlet = MemoryOutlet()
    outlet.hold = True
    log.write(0, message(1), message(2))
    async with reading(outlet):
        await until(lambda: len(hours(outlet)) == 2)
        await asyncio.sleep(0.1)
        assert log.committed == [0, 0]
        outlet.hold = False
        await until(lambda: log.committed == [2, 0])
    assert hours(outlet) == [1, 2]
    assert log.open == 0


async def test_after_a_restart_what_was_not_committed_is_read_again_the_same(log: ReadingsLog) -> None:
    first, second = MemoryOutlet(), MemoryOutlet()
    log.write(0, message(1), message(2))
    log.away = True
    monkeyed = pytest.MonkeyPatch()
    monkeyed.setattr("connectors.readings_topic.connector.HAND_ON_SECS", 0.05)
    async with reading(first):
        await until(lambda: len(hours(first)) == 2)
    monkeyed.undo()
    log.away = False
    async with reading(second):
        await until(lambda: log.committed == [2, 0])
    assert first.frames == second.frames


async def test_what_cannot_be_read_is_refused_and_does_not_stop_the_others(log: ReadingsLog) -> None:
    outlet = MemoryOutlet()
    log.write(1, message(1), "no json", None, message(2, wh_imp="x"), message(3, device=str(UNKNOWN)), message(4))
    log.errors.append(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    async with reading(outlet):
        await until(lambda: log.committed == [0, 6])
    assert hours(outlet) == [1, 4]
    told = [(aside.source, aside.parked, aside.raw[:7]) for aside in outlet.aside if not aside.parked]
    assert told == [(("readings-in", 1, 1), False, b"no json"), (("readings-in", 1, 3), False, b'{"devic')]
    (parked,) = [aside for aside in outlet.aside if aside.parked]
    assert parked.device == UNKNOWN


async def test_reading_stops_while_too_much_waits(log: ReadingsLog) -> None:
    outlet = MemoryOutlet()
    outlet.hold = True
    log.write(0, *(message(1 + number % 20) for number in range(3000)))
    async with reading(outlet, buffer_bytes=100_000, batch_bytes=10_000) as pump:
        await until(lambda: pump.stopped)
        await asyncio.sleep(0.1)
        most = outlet.waiting_octets
        assert most < 200_000
        outlet.hold = False
        await until(lambda: log.committed == [3000, 0])
    assert len(hours(outlet)) == 3000


async def test_portions_of_a_message_are_made_one_by_one(log: ReadingsLog, monkeypatch: pytest.MonkeyPatch) -> None:
    outlet = MemoryOutlet()
    outlet.hold = True
    made = 0

    def endless(stream: Any, *rest: Any) -> Iterator[Portion]:
        nonlocal made
        octets = stream.read()
        for made in range(1, 3001):  # noqa: B007
            yield from portions(io.BytesIO(octets), *rest)

    monkeypatch.setattr("connectors.readings_topic.connector.portions", endless)
    log.write(0, message(1))
    async with reading(outlet, buffer_bytes=100_000, batch_bytes=10_000) as pump:
        await until(lambda: pump.stopped)
        await asyncio.sleep(0.1)
        assert 0 < made < 3000
        outlet.hold = False
        await until(lambda: log.committed == [1, 0])
    assert (made, len(hours(outlet))) == (3000, 3000)


async def test_a_stop_while_nothing_is_taken_ends_soon_and_commits_nothing_that_is_not_there(
    log: ReadingsLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet = MemoryOutlet()
    monkeypatch.setattr("connectors.readings_topic.connector.HAND_ON_SECS", 0.2)
    outlet.hold = True
    log.write(0, *(message(1) for _ in range(5000)))
    async with reading(outlet, buffer_bytes=100_000, batch_bytes=10_000) as pump:
        await until(lambda: pump.stopped)
        stopped_at = len(outlet.frames)
        asyncio.get_running_loop().call_later(1.0, setattr, outlet, "hold", False)
    assert log.committed[0] <= stopped_at
    assert len(outlet.frames) < 5000


# ------------------------------------------------------------------------------------------------ progress


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=20), st.randoms(use_true_random=False))
def test_what_is_committed_is_what_lies_before_the_first_message_that_is_open(
    messages: list[tuple[int, int]], rng: Any
) -> None:
    progress, open_parts = Progress(), []
    finished: dict[tuple[int, int], int] = {}
    next_offset = [5, 9]
    for partition, parts in messages:
        offset = next_offset[partition]
        next_offset[partition] += 1
        begun = progress.begin(partition, offset)
        finished[partition, offset] = parts
        open_parts += [(partition, offset, begun.part()) for _ in range(parts)]
        begun.end()
    rng.shuffle(open_parts)
    committed = {0: 5, 1: 9}
    for partition, offset, done in open_parts:
        done()
        finished[partition, offset] -= 1
        committed |= progress.take()
        for number, first in ((0, 5), (1, 9)):
            end = first
            while finished.get((number, end)) == 0:
                end += 1
            assert committed[number] == end
    assert not open_parts or not progress.under_way


def test_a_message_that_was_left_is_not_committed_nor_waited_for() -> None:
    progress = Progress()
    first, second = progress.begin(0, 4), progress.begin(0, 5)
    first.end()
    second.leave()
    assert progress.under_way
    assert progress.take() == {0: 5}
    assert not progress.under_way


def test_what_could_not_be_committed_is_committed_next_time() -> None:
    progress = Progress()
    progress.begin(0, 4).end()
    done = progress.take()
    progress.restore(done)
    progress.begin(0, 5).end()
    assert progress.take() == {0: 6}
    progress.begin(1, 7).end()
    progress.forget([1])
    assert progress.take() == {}
