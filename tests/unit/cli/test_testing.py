"""The driver for tests of topologies: what it refuses, and what it keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.stages import make_steps
from cli.testing import FrameDriver, topology_driver
from cli.topology import read_plan
from pipeline.batch import FrameBatch
from pipeline.columns import empty
from pipeline.errors import ConfigError
from pipeline.reference import FOREVER, KeyRing, Registry
from pipeline.runtime.references import empty_registry
from pipeline.testing import TopologyDriver
from schemas.load import load_contracts
from tests.builders_frames import block, sealed

ROOT = Path(__file__).parents[3]
DEVICE = int.from_bytes(b"KVN\x00\x00\x00\x00\x01", "big")
FRAME = bytes.fromhex("0001 0001 0040 0010 DB 08") + DEVICE.to_bytes(8, "big") + bytes(6)


@pytest.fixture
def driver() -> FrameDriver:
    return topology_driver(ROOT / "topologies.yaml")


def registry(*devices: int) -> Registry:
    made = empty_registry()
    for column in Registry.COLUMNS:
        setattr(made, column.name, column.empty({"link": len(devices), "point": len(devices)}.get(column.section, 0)))
    made.device[:], made.service_point[:] = sorted(devices), np.arange(len(devices)) + 1
    made.valid_to[:], made.point[:], made.point_to[:] = FOREVER, made.service_point, FOREVER
    made.interval_secs[:] = 1800
    return made


def test_a_topic_that_the_topology_does_not_have_is_refused_by_name(driver: FrameDriver) -> None:
    with pytest.raises(ConfigError, match=r"TOPIC_UNKNOWN at bills.*determinants"):
        driver.records("bills")


def test_a_source_that_no_chain_reads_is_refused_by_name() -> None:
    plan = read_plan(ROOT / "topologies.yaml")
    with pytest.raises(ConfigError, match=r"SOURCE_UNKNOWN at readings.*frames"):
        TopologyDriver(plan, make_steps, load_contracts(), source="readings")
    assert TopologyDriver(plan, make_steps, load_contracts()).source.name == "frames"


def test_frames_before_a_registry_are_refused(driver: FrameDriver) -> None:
    with pytest.raises(ValueError, match="registry"):
        driver.frame(FRAME, 0)


def test_what_is_put_in_force_stays_until_something_else_is(driver: FrameDriver) -> None:
    keys = KeyRing(np.array([DEVICE], np.uint64), np.zeros((1, 16), np.uint8), np.zeros((1, 16), np.uint8))
    first = driver.put_in_force(registry=registry(DEVICE), keys=keys)
    second = driver.put_in_force(registry=registry(DEVICE, DEVICE + 1))
    assert set(first.versions) == {"registry", "keys"}
    assert set(second.versions) == {"registry"}
    chain = driver.runtime.chain(driver.plan.chain("metering"), 0)
    assert chain.position.versions == {**first.versions, **second.versions}
    assert len(driver.log) == 2 * driver.source.partitions


def test_a_frame_of_an_unknown_device_waits_until_the_registry_knows_it(driver: FrameDriver) -> None:
    driver.put_in_force(registry=registry(DEVICE + 1))
    driver.frame(FRAME, 7)
    assert [aside.raw for aside in driver.parked] == [FRAME]
    assert [record["code"] for record in driver.records("parked")] == ["DEVICE_UNKNOWN"]
    assert driver.records("rejects") == []
    driver.put_in_force(registry=registry(DEVICE, DEVICE + 1))
    assert driver.parked == []
    (reject,) = driver.records("rejects")
    # With the time at which it first came.
    assert (reject["stage"], reject["device"], reject["received_at"]) == ("decode", f"{DEVICE:016X}", 7)
    assert reject["detail"].endswith("; requeued 1")


def test_rejected_frames_are_offered_again_when_they_may_be_taken(driver: FrameDriver) -> None:
    driver.put_in_force(registry=registry(DEVICE))
    driver.frame(FRAME, 7)
    assert driver.requeue() == 0
    driver.frame(sealed(block(), 1, DEVICE), 8)
    assert driver.requeue() == 1
    found = [(record["code"], record["received_at"]) for record in driver.records("rejects")]
    assert found == [("DATA_MALFORMED", 7), ("KEY_UNKNOWN", 8), ("KEY_UNKNOWN", 8)]


def test_a_frame_that_no_connector_can_use_is_a_reject_with_its_bytes(driver: FrameDriver) -> None:
    driver.put_in_force(registry=registry(DEVICE))
    driver.frame(b"\x00\x09" + FRAME[2:], 7)
    (written,) = driver.written("rejects")
    assert isinstance(written.value, dict)
    assert (written.value["code"], written.value["raw"]) == ("WRAPPER_VERSION", b"\x00\x09" + FRAME[2:])
    assert written.appended.partition == driver.plan.topics["rejects"].partitions


def test_a_replay_needs_the_references_of_the_log(driver: FrameDriver) -> None:
    driver.put_in_force(registry=registry(DEVICE))
    driver.send(0, empty(FrameBatch))
    driver.tick(1_750_000_000, 1800)
    other = topology_driver(ROOT / "topologies.yaml", references=driver.references)
    other.replay(driver.log)
    assert other.log == driver.log
    assert len(other.parcels("node-energy")) == len(driver.parcels("node-energy")) > 0
