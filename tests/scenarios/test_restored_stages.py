"""Every stage's state outlives its process: restored at any record, a chain writes what it would have written.

A change of state that a kernel does not mark is not in the checkpoint; this is where that shows, with the real stages
on a simulated fleet with all its faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.stages import fetch_references, make_steps
from cli.testing import FrameDriver
from pipeline.checkpoint import HEAD_KEY, Head
from pipeline.runtime.chain import Output, Prepared, singly
from pipeline.runtime.embedded import TOPIC_ID
from pipeline.runtime.saved import Place, copy_chain, nothing_saved, restore_chain
from pipeline.testing.driver import MASTER_KEY
from tests.scenarios import world

Log = list[tuple[int, bytes]]


@pytest.fixture(scope="module")
def driver(folder: Path) -> FrameDriver:
    """Four days, so that days leave the window."""
    return world.play(world.driver(folder), world.feed(meters=40, days=4, seed=3))


@pytest.fixture(scope="module")
def log(driver: FrameDriver) -> Log:
    return [(record.partition, record.value) for record in driver.log]


@pytest.fixture(scope="module")
def metering(driver: FrameDriver, log: Log) -> list[Output]:
    """What the chain writes when nothing happens to it."""
    return outputs_of(driver, "metering", log, None)


def outputs_of(driver: FrameDriver, name: str, records: Log, every: int | None) -> list[Output]:
    """What a chain makes of the records of its source, each partition restored after every so many records."""
    plan = driver.plan.chain(name)
    steps = make_steps(plan)
    prepared = Prepared(steps, fetch_references(driver.references, MASTER_KEY))
    places = {
        partition: Place(plan, steps, prepared, driver.contracts, TOPIC_ID, partition) for partition, _ in records
    }
    chains = {partition: place.fresh() for partition, place in places.items()}
    saved = {partition: nothing_saved(place) for partition, place in places.items()}
    topics: dict[int, dict[bytes, bytes]] = {partition: {} for partition in places}
    outputs: list[Output] = []
    for partition, value in records:
        chain = chains[partition]
        offset = chain.position.applied + 1
        outputs += singly(chain.take(value, TOPIC_ID, partition, offset))
        if every is not None and offset % every == every - 1:
            place, topic = places[partition], topics[partition]
            topic.update((record.key, record.value) for record in copy_chain(place, chain, saved[partition]).records())
            pages = {key: page for key, page in topic.items() if key != HEAD_KEY}
            chains[partition], saved[partition] = restore_chain(place, Head.from_bytes(topic[HEAD_KEY]), pages)
    return outputs


def compare(calm: list[Output], restored: list[Output]) -> None:
    assert [one.id for one in calm] == [one.id for one in restored]
    different = [one.id for one, other in zip(calm, restored, strict=True) if one != other]
    assert different == []


@pytest.mark.parametrize("every", [23, 60])
def test_metering_restored_after_every_few_records_writes_the_same(
    driver: FrameDriver, log: Log, metering: list[Output], every: int
) -> None:
    assert {output.topic for output in metering} >= {"readings", "determinants", "node-energy"}
    compare(metering, outputs_of(driver, "metering", log, every))


def test_losses_restored_after_every_few_records_writes_the_same(driver: FrameDriver, metering: list[Output]) -> None:
    energy = [(output.partition or 0, output.value) for output in metering if output.topic == "node-energy"]
    calm = outputs_of(driver, "losses", energy, None)
    assert len(calm) > 100
    compare(calm, outputs_of(driver, "losses", energy, 50))
