"""A sink process on the real Kafka, killed again and again: the warehouse is the same as if it had never been."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from bench.warehouse.process import WarehouseProcess
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from sinks.buffer import BlockLimits
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Address, open_reader
from sinks.kafka_log import KafkaLog
from sinks.memory import ListSink
from sinks.records import Record
from sinks.runner import RunnerOptions, SinkRunner
from tests.builders_readings import CONTRACTS, plain_origins, plain_record, raw_values, readings_record
from tests.conformance.sink_laws import expected
from tests.unit.sinks.clickhouse.test_registry import registry

pytestmark = pytest.mark.kafka

PARTITIONS = 3
RECORDS = 60
ROWS = 50

PROCESS = """
import json, sys, threading
from schemas.load import load_contracts
from sinks.clickhouse.config import ClickHouseConfig
from sinks.process import SinkSettings, run_sink, stop_on_signals

given = json.loads(sys.argv[1])
stop = threading.Event()
stop_on_signals(stop)
options = ClickHouseConfig.model_validate(given["options"])
settings = SinkSettings("clickhouse", options, given["topics"], given["group"], given["registry"])
counts = run_sink(settings, given["bootstrap"], load_contracts(), stop)
print(json.dumps(vars(counts)))
"""


class Topics:
    """Topics of one test, and what was written to them."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.bootstrap = bootstrap
        self.readings, self.determinants = f"readings-{name}", f"determinants-{name}"
        self.schemas = {self.readings: "ReadingBatch", self.determinants: "Determinant"}
        ensure_topics(bootstrap, [WantedTopic(topic, PARTITIONS) for topic in self.schemas])
        self.registry = f"registry-{name}"
        ensure_topics(bootstrap, [WantedTopic(self.registry, 1)])
        self.group = f"sink-{name}"
        self.written: list[Record] = []

    def write(self) -> None:
        """Readings and determinants of RECORDS frames records in each partition; the worker came back twice."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5})
        for partition in range(PARTITIONS):
            for offset in worker_restarts(RECORDS, seed=partition):
                record = readings_record(offset, ROWS, partition=partition, first_point=1 + 1_000 * partition)
                producer.produce(self.readings, raw_values(record)[0], partition=partition)
                determinant = plain_record("Determinant", offset, 0, partition=partition, account=partition + 1,
                                           revision=offset)  # fmt: skip
                producer.produce(self.determinants, raw_values(determinant)[0], partition=offset % PARTITIONS)
        assert producer.flush(30) == 0

    @property
    def rows(self) -> list[tuple[int, int, int, int]]:
        """The readings that must be there."""
        return expected([
            readings_record(offset, ROWS, partition=partition, first_point=1 + 1_000 * partition)
            for partition in range(PARTITIONS) for offset in range(RECORDS)
        ])  # fmt: skip

    def lag(self) -> int:
        """Messages that are not committed yet."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        try:
            every = [TopicPartition(topic, part) for topic in self.schemas for part in range(PARTITIONS)]
            committed = consumer.committed(every, timeout=10)
            ends = [consumer.get_watermark_offsets(part, timeout=10)[1] for part in every]
        finally:
            consumer.close()
        return sum(end - max(part.offset, 0) for part, end in zip(committed, ends, strict=True))


def worker_restarts(count: int, seed: int) -> list[int]:
    """Offsets in the order of a worker that was killed twice and began again some records earlier."""
    numbers = random.Random(seed)
    first, second = sorted(numbers.sample(range(10, count), 2))
    back = [first - numbers.randrange(1, 10), second - numbers.randrange(1, 10)]
    return [*range(first), *range(back[0], second), *range(back[1], count)]


