"""Load recorded from the real Kafka and played into it again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from typer.testing import CliRunner

from bench.replay.files import FileLoad
from bench.replay.record import record
from bench.replay.times import ZONE, epoch_ms, iso, zone_of
from bench.replay.to_topic import TopicTarget
from bench.replay.topic import TopicLoad
from cli.bench import app
from connectors.simulator.senders.base import Address, parse_address
from pipeline.errors import ConfigError, ContractError
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.step import Control, Tick
from pipeline.wire import Contracts, Reference, frames_record
from schemas.load import load_contracts, shipped_ids
from tests.unit.bench.recordings import batch, quiet
from tests.unit.connectors.test_gather import TITLE, glo, wrapped

pytestmark = pytest.mark.kafka

PARTITIONS = 3
CONTRACTS = load_contracts()
HALF_SECOND = 500
ROUNDS = 4

Row = tuple[int, bytes | None, bytes]
"""Partition, key, value."""


def topic(kafka: str, name: str, partitions: int = PARTITIONS) -> Address:
    ensure_topics(kafka, [WantedTopic(name, partitions)])
    return parse_address(f"kafka://{kafka}/{name}")


def filled(kafka: str, name: str, contracts: Contracts = CONTRACTS) -> Address:
    """A topic with frames, ticks, controls and references, half a second apart from round to round."""
    address, began = topic(kafka, name), int(1000 * time.time()) - 60_000
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for turn in range(ROUNDS):
        for partition in (2, 0, 1):
            reference = Reference("edit", "edits", 0, turn, b"k", b"v")
            for key, value in (
                (None, frames_record(contracts, batch=batch([wrapped(glo(TITLE + turn))] * (partition + 1)))),
                (b"by hand", frames_record(contracts, references=(reference,), control=Control({"keys": f"k{turn}"}))),
                (None, frames_record(contracts, tick=Tick(began // 1000 + turn, 60))),
            ):
                producer.produce(name, key=key, value=value, partition=partition,
                                 timestamp=began + turn * HALF_SECOND + partition)  # fmt: skip
    assert producer.flush(30) == 0
    return address


def rows(kafka: str, name: str) -> list[tuple[Row, int]]:
    """Records of a topic in order of partition and offset, with their times."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "look", "enable.partition.eof": True})
    consumer.assign([TopicPartition(name, number, 0) for number in range(PARTITIONS)])
    found, ended = [], 0
    while ended < PARTITIONS:
        message: Any = consumer.poll(10)
        assert message is not None
        if message.error() is None:
            row = (message.partition(), message.key(), message.value())
            found.append((message.partition(), message.offset(), row, message.timestamp()[1]))
        else:
            ended += 1
    consumer.close()
    return [(row, at) for _, _, row, at in sorted(found, key=lambda item: item[:2])]


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_what_is_recorded_and_replayed_is_the_same_records_in_the_same_partitions(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    source, target = filled(kafka, f"{unique}-a"), topic(kafka, f"{unique}-b")
    said = run("record", "--from", f"kafka://{kafka}/{source.path}", "--to", str(tmp_path / "a.kvf"))
    expected = [row for row, _ in rows(kafka, source.path)]
    assert (said["records"], said["frames"], said["complete"]) == (len(expected), ROUNDS * 6, True)
    assert len(expected) == ROUNDS * PARTITIONS * 3
    said = run("replay", "--from", str(tmp_path), "--to", f"kafka://{kafka}/{target.path}", "--speed", "0")
    assert [row for row, _ in rows(kafka, target.path)] == expected
    assert (said["records"], said["frames"], said["behind_s"]) == (len(expected), ROUNDS * 6, None)
    least, most = (said["frames"] / max(said["seconds"] + rounded, 0.001) for rounded in (0.01, -0.01))
    assert least - 1 <= said["frames_per_s"] <= most + 1


def test_a_topic_is_replayed_with_its_spacing(kafka: str, unique: str) -> None:
    source, target = filled(kafka, f"{unique}-a"), topic(kafka, f"{unique}-b")
    said = run("replay", "--from", f"kafka://{kafka}/{source.path}", "--to", f"kafka://{kafka}/{target.path}")
    before, after = rows(kafka, source.path), rows(kafka, target.path)
    assert [row for row, _ in after] == [row for row, _ in before]
    first, began = min(at for _, at in before), min(at for _, at in after)
    late = [(at - began) - (was - first) for (_, was), (_, at) in zip(before, after, strict=True)]
    # Never early; how late depends on what else the machine does, and the report says it.
    assert min(late) > -50
    assert said["behind_s"] >= 0
    assert said["seconds"] >= (ROUNDS - 1) * HALF_SECOND / 1000


def test_a_time_range_and_a_limit_are_kept(kafka: str, unique: str, tmp_path: Path) -> None:
    source = filled(kafka, f"{unique}-a")
    all_of_it = rows(kafka, source.path)
    first = min(at for _, at in all_of_it)
    load = TopicLoad(source, CONTRACTS, first + HALF_SECOND, first + 3 * HALF_SECOND)
    found = [item for _, item in load.records()]
    assert len(found) == load.total == 2 * PARTITIONS * 3
    assert [item.time_ms for item in found] == sorted(item.time_ms for item in found)
    assert {item.time_ms - first for item in found} == {500, 501, 502, 1000, 1001, 1002}
    zone = zone_of(ZONE)
    begin = iso(first + HALF_SECOND, zone)
    assert begin is not None
    assert epoch_ms(begin, zone) == first + HALF_SECOND
    said = run("record", "--from", f"kafka://{kafka}/{source.path}", "--to", str(tmp_path / "a.kvf"),
               "--from-time", begin, "--limit", "2")  # fmt: skip
    assert said["first"] == begin
    assert said["frames"] == 3
    assert TopicLoad(source, CONTRACTS, first + 3_600_000).total == 0


def test_records_of_a_schema_registrys_id_are_recorded_with_the_shipped_one(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    theirs = load_contracts({name: number for number, name in enumerate(shipped_ids(), 11)})
    source, target = filled(kafka, f"{unique}-a", theirs), topic(kafka, f"{unique}-b")
    with pytest.raises(ContractError, match=r"NOT_FRAMES at .*, partition \d, offset 0: .*schema registry"):
        record(TopicLoad(source, CONTRACTS), tmp_path / "a.kvf", quiet)
    record(TopicLoad(source, theirs), tmp_path / "b.kvf", quiet)
    TopicTarget(target, 0).play(FileLoad(tmp_path / "b.kvf"), quiet)
    before, after = rows(kafka, source.path), rows(kafka, target.path)
    assert [(part, key, theirs.decode(value)) for (part, key, value), _ in before] == [
        (part, key, CONTRACTS.decode(value)) for (part, key, value), _ in after
    ]


def test_what_cannot_be_replayed_is_said_before_anything_is_written(kafka: str, unique: str, tmp_path: Path) -> None:
    source, other = filled(kafka, f"{unique}-a"), topic(kafka, f"{unique}-b", 2)
    with pytest.raises(ConfigError, match=r"TOPIC_MISSING at .*-none"):
        TopicLoad(parse_address(f"kafka://{kafka}/{unique}-none"), CONTRACTS)
    load = TopicLoad(source, CONTRACTS)
    with pytest.raises(ConfigError, match="SAME_TOPIC"):
        TopicTarget(source, 0).play(load, quiet)
    with pytest.raises(ConfigError, match=r"PARTITIONS_OTHER .*: 2 partitions, but what is played has 3"):
        TopicTarget(other, 0).play(load, quiet)
    with pytest.raises(ConfigError, match="TOPIC_MISSING"):
        TopicTarget(parse_address(f"kafka://{kafka}/{unique}-none"), 0).play(load, quiet)


def test_an_interrupt_ends_the_waiting_and_what_was_due_is_in_the_topic(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    source, target = filled(kafka, f"{unique}-a"), topic(kafka, f"{unique}-b")
    record(TopicLoad(source, CONTRACTS), tmp_path / "a.kvf", quiet)
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        # A thousand times as long as it was recorded: one round, and a record of the next in 500 seconds.
        tally = TopicTarget(target, 0.001).play(FileLoad(tmp_path), quiet)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    there = rows(kafka, target.path)
    assert (tally.stopped, tally.records) == (True, len(there))
    assert 3 <= len(there) <= 9
    assert tally.seconds < 20


def test_what_stands_before_a_damage_is_in_the_topic(kafka: str, unique: str, tmp_path: Path) -> None:
    source, target = filled(kafka, f"{unique}-a"), topic(kafka, f"{unique}-b")
    file = tmp_path / "a.kvf"
    record(TopicLoad(source, CONTRACTS), file, quiet)
    octets = bytearray(file.read_bytes())
    octets[-1] ^= 1
    file.write_bytes(octets)
    with pytest.raises(ContractError, match=r"NOT_A_KVF at .* at byte \d+: .*checksum"):
        TopicTarget(target, 0).play(FileLoad(file), quiet)
    assert len(rows(kafka, target.path)) == ROUNDS * PARTITIONS * 3 - 1


def test_a_topic_of_something_else_is_refused_with_the_place(kafka: str, unique: str, tmp_path: Path) -> None:
    source = topic(kafka, unique, 1)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(unique, value=b'{"some": "json"}', partition=0)
    producer.flush(30)
    with pytest.raises(ContractError, match=r"NOT_FRAMES at kafka://.*, partition 0, offset 0"):
        record(TopicLoad(source, CONTRACTS), tmp_path / "a.kvf", quiet)
