"""The brake: how much waits for the readers, when reading stops, and what is asked of the broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from connectors.gather import readers as asking
from connectors.gather.brake import MOST_LOOKS, Brake, Ledger, Standing, Written
from connectors.gather.config import GatherOptions
from connectors.gather.readers import Readers, watch
from tests.unit.connectors.test_gather import TITLE, glo, wrapped
from tests.unit.connectors.test_push import listening, until


def test_octets_of_records_are_those_of_the_time_when_they_were_written() -> None:
    ledger = Ledger()
    ledger.note(0, Written())
    ledger.note(1_000, Written(1_000, 100_000))  # a night of small records
    ledger.note(1_010, Written(1_010, 100_000 + 10 * 800_000))  # a flood
    assert ledger.newest(0) == 0
    assert ledger.newest(10) == 8_000_000
    assert ledger.newest(110) == 8_000_000 + 100 * 100
    assert ledger.newest(5) == 4_000_000


def test_records_of_other_connectors_count_as_sampled_and_else_as_ones_own() -> None:
    ledger = Ledger()
    ledger.note(500, Written())
    ledger.note(1_500, Written(100, 20_000))
    assert ledger.newest(1_000) == 200_000
    assert ledger.foreign == 900
    ledger.sample(50_000.0)
    assert ledger.foreign == 0
    ledger.note(1_600, Written(150, 30_000))
    assert ledger.newest(100) == 10_000 + 50 * 50_000
    assert ledger.newest(1_100) == 200_000 + 10_000 + 50 * 50_000
    ledger.sample(0.0)
    assert ledger.sampled == 50_000.0


def test_records_before_the_first_look_count_as_those_that_were_sampled() -> None:
    ledger = Ledger(sampled=300.0)
    ledger.note(1_000, Written())
    assert ledger.newest(1_000) == 300_000
    ledger.note(1_010, Written(10, 50))
    assert ledger.newest(1_010) == 300_000 + 50


def test_what_one_has_written_before_the_first_look_is_known_too() -> None:
    ledger = Ledger(sampled=300.0)
    ledger.note(1_000, Written(10, 8_000_000))
    assert ledger.newest(10) == 8_000_000
    assert ledger.newest(20) == 8_000_000 + 10 * 300
    ledger.note(1_010, Written(20, 8_000_500))
    assert ledger.newest(20) == 8_000_500


def test_a_ledger_stays_small_and_keeps_its_sum() -> None:
    ledger, written = Ledger(), 0
    for look in range(5_000):
        written += 10 if look % 7 else 0
        ledger.note(written, Written(written, written * 70))
    assert len(ledger._ends) <= MOST_LOOKS + 1
    assert ledger.newest(written) == written * 70
    assert abs(ledger.newest(1_234) - 1_234 * 70) <= 1


def test_a_topic_made_anew_begins_a_new_ledger() -> None:
    ledger = Ledger()
    ledger.note(0, Written())
    ledger.note(1_000, Written(1_000, 5_000))
    ledger.note(10, Written(1_010, 5_050))
    assert ledger.newest(10) == 50


def brake_of(bound: int = 1_000) -> tuple[Brake, list[float]]:
    now = [0.0]
    brake = Brake(bound, lambda: now[0])
    brake.ledger.sample(10.0)
    return brake, now


def test_it_is_on_from_its_bound_and_off_from_half_of_it() -> None:
    brake, now = brake_of()
    for behind, on in ((99, False), (100, True), (99, True), (51, True), (50, False), (99, False), (100, True)):
        brake.judge(Standing(1_000, behind), Written())
        assert brake.on == on, behind
        assert brake.behind_octets == 10 * behind
        now[0] += 1.0
    assert brake.secs == pytest.approx(4.0)


class Answers:
    """A broker's answers: what stands here is what a Consumer is told."""

    begins, ends = {0: 0, 1: 0}, {0: 0, 1: 0}
    committed_at: dict[str, dict[int, int]]
    sizes: list[int]
    error: KafkaError | None = None

    def __init__(self) -> None:
        self.committed_at, self.sizes = {}, []

    def consumer(self, settings: dict[str, Any]) -> Any:
        answers = self

        class Fake:
            def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
                if answers.error is not None:
                    raise KafkaException(answers.error)
                at = answers.committed_at.get(settings["group.id"], {})
                return [TopicPartition(row.topic, row.partition, at.get(row.partition, OFFSET_INVALID))
                        for row in places]  # fmt: skip

            def offsets_for_times(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
                return [
                    TopicPartition(
                        row.topic, row.partition,
                        (answers.begins if row.offset == OFFSET_BEGINNING else answers.ends)[row.partition],
                    )
                    for row in places
                ]  # fmt: skip

            def assign(self, places: list[TopicPartition]) -> None:
                self.assigned = places

            def consume(self, most: int, timeout: float) -> list[Any]:
                class Message:
                    def __init__(self, size: int) -> None:
                        self.size = size

                    def error(self) -> None:
                        return None

                    def value(self) -> bytes:
                        return bytes(self.size)

                return [Message(size) for size in answers.sizes[:most]]

            def unassign(self) -> None:
                self.assigned = []

            def close(self) -> None:
                return None

        return Fake()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers()
    monkeypatch.setattr(asking, "Consumer", answers.consumer)
    return answers


def test_the_slowest_group_counts(answers: Answers) -> None:
    answers.ends = {0: 100, 1: 50}
    answers.committed_at = {"fast": {0: 100, 1: 49}, "slow": {0: 60, 1: 50}}
    assert Readers("", "t", 2, ("fast", "slow")).look() == Standing(150, 40)


def test_a_group_that_has_never_committed_has_read_nothing(answers: Answers) -> None:
    readers = Readers("", "t", 2, ("new",))
    assert readers.look() == Standing(0, 0)
    answers.begins, answers.ends = {0: 90, 1: 0}, {0: 100, 1: 5}
    assert readers.look() == Standing(105, 15)


def test_what_retention_has_deleted_does_not_wait(answers: Answers) -> None:
    answers.begins, answers.ends = {0: 90, 1: 0}, {0: 100, 1: 5}
    answers.committed_at = {"slow": {0: 10, 1: 5}}
    assert Readers("", "t", 2, ("slow",)).look() == Standing(105, 10)


def test_unread_records_are_sampled_and_without_them_nothing_is_asked(answers: Answers) -> None:
    readers = Readers("", "t", 2, ("new",))
    readers.look()
    answers.sizes = [100, 300, 200]
    assert readers.sample() == 0.0
    answers.ends = {0: 2, 1: 0}
    readers.look()
    assert readers.sample() == 200.0
    answers.committed_at = {"new": {0: 2, 1: 0}}
    readers.look()
    assert readers.sample() == 0.0


async def test_what_others_write_is_sampled_again(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LOOK_SECS", 0.001)
    brake, _ = brake_of(1_000_000)
    stop = asyncio.Event()
    watching = asyncio.ensure_future(watch(brake, Readers("", "t", 2, ("g",)), lambda: Written(1, 10), stop))
    await until(lambda: brake.behind_octets is not None)
    answers.ends, answers.sizes = {0: 200, 1: 0}, [20_000]
    await until(lambda: brake.ledger.sampled == 20_000.0)
    assert not brake.on
    answers.ends = {0: 300, 1: 0}
    await until(lambda: brake.on)
    stop.set()
    await watching


async def test_a_broker_that_does_not_answer_changes_nothing(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LOOK_SECS", 0.01)
    brake, _ = brake_of()
    stop = asyncio.Event()
    answers.ends, answers.sizes = {0: 100, 1: 0}, [20]
    watching = asyncio.ensure_future(watch(brake, Readers("", "t", 2, ("g",)), Written, stop))
    await until(lambda: brake.on)
    answers.error = KafkaError(KafkaError._TIMED_OUT)
    answers.committed_at = {"g": {0: 100, 1: 0}}
    await asyncio.sleep(0.1)
    assert brake.on
    assert brake.behind_octets == 2_000
    answers.error = None
    await until(lambda: not brake.on)
    stop.set()
    await watching


@pytest.mark.parametrize("early", [True, False])
async def test_connections_wait_while_the_brake_is_on(early: bool) -> None:
    """`early`: the connection was there before the brake came on."""
    on, frame = [not early], wrapped(glo(TITLE))
    async with listening(GatherOptions(batch_age_ms=5), lambda: on[0]) as (port, pump, outlet):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if early:
            writer.write(frame)
            await until(lambda: len(outlet.frames) == 1)
        on[0] = True
        for _ in range(3):
            writer.write(frame)
            await asyncio.sleep(0.1)
        # What one read brings is taken, more is not.
        assert len(outlet.frames) <= 1 + early
        assert pump.counts.stopped_secs > 0
        on[0] = False
        await until(lambda: len(outlet.frames) == 3 + early)
        writer.close()


@pytest.mark.parametrize("early", [True, False])
def test_connections_wait_on_uvloop_too_which_begins_to_read_later(early: bool) -> None:
    uvloop.run(test_connections_wait_while_the_brake_is_on(early))


async def test_who_is_not_read_from_is_not_taken_for_silent() -> None:
    on, frame = [True], wrapped(glo(TITLE))
    async with listening(GatherOptions(batch_age_ms=5), lambda: on[0], idle_secs=0.3) as (port, _pump, outlet):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.1)
        for _ in range(3):
            writer.write(frame)
            await asyncio.sleep(0.3)
        on[0] = False
        await until(lambda: len(outlet.frames) == 3)
        writer.close()


async def test_who_waits_for_room_is_told_of_the_end(answers: Answers) -> None:
    async with listening(held=lambda: True) as (_port, pump, _outlet):
        await until(lambda: pump.counts.stopped_secs > 0)
        stop = asyncio.Event()
        waiting = asyncio.ensure_future(pump.room(stop))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        stop.set()
        assert await waiting is False
