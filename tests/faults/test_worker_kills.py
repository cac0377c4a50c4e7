"""A worker killed at any moment writes what one writes that was never killed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from pipeline.lookup import partitions_of
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.step import Control, Tick
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.faults.harness import (
    PREPARED,
    Command,
    kill_plans,
    run_to_end,
    run_with_kills,
    started,
    written,
)
from tests.faults.toy import toy_batch

PARTITIONS = 4
POINTS = np.arange(1, 1_501, dtype=np.uint64)
SETTINGS = {"session_secs": 6, "heartbeat_secs": 1, "replay_secs": 0.4, "checkpoint_secs": 2}


def command(kafka: str, application: str, source: str, **environment: str) -> Command:
    outputs = (f"{application}-counts", f"{application}-rejects")
    ensure_topics(
        kafka,
        [WantedTopic(name, PARTITIONS) for name in (source, *outputs)]
        + [WantedTopic(f"{application}-state", PARTITIONS, {"cleanup.policy": "compact"})],
    )
    return Command(
        ("-m", "tests.faults.toy"),
        {
            "TOY_APPLICATION": application, "TOY_SOURCE": source, "TOY_PARTITIONS": str(PARTITIONS),
            "TOY_SETTINGS": json.dumps({"bootstrap": kafka, **SETTINGS}), **environment,
        },
        application, source, PARTITIONS, outputs,
    )  # fmt: skip


class Feed:
    """Appends `records` records to each partition: frames, sometimes a tick, once a control record."""

    def __init__(self, kafka: str, source: str, seed: int, records: int, poison: float = 0.0) -> None:
        self._kafka, self._source, self._records, self._poison = kafka, source, records, poison
        self._random = np.random.default_rng(seed)
        self.poisoned = 0

    def __call__(self) -> None:
        producer, homes = Producer({"bootstrap.servers": self._kafka}), partitions_of(POINTS, PARTITIONS)
        for number in range(self._records):
            for partition in range(PARTITIONS):
                points = self._random.choice(POINTS[homes == partition], 20)
                bad = tuple(np.flatnonzero(self._random.random(20) < self._poison).tolist())
                self.poisoned += len(bad)
                value = frames_record(
                    load_contracts(),
                    batch=toy_batch(points, poison=bad),
                    tick=Tick(1_700_000_000 + number, 60) if number % 10 == 9 else None,
                    control=Control({"registry": f"v{number}"}) if number == self._records // 2 else None,
                )
                producer.produce(self._source, value=value, partition=partition)
        producer.flush()


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_leave_no_trace_in_what_is_written(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    killed = command(kafka, f"{unique}-killed", source, TOY_PAUSE="0.004")
    feed = Feed(kafka, source, seed=5, records=60, poison=0.0005)
    feed()
    plans = kill_plans(seed=11, count=20, prepared=7)
    assert sum(plan.startswith(PREPARED) for plan in plans) >= 5
    assert run_with_kills(kafka, killed, plans, tmp_path, feed) == 20
    calm = command(kafka, f"{unique}-calm", source)
    run_to_end(kafka, calm, tmp_path)
    disturbed, undisturbed = written(kafka, killed, f"{unique}-killed"), written(kafka, calm, f"{unique}-calm")
    assert undisturbed.copies == 0
    assert disturbed.copies > 0
    assert disturbed.different == []
    assert disturbed.records == undisturbed.records


@pytest.mark.kafka
def test_a_clean_stop_repeats_nothing_at_the_next_start(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = command(kafka, unique, source)
    feed = Feed(kafka, source, seed=3, records=20)
    for _ in range(3):
        feed()
        run_to_end(kafka, toy, tmp_path)
    assert written(kafka, toy).copies == 0


@pytest.mark.kafka
def test_poison_frames_are_rejected_and_the_others_counted(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = command(kafka, unique, source)
    feed = Feed(kafka, source, seed=4, records=10, poison=0.02)
    feed()
    run_to_end(kafka, toy, tmp_path)
    contracts = load_contracts()
    rejects = [
        contracts.decode(value, "Reject") for topic, _, _, value in written(kafka, toy).records.values()
        if topic.endswith("-rejects")
    ]  # fmt: skip
    poison = [reject for reject in rejects if reject["code"] == "POISON"]
    assert len(poison) == feed.poisoned > 10
    assert {reject["raw"] for reject in poison} == {b"poison"}
    # The toy rejects empty frames: those that were emptied must not show.
    assert all(reject["detail"].isdigit() for reject in rejects if reject["code"] != "POISON")
    assert len({(reject["partition"], reject["offset"], reject["frame"]) for reject in poison}) == feed.poisoned


@pytest.mark.kafka
def test_masses_of_poison_stop_the_process(kafka: str, unique: str, tmp_path: Path) -> None:
    source = f"{unique}-source"
    toy = command(kafka, unique, source)
    settings = json.dumps({"bootstrap": kafka, **SETTINGS, "fuse_share": 0.05, "fuse_frames": 200})
    toy = Command(**{**vars(toy), "environment": {**toy.environment, "TOY_SETTINGS": settings}})
    Feed(kafka, source, seed=4, records=10, poison=0.4)()
    with started(toy, tmp_path) as process:
        assert process.wait(60) == 1
        assert "TOO_MANY_REJECTS" in process.tail()
