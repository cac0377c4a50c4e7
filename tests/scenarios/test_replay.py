"""The same log gives the same bytes: a second time, in another process, and from a checkpoint in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from cli.testing import FrameDriver
from pipeline.blocks import Ledger
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.runtime.chain import Chain, Position
from pipeline.runtime.embedded import Appended
from pipeline.state import StateStore
from pipeline.topology.plan import ChainPlan
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


class Checkpoints:
    """The state topic of every chain and partition, as records by key; no broker, no process."""

    def __init__(self, driver: FrameDriver) -> None:
        self._driver = driver
        self._topics: dict[tuple[str, int, str], dict[bytes, bytes]] = {}
        self._ledgers: dict[tuple[str, int, str], Ledger] = {}
        self._positions: dict[tuple[str, int], Position] = {}
        self._capacities: dict[tuple[str, int, str], int] = {}
        self.taken = 0
        self.written = 0

    def take(self) -> None:
        """Write what changed since the last time."""
        self.taken += 1
        for plan, partition, chain in chains(self._driver):
            self._positions[plan.name, partition] = deepcopy(chain.position)
            for store in chain.stores:
                name = (plan.name, partition, store.layout.step)
                ledger = self._ledgers.setdefault(name, Ledger())
                self._capacities[name] = store.capacity
                for copy in copy_pages(store, ledger, self.taken):
                    record = encode(copy, ledger)
                    self._topics.setdefault(name, {})[record.key] = record.value
                    self.written += 1

    def resume(self, other: FrameDriver) -> None:
        """Give another driver the state that was written last."""
        for plan, partition, chain in chains(self._driver):
            stores = tuple(self._restored(plan, partition, store) for store in chain.stores)
            other.runtime.resume(plan, partition, stores, self._positions[plan.name, partition])

    def _restored(self, plan: ChainPlan, partition: int, store: StateStore) -> StateStore:
        name = (plan.name, partition, store.layout.step)
        records = self._topics.get(name, {})
        live = {key: value for key, value in records.items() if key in self._ledgers[name].live}
        assert live.keys() == self._ledgers[name].live.keys()
        made, _ = restore(store.layout, store.pages, self._capacities[name], records)
        return made


def chains(driver: FrameDriver) -> list[tuple[ChainPlan, int, Chain]]:
    """Every chain of every partition."""
    return [
        (plan, partition, driver.runtime.chain(plan, partition))
        for plan in driver.plan.chains
        for partition in range(plan.source.partitions)
    ]


@pytest.fixture(scope="module", params=[world.FUSED, world.SPLIT])
def uninterrupted(request: pytest.FixtureRequest, first: FrameDriver, folder: Path) -> tuple[str, FrameDriver]:
    driver = world.driver(folder, file=request.param, references=first.references)
    driver.replay(first.log)
    return request.param, driver


@pytest.mark.parametrize("seed", [1, 2])
def test_a_restart_from_pages_goes_on_with_the_same_bytes(
    seed: int, uninterrupted: tuple[str, FrameDriver], first: FrameDriver, folder: Path
) -> None:
    file, whole = uninterrupted
    draw = np.random.default_rng(seed)
    moments = sorted(draw.choice(np.arange(50, len(first.log) - 50), 3, replace=False).tolist())
    stopped = world.driver(folder, file=file, references=first.references)
    checkpoints = Checkpoints(stopped)
    before = 0
    for moment in moments:
        stopped.replay(first.log[before:moment])
        checkpoints.take()
        before = moment
    resumed = world.driver(folder, file=file, references=first.references)
    checkpoints.resume(resumed)
    resumed.replay(first.log[before:])
    assert checkpoints.written > 1000
    assert sum(len(resumed.bytes_of(topic)) for topic in resumed.plan.topics) > 50
    for topic in whole.plan.topics:
        wanted, early, late = (by_partition(driver.bytes_of(topic)) for driver in (whole, stopped, resumed))
        joined = {partition: early.get(partition, []) + late.get(partition, []) for partition in wanted}
        assert joined == wanted


def by_partition(records: list[Appended]) -> dict[int, list[tuple[bytes, bytes]]]:
    """Keys and values of each partition, in order."""
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for record in records:
        found.setdefault(record.partition, []).append((record.key, record.value))
    return found
