"""One topology in one worker, or cut apart by topics: the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.testing import FrameDriver
from tests.scenarios import rows, world
from tests.scenarios.conftest import Runs
from tests.scenarios.world import Run

PLAIN = ("events", "determinants", "losses", "rejects", "parked", "node-energy")
"""Topics of records that no chain of either run is cut at."""


def both_cut(text: str) -> str:
    return text


def decode_cut(text: str) -> str:
    return text.replace("vee: {to: readings}", "vee: {}").replace("    to:\n", "    to:\n      readings: readings\n", 1)


def vee_cut(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("  decoded:")]
    return "\n".join(lines).replace("decode: {to: decoded, ", "decode: {")


CUTS: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "decode and vee": (both_cut, ("metering.decode", "metering.vee", "metering.rating", "losses")),
    "decode": (decode_cut, ("metering.decode", "metering.vee", "losses")),
    "vee": (vee_cut, ("metering.decode", "metering.rating", "losses")),
}


@pytest.fixture(scope="module", params=CUTS, ids="cut after {}".format)
def cut(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def fused(cut: str, faulty_fleet: Runs, few_meters: Run) -> Run:
    return faulty_fleet(1) if cut == "decode and vee" else few_meters


@pytest.fixture(scope="module")
def split(cut: str, fused: Run, folder: Path) -> FrameDriver:
    change, chains = CUTS[cut]
    driver = world.driver(folder, file=world.SPLIT, change=change, references=fused.driver.references)
    assert tuple(chain.name for chain in driver.plan.chains) == chains
    return world.play(driver, fused.fed)


def test_the_source_holds_the_same_log(fused: Run, split: FrameDriver) -> None:
    assert split.log == fused.driver.log


def test_every_record_that_leaves_the_topology_has_the_same_bytes(fused: Run, split: FrameDriver) -> None:
    wanted = world.values(fused.driver, PLAIN)
    assert all(wanted.values())
    assert world.values(split, PLAIN) == wanted


def test_readings_have_the_same_bytes_but_for_the_record_that_came_before(fused: Run, split: FrameDriver) -> None:
    # A topic that another stage reads holds ticks and controls too, so the record before is another one.
    wanted, found = filled(fused.driver), filled(split)
    assert len(wanted) > 100
    assert found == wanted


def filled(driver: FrameDriver) -> list[tuple[int, Mapping[str, Any]]]:
    """(partition, fields) of the readings' records that hold rows."""
    records = [(one.partition, driver.contracts.decode(one.value)) for one in driver.bytes_of("readings")]
    kept = [record for record in records if any(record[1][name] for name in ("service_point", "day_service_point"))]
    return [
        (partition, {name: value for name, value in fields.items() if name != "previous_offset"})
        for partition, fields in kept
    ]


def test_rows_in_order_of_service_point_and_interval_are_the_same(fused: Run, split: FrameDriver) -> None:
    for name, keys in (
        ("reading", ("service_point", "interval_start", "revision")),
        ("settlement", ("day_service_point", "day_start", "day_revision")),
        ("snapshot", ("snapshot_service_point", "snapshot_time", "snapshot_revision")),
    ):
        wanted = rows.in_order(rows.section(fused.driver, "readings", name), keys)
        found = rows.in_order(rows.section(split, "readings", name), keys)
        assert len(wanted[keys[0]]) > 0
        assert rows.differences(wanted, found) == []
