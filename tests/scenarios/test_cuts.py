"""The same frames between the same ticks, cut into other batches and other partitions: the same rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Frames
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

CUTS = {
    "a frame a record": {"most": 1},
    "seven frames a record": {"most": 7},
    "one partition": {"partitions": 1},
    "twelve partitions": {"partitions": 12},
    "other meters first": {"shuffled": 1},
}


@pytest.fixture(scope="module")
def wanted(few_meters: Run) -> dict[str, Counter[str]]:
    """All frames of a slot in one record a partition, three partitions."""
    return rows.histories(few_meters.driver)


@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_rows_do_not_depend_on_how_frames_were_gathered(
    cut: dict[str, int], few_meters: Run, folder: Path, wanted: dict[str, Counter[str]]
) -> None:
    driver = world.driver(folder, partitions=cut.get("partitions", world.PARTITIONS))
    fed = shuffled(few_meters.fed) if cut.get("shuffled") else few_meters.fed
    found = rows.histories(world.play(driver, fed, most=cut.get("most")))
    assert all(len(history) > 10 for history in wanted.values())
    assert {table: different(wanted[table], found[table]) for table in wanted} == {table: [] for table in wanted}


def different(one: Counter[str], other: Counter[str]) -> list[str]:
    """Some of the rows that only one of them has."""
    return sorted((one - other) + (other - one))[:4]


def shuffled(fed: Feed) -> Feed:
    """The same, with the service points of each slot in a drawn order; each keeps the order of its own frames."""
    draw = np.random.default_rng(11)

    def mixed(frames: Frames) -> Frames:
        turn = draw.permutation(len(fed.truth.fleet.points))
        return frames.take(np.argsort(turn[frames.point], kind="stable"))

    return replace(fed, slots=[replace(slot, frames=mixed(slot.frames)) for slot in fed.slots])
