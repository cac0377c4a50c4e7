"""A partition's owner on the real Kafka: it goes on from the last checkpoint, is fenced, and trusts no odd state."""

from __future__ import annotations

import time
from threading import Semaphore

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.worker.fuse import Fuse
from agents.worker.outlet import Outlet
from agents.worker.owner import Owner, Work
from agents.worker.phases import PHASES
from agents.worker.settings import WorkerSettings
from pipeline.errors import Fatal
from pipeline.runtime.chain import Prepared
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics, topic_id
from pipeline.runtime.moments import Moments
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.faults.toy import ToyStep, no_references, toy_batch, toy_plan

pytestmark = pytest.mark.kafka

COMPACT = {"cleanup.policy": "compact"}
POINTS = np.arange(1, 2_000, dtype=np.uint64)


@pytest.fixture
def work(kafka: str, unique: str) -> Work:
    plan = toy_plan(unique, f"{unique}-source", 1)
    topics = [WantedTopic(name, 1) for name in (plan.source.name, *(topic.name for topic in plan.written))]
    ensure_topics(kafka, [*topics, WantedTopic(plan.state.name, 1, COMPACT)])
    return make_work(kafka, unique)


def make_work(kafka: str, unique: str) -> Work:
    settings = WorkerSettings(bootstrap=kafka)
    steps = (ToyStep(),)
    plan = toy_plan(unique, f"{unique}-source", 1)
    return Work(
        plan, steps, Prepared(steps, no_references), load_contracts(), topic_id(kafka, plan.source.name), settings,
        Outlet(settings), Fuse(0.5, 1000), Moments(PHASES), Semaphore(1),
    )  # fmt: skip


def record(seed: int, poison: tuple[int, ...] = ()) -> bytes:
    points = np.random.default_rng(seed).choice(POINTS, 20)
    return frames_record(load_contracts(), batch=toy_batch(points, poison=poison))


