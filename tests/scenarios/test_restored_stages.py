"""Every stage's state outlives its process: restored at any record, a chain writes what it would have written.

A change of state that a kernel does not mark is not in the checkpoint; this is where that shows, with the real stages
on a simulated fleet with all its faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.demo.command import demo_config
from cli.demo.embedded import MASTER_KEY, EmbeddedDemo
from cli.stages import fetch_references, make_steps
from cli.topology import read_plan
from connectors.simulator import Simulation, build_fleet
from pipeline.checkpoint import HEAD_KEY, Head
from pipeline.runtime.chain import Output, Prepared
from pipeline.runtime.saved import Place, copy_chain, nothing_saved, restore_chain
from pipeline.topology.plan import ChainPlan, Plan
from schemas.load import load_contracts

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = load_contracts()
LOG = "memory"


@dataclass
class Recorder:
    """Takes the place of the embedded runtime: keeps what connectors write."""

    records: list[tuple[int, bytes]] = field(default_factory=list)

    def append(self, _topic: str, partition: int, value: bytes, key: bytes = b"") -> None:
        self.records.append((partition, value))


@dataclass(frozen=True)
class Recorded:
    """A log of frames, and the versions that its control records name."""

    plan: Plan
    records: list[tuple[int, bytes]]
    versions: Any


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    plan = read_plan(ROOT / "topologies.yaml")
    simulation = Simulation(build_fleet(demo_config(meters=80, days=4, seed=3, faults="all")))
    demo = EmbeddedDemo(plan, simulation, CONTRACTS, None, "run", lambda frames: None)  # type: ignore[arg-type]
    recorder = Recorder()
    demo._embedded = recorder  # type: ignore[assignment]
    demo._deliver = lambda appended: None  # type: ignore[method-assign]
    for slot in simulation.slots():
        demo._slot(slot)
    return Recorded(plan, recorder.records, demo._references)


def outputs_of(
    recorded: Recorded, chain_plan: ChainPlan, records: list[tuple[int, bytes]], every: int | None
) -> list[Output]:
    """What the chain makes of the records of one log, each partition restored after every so many records."""
    steps = make_steps(chain_plan)
    prepared = Prepared(steps, fetch_references(recorded.versions, MASTER_KEY))
    places = {
        partition: Place(chain_plan, steps, prepared, CONTRACTS, LOG, partition) for partition, _ in records
    }  # fmt: skip
    chains = {partition: place.fresh() for partition, place in places.items()}
    saved = {partition: nothing_saved(place) for partition, place in places.items()}
    topics: dict[int, dict[bytes, bytes]] = {partition: {} for partition in places}
    outputs: list[Output] = []
    for partition, value in records:
        chain = chains[partition]
        offset = chain.position.applied + 1
        outputs += chain.take(value, LOG, partition, offset)
        if every is not None and offset % every == every - 1:
            place, topic = places[partition], topics[partition]
            for record in copy_chain(place, chain, saved[partition]).records():
                topic[record.key] = record.value
            pages = {key: page for key, page in topic.items() if key != HEAD_KEY}
            chains[partition], saved[partition] = restore_chain(place, Head.from_bytes(topic[HEAD_KEY]), pages)
    return outputs


def compare(calm: list[Output], restored: list[Output]) -> None:
    assert [one.id for one in calm] == [one.id for one in restored]
    different = [one.id for one, other in zip(calm, restored, strict=True) if one != other]
    assert different == []


@pytest.mark.parametrize("every", [23, 60])
def test_metering_restored_after_every_few_records_writes_the_same(recorded: Recorded, every: int) -> None:
    chain = recorded.plan.chain("metering")
    calm = outputs_of(recorded, chain, recorded.records, None)
    assert {output.topic for output in calm} >= {"readings", "determinants", "node-energy"}
    compare(calm, outputs_of(recorded, chain, recorded.records, every))


def test_losses_restored_after_every_few_records_writes_the_same(recorded: Recorded) -> None:
    metering = outputs_of(recorded, recorded.plan.chain("metering"), recorded.records, None)
    energy = [(output.partition or 0, output.value) for output in metering if output.topic == "node-energy"]
    chain = recorded.plan.chain("losses")
    calm = outputs_of(recorded, chain, energy, None)
    assert len(calm) > 100
    compare(calm, outputs_of(recorded, chain, energy, 50))