@contextmanager
def process(topics: Topics, options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    given = {"options": options, "topics": topics.schemas, "group": topics.group, "bootstrap": topics.bootstrap,
             "registry": topics.registry}  # fmt: skip
    root = Path(__file__).parents[2]
    running = subprocess.Popen(
        [sys.executable, "-c", PROCESS, json.dumps(given)], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def until(condition: Any, secs: float = 60.0) -> None:
    end = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_sink_that_is_killed_at_any_moment_loses_and_doubles_nothing(kafka: str, unique: str, tmp_path: Path) -> None:
    topics = Topics(kafka, unique)
    topics.write()
    # Small blocks, so that a kill hits every step of their writing.
    options = {
        "dsn": f"chdb://{tmp_path}/warehouse",
        "blocks": {"rows": 150, "age_secs": 0.2},
        "runner": {"poll_bytes": 40_000},
    }
    moments = random.Random(3)
    for _ in range(8):
        with process(topics, options) as running:
            folder = ClickHouseConfig.model_validate(options).folder
            until(lambda running=running, folder=folder: _owner(folder) == running.pid)
            time.sleep(moments.uniform(0.0, 0.4))
            running.send_signal(signal.SIGKILL)
            running.wait()
    with process(topics, options) as running:
        until(lambda: topics.lag() == 0)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
        assert running.returncode == 0, err
        assert json.loads(out.splitlines()[-1])["copies"] >= 0
    check(topics, ClickHouseConfig.model_validate(options))


@pytest.mark.slow
def test_a_warehouse_behind_http_that_is_killed_again_and_again_has_every_row_once(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    topics = Topics(kafka, unique)
    topics.write()
    server = WarehouseProcess(tmp_path / "warehouse")
    options = {
        "dsn": server.dsn,
        "blocks": {"rows": 150, "age_secs": 0.2},
        "runner": {"poll_bytes": 40_000, "retry_secs": 0.1},
    }
    moments = random.Random(4)
    try:
        # The first time it is away from the start.
        with process(topics, options) as running:
            for _ in range(4):
                time.sleep(moments.uniform(0.3, 1.5))
                server.start()
                until(lambda before=topics.lag(): topics.lag() < before or before == 0)
                server.kill()
            server.start()
            until(lambda: topics.lag() == 0)
            running.send_signal(signal.SIGTERM)
            _, err = running.communicate(timeout=30)
            assert running.returncode == 0, err
    finally:
        server.end()
    check(topics, ClickHouseConfig.model_validate({"dsn": server.embedded}))


def check(topics: Topics, config: ClickHouseConfig) -> None:
    """Every reading and every determinant is there, once."""
    reader = open_reader(config)
    query = "SELECT origin_partition, origin_offset, service_point, wh_imp FROM readings ORDER BY ALL"
    found = [tuple(json.loads(line)) for line in reader.ask(query, "JSONCompactEachRow").splitlines()]
    bills = reader.ask("SELECT account, revision FROM determinants ORDER BY ALL", "JSONCompactEachRow")
    reader.close()
    assert found == topics.rows
    assert [json.loads(line) for line in bills.splitlines()] == [
        [partition + 1, offset] for partition in range(PARTITIONS) for offset in range(RECORDS)
    ]


def _owner(folder: Path) -> int | None:
    address = Address.read(folder)
    return address.pid if address else None


def test_a_warehouse_that_a_sink_has_open_answers_through_it(kafka: str, unique: str, tmp_path: Path) -> None:
    topics = Topics(kafka, unique)
    topics.write()
    options = {"dsn": f"chdb://{tmp_path}/warehouse", "blocks": {"age_secs": 0.2}, "runner": {"registry_secs": 0.2}}
    config = ClickHouseConfig.model_validate(options)
    with process(topics, options) as running:
        until(lambda: _owner(config.folder) == running.pid and topics.lag() == 0)
        reader = open_reader(config)
        assert reader.where.startswith("http://127.0.0.1:")
        assert int(reader.ask("SELECT count() FROM readings", "TabSeparated")) == len(topics.rows)
        # A version of the registry that is published meanwhile comes to stand beside the readings.
        publish(kafka, "registry", registry_to_bytes(registry([5, 6, 7])), topics.registry)
        until(lambda: int(reader.ask("SELECT count() FROM service_points_latest", "TabSeparated")) == 3)
        reader.close()
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert Address.read(config.folder) is None


def test_members_of_a_group_share_partitions_and_take_over_from_each_other(kafka: str, unique: str) -> None:
    topics = Topics(kafka, unique)
    topics.write()
    written: dict[str, Any] = {}
    stops = [threading.Event(), threading.Event()]

    def member(stop: threading.Event) -> None:
        sink = ListSink(BlockLimits(rows=150, age_secs=0.2), written)
        log = KafkaLog(kafka, topics.group, tuple(topics.schemas), alone=False)
        SinkRunner(sink, log, topics.schemas, CONTRACTS, RunnerOptions(poll_bytes=40_000)).run(stop)

    threads = [threading.Thread(target=member, args=(stop,)) for stop in stops]
    threads[0].start()
    time.sleep(4.0)
    threads[1].start()
    time.sleep(2.0)
    stops[0].set()
    threads[0].join(30)
    until(lambda: topics.lag() == 0)
    stops[1].set()
    threads[1].join(30)
    blocks = list(written.values())
    records = [record for block in blocks for record in block.records]
    assert expected([record for record in records if record.schema == "ReadingBatch"]) == topics.rows
    assert len(plain_origins(records, "Determinant")) == PARTITIONS * RECORDS
