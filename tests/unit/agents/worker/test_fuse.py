"""The fuse between a bad deploy and `rejects`."""

from __future__ import annotations

import numpy as np
import pytest

from agents.worker.fuse import OURS, Fuse, counted, weight
from agents.worker.poison import CODE
from agents.worker.unreadable import RECORD_FRAMES, WHOLE
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import Fatal
from pipeline.step import Origin, Parcel, Tick
from tests.builders_frames import BLOCK_PLAIN, frame_batch


def test_few_rejects_pass_for_ever() -> None:
    fuse = Fuse(0.5, 100)
    for _ in range(1_000):
        fuse.count(50, 20)


def test_masses_of_rejects_stop_the_process() -> None:
    fuse = Fuse(0.5, 100)
    with pytest.raises(Fatal, match="TOO_MANY_REJECTS"):
        fuse.count(100, 51)


def test_a_handful_of_frames_proves_nothing() -> None:
    Fuse(0.5, 100).count(99, 99)


def test_good_times_do_not_hide_a_bad_deploy() -> None:
    fuse = Fuse(0.5, 100)
    for _ in range(10_000):
        fuse.count(100, 0)
    fuse.count(100, 100)
    with pytest.raises(Fatal, match="TOO_MANY_REJECTS"):
        fuse.count(100, 100)


def test_the_codes_are_known() -> None:
    assert set(REJECT_NUMBER) >= OURS


def test_a_record_that_cannot_be_read_weighs_like_many_frames_and_a_copy_nothing() -> None:
    assert [weight(CODE, WHOLE), weight(CODE, 3), weight("COUNTER_DUPLICATE", 3)] == [RECORD_FRAMES, 1, 0]


def test_frames_that_are_offered_again_do_not_count() -> None:
    batch, origin = frame_batch([BLOCK_PLAIN] * 7), Origin("log", 0, 0)
    assert counted(Parcel(origin, batch)) == 7
    assert counted(Parcel(origin, batch, requeued=np.ones(7, np.uint32))) == 0
    assert counted(Parcel(origin, tick=Tick(5, 0))) == 0