def feed(work: Work, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": work.settings.bootstrap})
    for value in values:
        producer.produce(work.plan.source.name, value=value, partition=0)
    producer.flush()


def opened(work: Work) -> Owner:
    owner = Owner(work, 0)
    owner.open()
    return owner


def checkpoint(work: Work, owner: Owner) -> None:
    copy = owner.copy()
    deadline = time.monotonic() + 30
    while not owner.progress.flushed(work.outlet.acknowledged()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    owner.write(copy)
    owner.progress.written()
    owner.progress.committed()
    owner.at_rest.set()


def worked(work: Work, count: int = 5) -> Owner:
    """An owner that has applied records and made two checkpoints."""
    values = [record(seed) for seed in range(count)]
    feed(work, *values)
    owner = opened(work)
    for offset, value in enumerate(values):
        owner.apply(offset, value)
        if offset in (1, count - 1):
            checkpoint(work, owner)
    return owner


def test_the_next_owner_has_the_state_of_the_last_checkpoint(work: Work) -> None:
    before = worked(work)
    after = opened(work)
    assert after.progress.applied == 4
    assert after.chain.position == before.chain.position
    for mine, theirs in zip(before.chain.stores, after.chain.stores, strict=True):
        for name, area in mine.areas.items():
            assert (area.rows == theirs.areas[name].rows).all()


def test_an_owner_that_was_replaced_cannot_write(work: Work) -> None:
    before = worked(work)
    opened(work)
    feed(work, record(9))
    before.apply(5, record(9))
    with pytest.raises(Fatal, match="FENCED"):
        checkpoint(work, before)
    assert opened(work).progress.applied == 4


def test_a_copy_is_skipped_and_a_hole_ends_the_process(work: Work) -> None:
    owner = worked(work)
    sent = work.outlet.messages
    owner.apply(3, record(3))
    assert work.outlet.messages == sent
    with pytest.raises(Fatal, match="OFFSET_HOLE"):
        owner.apply(6, record(6))


def test_poison_after_a_checkpoint_leaves_the_state_as_if_its_frames_had_not_been_there(work: Work) -> None:
    owner = worked(work)
    feed(work, record(7), record(8, poison=(3, 11)), record(9))
    for offset, value in ((5, record(7)), (6, record(8, poison=(3, 11))), (7, record(9))):
        owner.apply(offset, value)
    counted = int(owner.chain.stores[0].areas["counts"].rows["frames"].sum())
    # The toy counts emptied frames too: they are rejected by it and by the worker, and shown once.
    assert counted == 8 * 20
    assert owner.progress.applied == owner.chain.position.applied == 7
    checkpoint(work, owner)
    assert opened(work).progress.applied == 7


def test_a_record_that_cannot_be_read_is_passed_and_stays_passed_after_a_restart_and_after_poison(work: Work) -> None:
    owner = worked(work)
    records = [record(7), b"no Avro at all", record(8, poison=(3,)), record(9)]
    feed(work, *records)
    for offset, value in enumerate(records, 5):
        owner.apply(offset, value)
    assert int(owner.chain.stores[0].areas["counts"].rows["frames"].sum()) == 8 * 20
    assert owner.progress.applied == owner.chain.position.applied == 8
    checkpoint(work, owner)
    assert opened(work).progress.applied == 8


def test_nothing_but_records_that_cannot_be_read_stops_the_process(work: Work) -> None:
    owner = opened(work)
    owner.apply(0, b"no Avro at all")
    with pytest.raises(Fatal, match="TOO_MANY_REJECTS"):
        owner.apply(1, b"no Avro at all")


def test_poison_waits_for_a_checkpoint_that_the_broker_does_not_show_yet(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = worked(work)
    late: list[tuple[bytes | None, dict[bytes, bytes]]] = [(None, {}), (None, {})]
    read = owner._vault.read
    monkeypatch.setattr(owner._vault, "read", lambda: late.pop() if late else read())
    feed(work, record(7, poison=(3,)))
    owner.apply(5, record(7, poison=(3,)))
    assert late == []
    assert owner.progress.applied == 5
    assert int(owner.chain.stores[0].areas["counts"].rows["frames"].sum()) == 6 * 20


def again(kafka: str, topic: str, settings: dict[str, str]) -> None:
    """Delete a topic and make it anew, empty."""
    admin = AdminClient({"bootstrap.servers": kafka})  # held: its futures end with it
    admin.delete_topics([topic])[topic].result(30)
    deadline = time.monotonic() + 30
    while not ensure_topics(kafka, [WantedTopic(topic, 1, settings)]):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def refused(work: Work, code: str) -> None:
    with pytest.raises(Fatal, match=code):
        opened(work)


def test_a_damaged_page_is_refused(work: Work) -> None:
    worked(work)
    key, value = a_page(work)
    producer = Producer({"bootstrap.servers": work.settings.bootstrap})
    producer.produce(work.plan.state.name, key=key, value=value[:-1] + bytes([value[-1] ^ 1]), partition=0)
    producer.flush()
    refused(work, "PAGE_DAMAGED")


def test_a_page_that_is_gone_is_refused(work: Work) -> None:
    worked(work)
    key, _ = a_page(work)
    producer = Producer({"bootstrap.servers": work.settings.bootstrap})
    producer.produce(work.plan.state.name, key=key, value=None, partition=0)
    producer.flush()
    refused(work, r"PAGE_MISSING|PAGES_OTHER")


def a_page(work: Work) -> tuple[bytes, bytes]:
    consumer = Consumer({"bootstrap.servers": work.settings.bootstrap, "group.id": "test"})
    consumer.assign([TopicPartition(work.plan.state.name, 0, 0)])
    try:
        while True:
            message = consumer.poll(10)
            assert message is not None
            if message.error() is None and b"/counts/" in message.key():
                return message.key(), message.value()
    finally:
        consumer.close()


def test_a_lost_state_topic_is_noticed_by_the_groups_position(work: Work) -> None:
    worked(work)
    kafka = work.settings.bootstrap
    group = Consumer({"bootstrap.servers": kafka, "group.id": work.plan.group})
    group.commit(offsets=[TopicPartition(work.plan.source.name, 0, 5)], asynchronous=False)
    group.close()
    again(kafka, work.plan.state.name, COMPACT)
    refused(work, "STATE_LOST")


def test_a_log_whose_start_is_behind_a_position_without_state_is_refused(work: Work) -> None:
    feed(work, record(1), record(2), record(3))
    kafka = work.settings.bootstrap
    group = Consumer({"bootstrap.servers": kafka, "group.id": work.plan.group})
    group.commit(offsets=[TopicPartition(work.plan.source.name, 0, 0)], asynchronous=False)
    group.close()
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(work.plan.source.name, 0, 2)]).values():
        future.result(30)
    refused(work, "LOG_OTHER")


def test_a_source_made_anew_is_refused(work: Work, kafka: str, unique: str) -> None:
    worked(work)
    again(kafka, work.plan.source.name, {})
    refused(make_work(kafka, unique), "SOURCE_OTHER")


def test_a_log_that_has_lost_what_comes_next_is_refused(work: Work) -> None:
    worked(work)
    feed(work, record(1), record(2), record(3))
    admin = AdminClient({"bootstrap.servers": work.settings.bootstrap})
    for future in admin.delete_records([TopicPartition(work.plan.source.name, 0, 7)]).values():
        future.result(30)
    refused(work, "LOG_OTHER")


def test_a_log_that_ends_before_the_checkpoint_is_refused(work: Work) -> None:
    owner = worked(work)
    # As after a disaster from which the log came back shorter than the state.
    owner.chain.position.applied = 90
    checkpoint(work, owner)
    refused(work, "LOG_OTHER")
