"""The same log gives the same bytes: a second time, in another process, and from a checkpoint in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cli.stages import fetch_references, make_steps
from cli.testing import FrameDriver
from pipeline.checkpoint import HEAD_KEY, Head
from pipeline.runtime.chain import Chain, Prepared
from pipeline.runtime.embedded import TOPIC_ID, Appended
from pipeline.runtime.saved import Place, Saved, copy_chain, nothing_saved, restore_chain
from pipeline.testing.driver import MASTER_KEY
from tests.scenarios import world
from tests.scenarios.again import digests
from tests.scenarios.world import Run


@pytest.fixture(scope="module")
def first(few_meters: Run) -> FrameDriver:
    return few_meters.driver


def test_a_log_replayed_gives_the_same_bytes_in_every_topic(first: FrameDriver, folder: Path) -> None:
    second = world.driver(folder, references=first.references)
    second.replay(first.log)
    topics = [topic for topic in first.plan.topics if topic != "parked"]
    wanted, found = world.values(first, topics), world.values(second, topics)
    # The connector's own rejects, beside the topic's partitions, are not made from the log.
    wanted["rejects"] = [record for record in wanted["rejects"] if record[0] < world.PARTITIONS]
    assert sum(len(records) for records in wanted.values()) > 500
    assert found == wanted


def test_another_process_with_another_hash_seed_gives_the_same_bytes(first: FrameDriver, folder: Path) -> None:
    seeds = {**os.environ, "PYTHONHASHSEED": "12345" if os.environ.get("PYTHONHASHSEED") != "12345" else "54321"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenarios.again", str(folder)],
        cwd=world.ROOT, env=seeds, capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert json.loads(done.stdout) == digests(first)


@dataclass
class StateTopic:
    """What the state topic holds of one partition of a chain; no broker, no process."""

    place: Place
    saved: Saved
    records: dict[bytes, bytes] = field(default_factory=dict)

    def write(self, chain: Chain) -> None:
        """A checkpoint: what changed since the one before, and the head."""
        self.records.update(
            (record.key, record.value) for record in copy_chain(self.place, chain, self.saved).records()
        )

    def read(self) -> Chain:
        """The chain of the last checkpoint."""
        head = Head.from_bytes(self.records[HEAD_KEY])
        pages = {key: value for key, value in self.records.items() if key != HEAD_KEY}
        return restore_chain(self.place, head, pages)[0]


def state_topics(driver: FrameDriver) -> list[StateTopic]:
    """One for every partition of every chain."""
    topics = []
    for plan in driver.plan.chains:
        steps = make_steps(plan)
        prepared = Prepared(steps, fetch_references(driver.references, MASTER_KEY))
        for partition in range(plan.source.partitions):
            place = Place(plan, steps, prepared, driver.contracts, TOPIC_ID, partition)
            topics.append(StateTopic(place, nothing_saved(place)))
    return topics


@pytest.fixture(scope="module")
def uninterrupted(first: FrameDriver, folder: Path) -> FrameDriver:
    """The same log through the topology cut apart by topics: every chain has its own state and its own place."""
    driver = world.driver(folder, file=world.SPLIT, references=first.references)
    driver.replay(first.log)
    return driver


@pytest.mark.parametrize("seed", [1, 2])
def test_a_restart_from_pages_goes_on_with_the_same_bytes(
    seed: int, uninterrupted: FrameDriver, first: FrameDriver, folder: Path
) -> None:
    draw = np.random.default_rng(seed)
    moments = sorted(draw.choice(np.arange(50, len(first.log) - 50), 3, replace=False).tolist())
    stopped = world.driver(folder, file=world.SPLIT, references=first.references)
    topics = state_topics(stopped)
    before = 0
    for moment in moments:
        stopped.replay(first.log[before:moment])
        for topic in topics:
            topic.write(stopped.runtime.chain(topic.place.plan, topic.place.partition))
        before = moment
    resumed = world.driver(folder, file=world.SPLIT, references=first.references)
    for topic in topics:
        chain = topic.read()
        resumed.runtime.resume(topic.place.plan, topic.place.partition, chain.stores, chain.position)
    resumed.replay(first.log[before:])
    assert sum(len(topic.records) for topic in topics) > 100
    assert sum(len(resumed.bytes_of(name)) for name in resumed.plan.topics) > 50
    for name in uninterrupted.plan.topics:
        wanted, early, late = (by_partition(driver.bytes_of(name)) for driver in (uninterrupted, stopped, resumed))
        joined = {partition: early.get(partition, []) + late.get(partition, []) for partition in wanted}
        assert joined == wanted


def by_partition(records: list[Appended]) -> dict[int, list[tuple[bytes, bytes]]]:
    """Keys and values of each partition, in order."""
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for record in records:
        found.setdefault(record.partition, []).append((record.key, record.value))
    return found
