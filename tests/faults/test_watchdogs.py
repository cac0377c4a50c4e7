"""Worker processes whose engine has gone wrong in silence end by themselves, with a reason and an exit code."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.faults.harness import Command, Process, lag, run_to_end, started
from tests.faults.toy_runs import Feed, toy_command

pytestmark = pytest.mark.kafka

FAILED = 1
"""Exit code of what is Fatal (docs/reference/cli.md)."""


def odd(kafka: str, unique: str, engine: str | None, **settings: float) -> Command:
    toy = toy_command(kafka, unique, f"{unique}-source")
    merged = {**json.loads(toy.environment["TOY_SETTINGS"]), **settings}
    environment = {**toy.environment, "TOY_SETTINGS": json.dumps(merged)}
    if engine is None:
        return replace(toy, environment=environment)
    return replace(toy, arguments=("-m", "tests.faults.odd_toy"), environment={**environment, "ODD_ENGINE": engine})


def reason(process: Process) -> dict[str, Any]:
    """The last line of a worker that has ended itself."""
    lines = [json.loads(line) for line in process.log.read_text().splitlines() if line.startswith("{")]
    return next(line for line in reversed(lines) if line["event"] == "worker ends")


def test_a_worker_that_fetches_no_more_ends_with_a_reason(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = odd(kafka, unique, "deaf", watchdog_secs=4)
    feed = Feed(kafka, toy.source, seed=1, records=40)
    with started(toy, tmp_path) as process:
        deadline = time.monotonic() + 60
        while process.popen.poll() is None and time.monotonic() < deadline:
            feed()
            time.sleep(0.5)
        assert process.wait(30) == FAILED
    assert reason(process)["code"] == "NO_PROGRESS"
    assert "records up to" in reason(process)["reason"]
    run_to_end(kafka, odd(kafka, unique, None), tmp_path)


def test_a_commit_that_only_seemed_to_be_done_ends_the_worker(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = odd(kafka, unique, "forgetful", position_secs=1)
    Feed(kafka, toy.source, seed=1, records=100)()
    with started(toy, tmp_path) as process:
        assert process.wait(60) == FAILED
    assert reason(process)["code"] == "POSITION_OTHER"
    # The position is the checkpoint's, so nothing was lost by it.
    run_to_end(kafka, odd(kafka, unique, None), tmp_path)


def test_a_position_that_somebody_else_has_moved_ends_the_worker(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = odd(kafka, unique, None, position_secs=1)
    Feed(kafka, toy.source, seed=1, records=30)()
    with started(toy, tmp_path) as process:
        deadline = time.monotonic() + 60
        while lag(kafka, toy) != 0:
            assert time.monotonic() < deadline, process.tail()
            time.sleep(0.2)
        # Time for several looks: positions that are right end nothing.
        time.sleep(5)
        assert process.popen.poll() is None, process.tail()
        move(kafka, toy, 3)
        assert process.wait(30) == FAILED
    assert reason(process)["code"] == "POSITION_OTHER"
    assert f"{toy.source}/2" in reason(process)["reason"]


def move(kafka: str, toy: Command, offset: int) -> None:
    """Commit for the group from outside: of clients that are no members a broker takes it only in a transaction."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": toy.group})
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{toy.group}-stranger"})
    try:
        producer.init_transactions(30)
        producer.begin_transaction()
        place = TopicPartition(toy.source, 2, offset)
        producer.send_offsets_to_transaction([place], consumer.consumer_group_metadata(), 30)
        producer.commit_transaction(30)
    finally:
        consumer.close()
