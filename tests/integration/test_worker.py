"""Worker processes on the real Kafka: shared partitions, zombies, and who commits."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from tests.faults.harness import Command, lag, run_to_end, started, written
from tests.faults.toy_runs import PARTITIONS, Feed, toy_command

pytestmark = pytest.mark.kafka


def with_settings(toy: Command, **settings: object) -> Command:
    merged = {**json.loads(toy.environment["TOY_SETTINGS"]), **settings}
    return replace(toy, environment={**toy.environment, "TOY_SETTINGS": json.dumps(merged)})


def wait_for(what: str, true: object, secs: float = 60.0) -> None:
    deadline = time.monotonic() + secs
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what}: not in {secs} s"
        time.sleep(0.1)


def records_in(kafka: str, toy: Command) -> int:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test"})
    try:
        places = [TopicPartition(topic, number) for topic in toy.outputs for number in range(PARTITIONS)]
        return sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
    except KafkaException:  # the topics have been made this moment
        return 0
    finally:
        consumer.close()


def same_as_undisturbed(kafka: str, toy: Command, unique: str, tmp_path: Path) -> None:
    calm = toy_command(kafka, f"{unique}-calm", toy.source)
    run_to_end(kafka, calm, tmp_path)
    disturbed, undisturbed = written(kafka, toy, toy.group), written(kafka, calm, calm.group)
    assert disturbed.different == []
    assert disturbed.records == undisturbed.records


@pytest.mark.slow
def test_partitions_move_between_workers_without_a_trace(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = toy_command(kafka, unique, f"{unique}-source", TOY_PAUSE="0.02")
    feed = Feed(kafka, toy.source, seed=1, records=150)
    feed()
    first, second = with_settings(toy, instance="1"), with_settings(toy, instance="2")
    with started(first, tmp_path) as one:
        wait_for("first outputs", lambda: records_in(kafka, toy) > 20)
        with started(second, tmp_path) as two:
            wait_for("the second is ready", lambda: '"event": "ready"' in two.log.read_text())
            before = records_in(kafka, toy)
            wait_for("work goes on", lambda: records_in(kafka, toy) > before + 50)
            two.popen.send_signal(signal.SIGTERM)
            assert two.wait(30) == 0
        # A static member does not say good-bye: the group waits for its session to end.
        feed()
        wait_for("all is done by the first", lambda: lag(kafka, toy) == 0, 90)
        one.popen.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0, one.tail()
    same_as_undisturbed(kafka, toy, unique, tmp_path)


@pytest.mark.slow
def test_a_worker_frozen_past_its_session_writes_nothing_that_counts(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = toy_command(kafka, unique, f"{unique}-source", TOY_PAUSE="0.02")
    Feed(kafka, toy.source, seed=2, records=150)()
    with started(with_settings(toy, instance="1"), tmp_path) as zombie:
        wait_for("first outputs", lambda: records_in(kafka, toy) > 20)
        with started(with_settings(toy, instance="2"), tmp_path) as other:
            wait_for("shared", lambda: '"event": "ready"' in other.log.read_text())
            os.kill(zombie.popen.pid, signal.SIGSTOP)
            wait_for("all is done by the other", lambda: lag(kafka, toy) == 0, 90)
            os.kill(zombie.popen.pid, signal.SIGCONT)
            Feed(kafka, toy.source, seed=3, records=20)()
            wait_for("and what comes then too", lambda: lag(kafka, toy) == 0, 90)
    same_as_undisturbed(kafka, toy, unique, tmp_path)


def test_faust_commits_nothing_by_itself(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = with_settings(
        toy_command(kafka, unique, f"{unique}-source"), replay_secs=1000, checkpoint_secs=1000, idle_secs=1000
    )
    Feed(kafka, toy.source, seed=1, records=20)()
    with started(toy, tmp_path) as process:
        wait_for("all outputs", lambda: records_in(kafka, toy) >= 20 * PARTITIONS)
        assert lag(kafka, toy) == 20 * PARTITIONS
        process.popen.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert lag(kafka, toy) == 0
