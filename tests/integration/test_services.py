"""The real services: each starts, answers, and ends; and a client of each kind gets its data through."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import psutil
import pytest
from aiomqtt import ProtocolVersion
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from cli.main import main
from cli.output import FAILED, OK, USAGE
from cli.services import ports, stack
from cli.services.service import ServiceState

pytestmark = pytest.mark.slow


def make_topic(kafka: str, name: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})  # kept: an answer dies with its client
    admin.create_topics([NewTopic(name, partitions)])[name].result(10)


def read_values(kafka: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([topic])
    values: list[bytes | None] = []
    try:
        while len(values) < count:
            messages = consumer.consume(count, timeout=10)
            assert messages, f"{len(values)} of {count} messages after 10 s"
            for message in messages:
                assert message.error() is None
                values.append(message.value())
    finally:
        consumer.close()
    return values


@pytest.mark.kafka
def test_what_a_producer_sends_to_kafka_a_consumer_group_reads(kafka: str, unique: str) -> None:
    make_topic(kafka, unique)
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True, "compression.type": "lz4"})
    sent = [f"frame {i}".encode() for i in range(100)]
    for value in sent:
        producer.produce(unique, value)
    assert producer.flush(10) == 0
    assert read_values(kafka, unique, len(sent)) == sent


@pytest.mark.kafka
def test_a_kafka_transaction_that_is_aborted_is_not_read(kafka: str, unique: str) -> None:
    make_topic(kafka, unique)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(unique, b"aborted")
    producer.flush(10)
    producer.abort_transaction(10)
    producer.begin_transaction()
    producer.produce(unique, b"committed")
    producer.commit_transaction(10)
    assert read_values(kafka, unique, 1) == [b"committed"]


@pytest.mark.kafka
def test_kafka_makes_no_topic_by_itself(kafka: str, unique: str) -> None:
    failures: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": kafka, "message.timeout.ms": 3000})
    producer.produce(unique, b"lost", on_delivery=lambda error, message: failures.append(error))
    producer.flush(10)
    assert failures
    assert failures[0] is not None
    assert unique not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=5).topics


@pytest.mark.kafka
def test_a_message_of_several_megabytes_fits_into_kafka(kafka: str, unique: str) -> None:
    make_topic(kafka, unique)
    value = bytes(5_000_000)
    producer = Producer({"bootstrap.servers": kafka, "message.max.bytes": 8_000_000})
    producer.produce(unique, value)
    assert producer.flush(10) == 0
    assert read_values(kafka, unique, 1) == [value]


@pytest.mark.registry
def test_a_registered_schema_comes_back_by_its_id(schema_registry: str, unique: str) -> None:
    text = json.dumps({"type": "record", "name": "Frame", "fields": [{"name": "device", "type": "long"}]})
    with SchemaRegistryClient({"url": schema_registry}) as client:
        schema_id = client.register_schema(f"{unique}-value", Schema(text, "AVRO"))
        assert client.register_schema(f"{unique}-value", Schema(text, "AVRO")) == schema_id
        assert json.loads(client.get_schema(schema_id).schema_str or "") == json.loads(text)
        assert f"{unique}-value" in client.get_subjects()


@pytest.mark.mqtt
async def test_a_shared_subscription_receives_what_is_published_to_mosquitto(mosquitto: str, unique: str) -> None:
    where = urlsplit(mosquitto)
    assert where.hostname is not None
    assert where.port is not None
    async with (
        aiomqtt.Client(where.hostname, where.port, protocol=ProtocolVersion.V5) as subscriber,
        aiomqtt.Client(where.hostname, where.port, protocol=ProtocolVersion.V5) as meter,
    ):
        await subscriber.subscribe(f"$share/{unique}/meters/{unique}/+", qos=1)
        for i in range(10):
            await meter.publish(f"meters/{unique}/{i}", f"frame {i}".encode(), qos=1)
        received: list[bytes] = []
        async for message in subscriber.messages:
            assert message.qos == 1
            assert isinstance(message.payload, bytes)
            received.append(message.payload)
            if len(received) == 10:
                break
    assert received == [f"frame {i}".encode() for i in range(10)]


@pytest.mark.kafka
@pytest.mark.registry
@pytest.mark.mqtt
def test_up_status_and_down_from_the_command_line_keep_the_data(
    kafka: str,
    schema_registry: str,
    mosquitto: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cli.main.set_up", lambda *_: None)
    # The three fixtures say that this machine can run the services; here they run a second time, beside those.

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        told = capsys.readouterr()
        return int(str(ended.value.code or 0)), json.loads(told.out or "{}"), told.err

    numbers = ports.free_ports(4)
    names = ("--kafka-port", "--kafka-controller-port", "--schema-registry-port", "--mosquitto-port")
    options = [part for name, number in zip(names, numbers, strict=True) for part in (name, str(number))]
    where = ["--data", str(tmp_path), "--json"]
    try:
        code, said, errors = run("up", *where, *options)
        assert code == OK, errors
        services = said["services"]
        assert [one["name"] for one in services] == list(stack.ALL)
        assert all(one["state"] == "ready" and one["started_in_secs"] > 0 for one in services)
        addresses = {one["name"]: one["address"] for one in services}
        make_topic(addresses["kafka"], "kept")

        _, again, _ = run("up", "kafka", *where)
        assert [one["pid"] for one in again["services"]] == [services[0]["pid"]], "left alone"
        code, said, _ = run("up", "kafka", *where, "--kafka-port", str(ports.free_ports(1)[0]))
        assert (code, said["error"]["code"]) == (USAGE, "RUNS_ELSEWHERE")

        code, said, _ = run("status", *where)
        assert code == OK
        assert {one["name"]: one["address"] for one in said["services"]} == addresses

        _, said, _ = run("down", *where)
        assert said == {"ended": list(reversed(stack.ALL))}
        assert not any(psutil.pid_exists(one["pid"]) for one in services)
        assert run("status", *where)[0] == FAILED

        assert run("up", "kafka", *where)[0] == OK
        assert "kept" in AdminClient({"bootstrap.servers": addresses["kafka"]}).list_topics(timeout=5).topics
    finally:
        run("down", *where)


@pytest.mark.mqtt
def test_a_temporary_stack_leaves_no_process_and_no_folder(mosquitto: str) -> None:
    with stack.temporary(("mosquitto",)) as running:
        assert running.mosquitto != mosquitto
        (status,) = running.status()
        assert status.state is ServiceState.READY
        assert status.pid is not None
        assert running.settings.data.is_dir()
    assert not psutil.pid_exists(status.pid)
    assert not running.settings.data.exists()


@pytest.mark.kafka
def test_a_client_of_a_stopped_kafka_gets_an_error_and_no_hang(kafka: str) -> None:
    (port,) = ports.free_ports(1)
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0}).list_topics(timeout=2)


@pytest.mark.mqtt
def test_a_temporary_stack_ends_with_the_process_that_was_killed(mosquitto: str) -> None:
    script = (
        "import time\n"
        "from cli.services import stack\n"
        "with stack.temporary(('mosquitto',)) as running:\n"
        "    print(running.status()[0].pid, running.settings.data, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, data = parent.stdout.readline().split()
        service = psutil.Process(int(pid))
        parent.kill()
    psutil.wait_procs([service], timeout=10)
    assert not service.is_running() or service.status() == psutil.STATUS_ZOMBIE
    shutil.rmtree(data)
