"""Runs of the toy chain on the real Kafka: its topics, its process, and what it is fed."""

from __future__ import annotations

import json

import numpy as np
from confluent_kafka import Producer

from pipeline.lookup import partitions_of
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.step import Control, Tick
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.faults.harness import Command
from tests.faults.toy import toy_batch

PARTITIONS = 4
POINTS = np.arange(1, 1_501, dtype=np.uint64)
SETTINGS = {"session_secs": 6, "heartbeat_secs": 1, "replay_secs": 0.4, "checkpoint_secs": 2}


def toy_command(kafka: str, application: str, source: str, **environment: str) -> Command:
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
