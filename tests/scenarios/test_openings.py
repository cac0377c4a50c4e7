"""Meters whose stamps open their interval, beside others: their readings are those of the time in which they flowed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from connectors.simulator.network import D1_OPENING
from pipeline.codes import Quality
from tests.scenarios import rows, world
from tests.scenarios.world import Run


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    fed = world.feed(meters=20, days=2, seed=4, faults="none,missing=0.02,late=0.02", shares={"opening": 0.5},
                     network={"consumers_per_dt": 10})  # fmt: skip
    return Run(fed, world.play(world.driver(folder), fed))


def test_a_frame_says_when_its_interval_began(run: Run) -> None:
    truth, frames = run.fed.truth, run.fed.frames
    config, template = truth.fleet.config, truth.fleet.devices.template[: len(truth.fleet.points)]
    assert 3 <= (template == D1_OPENING).sum() <= 17
    blocks = np.flatnonzero(frames.interval > 0)
    blocks = blocks[frames.kind[blocks] == 1]
    ends = config.start_time + frames.interval[blocks].astype(np.int64) * config.interval_secs
    early = ends - frames.stamp[blocks]
    assert (early == np.where(template[frames.point[blocks]] == D1_OPENING, config.interval_secs, 0)).all()


def test_readings_stand_in_the_interval_in_which_they_flowed_whatever_the_stamp(run: Run) -> None:
    truth, readings = run.fed.truth, run.readings
    energy = truth.billed(truth.energy.astype(np.int64))
    place = np.array([run.place[point] for point in readings["service_point"].tolist()])
    config = truth.fleet.config
    interval = (readings["interval_start"] - config.start_time) // config.interval_secs
    actual = readings["q"][:, 0] == Quality.ACTUAL
    assert actual.sum() > 1500
    assert (readings["energy"][actual] == energy[interval[actual], place[actual]]).all()


def test_days_of_both_meet_their_registers(run: Run) -> None:
    truth, days = run.fed.truth, run.days
    place = np.array([run.place[point] for point in days["day_service_point"].tolist()])
    day = np.array([run.day(start) for start in days["day_start"].tolist()])
    known = truth.known[day, place]
    flowed = truth.billed(truth.register_energy)[day, place]
    assert known.sum() > 30
    assert (days["day_actual"] + days["day_estimated"] == flowed)[known].all()
    assert (days["day_counts"][:, 1].sum(), days["day_counts"][:, 3].sum()) == (
        (rows.qualities(run.readings["quality"])[:, 0] == Quality.ESTIMATED).sum(), 0,
    )  # fmt: skip
