"""A frame that kills the worker kills it twice; then it is rejected, and the rest goes on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from pipeline.lookup import partitions_of
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.faults.harness import Command, run_to_end, started, written
from tests.faults.toy import KILLER, POISON, toy_batch
from tests.faults.toy_runs import PARTITIONS, POINTS, SETTINGS, toy_command

FRAMES = 20
RECORDS = 8
SPECIAL = {(0, 5): {3: KILLER, 4: POISON, 17: KILLER}, (1, 2): {9: POISON}}
"""(partition, offset) -> frames that are not as the others."""


def feed(kafka: str, source: str) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    homes = partitions_of(POINTS, PARTITIONS)
    for offset in range(RECORDS):
        for partition in range(PARTITIONS):
            points = POINTS[homes == partition][:FRAMES]
            batch = toy_batch(points, special=SPECIAL.get((partition, offset), {}))
            producer.produce(source, value=frames_record(load_contracts(), batch=batch), partition=partition)
    producer.flush()


def command(kafka: str, unique: str, **settings: object) -> Command:
    source = f"{unique}-source"
    toy = toy_command(
        kafka, unique, source, TOY_SETTINGS=json.dumps({"bootstrap": kafka, **SETTINGS, **settings})
    )  # fmt: skip
    feed(kafka, source)
    return toy


@pytest.mark.kafka
def test_after_two_deaths_the_frames_are_rejected_and_the_others_counted(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    toy = command(kafka, unique, scratch=str(tmp_path / "scratch"))
    for _ in range(2):
        with started(toy, tmp_path) as process:
            assert process.wait(60) == -signal.SIGKILL
    run_to_end(kafka, toy, tmp_path)
    found = written(kafka, toy)
    assert found.different == []
    records = [(topic, load_contracts().decode(value)) for topic, _, _, value in found.records.values()]
    rejects = [record for topic, record in records if topic.endswith("-rejects")]
    poison = {(one["partition"], one["offset"], one["frame"]): one for one in rejects if one["code"] == "POISON"}
    wanted = {(*place, frame): octets for place, frames in SPECIAL.items() for frame, octets in frames.items()}
    assert {place: one["raw"] for place, one in poison.items()} == wanted
    assert {place for place, one in poison.items() if "the process died" in one["detail"]} == {(0, 5, 3), (0, 5, 17)}
    # The toy rejects empty frames: those that were emptied must not show.
    assert len(rejects) == len(poison)
    counts = [record for topic, record in records if topic.endswith("-counts")]
    assert len(counts) == PARTITIONS * RECORDS
    seen = {(one["source_partition"], one["source_offset"]): np.frombuffer(one["input_wh"], np.int64) for one in counts}
    # The toy counts emptied frames too: each record counts all of its service points once.
    assert all((seen[place] == place[1] + 1).all() and len(seen[place]) == FRAMES for place in seen)


@pytest.mark.kafka
def test_what_was_found_is_found_again_until_a_checkpoint_has_it(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = command(kafka, unique, scratch=str(tmp_path / "scratch"), checkpoint_secs=600, idle_secs=600, replay_secs=600)
    for _ in range(2):
        with started(toy, tmp_path) as process:
            assert process.wait(60) == -signal.SIGKILL
    # 2 x 4 records before the trial at most: this is behind it, and before any checkpoint.
    with started(toy, tmp_path, kill=f"in-batch:{PARTITIONS * RECORDS}") as process:
        assert process.wait(60) == -signal.SIGKILL
        assert "record tried" in process.log.read_text()
    run_on_with_checkpoints(kafka, toy, tmp_path)


def run_on_with_checkpoints(kafka: str, toy: Command, folder: Path) -> None:
    """Now with checkpoints: the trial is held again, without another death."""
    environment = {**toy.environment}
    settings = json.loads(environment["TOY_SETTINGS"])
    environment["TOY_SETTINGS"] = json.dumps({**settings, **SETTINGS, "idle_secs": 1})
    run_to_end(kafka, Command(**{**vars(toy), "environment": environment}), folder)
    assert written(kafka, toy).different == []


@pytest.mark.kafka
def test_without_a_folder_it_dies_each_time(kafka: str, unique: str, tmp_path: Path) -> None:
    toy = command(kafka, unique, scratch="")
    for _ in range(3):
        with started(toy, tmp_path) as process:
            assert process.wait(60) == -signal.SIGKILL
