"""Runs that several scenarios look at, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.scenarios import again, world
from tests.scenarios.world import Run

Runs = Callable[[int], Run]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("topologies")


@pytest.fixture(scope="session")
def faulty_fleet(folder: Path) -> Runs:
    """Seed -> two days of 150 meters with every fault on, through the shipped topology."""

    @cache
    def run(seed: int) -> Run:
        fed = world.feed(meters=150, days=2, seed=seed, network={"consumers_per_dt": 12, "dts_per_feeder": 4})
        return Run(fed, world.play(world.driver(folder), fed))

    return run


@pytest.fixture(scope="session")
def few_meters(folder: Path) -> Run:
    """Two days of 20 meters, for what is run many times."""
    fed = again.few_meters()
    return Run(fed, world.play(world.driver(folder), fed))
