"""Rejects that a step hands on as columns are the same outputs as rejects that it hands on one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from agents.worker.fuse import OURS, weight_of
from agents.worker.poison import reported
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER
from pipeline.partitions import partition_of_key
from pipeline.rejects import Rejects
from pipeline.runtime.chain import Chain, Output, Prepared, RejectRun, singly
from pipeline.runtime.saved import Place
from pipeline.step import Advance, Emission, Origin, Parcel
from schemas.load import load_contracts
from tests.builders_records import records_of
from tests.faults.toy import ToyStep, no_references, toy_batch, toy_plan

CODES = ("DATA_MALFORMED", "COUNTER_DUPLICATE", "DECRYPT_FAILED", "KEY_UNKNOWN", "DATA_MALFORMED")
FRAMES = (1, 4, 5, 8, 19)
ORIGIN = Origin("id", 0, 7)


def rejects() -> Rejects:
    count = len(CODES)
    return Rejects(
        stage="decode", topic="frames", origin=ORIGIN, code=np.array([REJECT_NUMBER[code] for code in CODES], np.uint8),
        frame=np.array(FRAMES), service_point=np.arange(count, dtype=np.uint64),
        device=np.arange(count, dtype=np.uint64) * np.uint64(977), received_at=np.full(count, 1_700_000_000), time=None,
        detail=np.array([REJECT_BY_NUMBER[REJECT_NUMBER[code]].meaning.encode() for code in CODES]),
        raw=np.arange(3 * count, dtype=np.uint8), raw_length=np.full(count, 3),
    )  # fmt: skip


class Rejecting(ToyStep):
    """Rejects some frames of each parcel, as columns or one by one."""

    def __init__(self, *, columns: bool) -> None:
        super().__init__()
        self.columns = columns

    def advance(self, parcel: Parcel, store: Any, prepared: Any) -> Advance:
        emission = Emission("rejects", rejects())
        if not self.columns:
            records = records_of(emission)
            return Advance(parcel, [Emission("rejects", one, one["device"].encode()) for one in records])
        return Advance(parcel, [emission])


def chain(*, columns: bool) -> Chain:
    steps = (Rejecting(columns=columns),)
    return Place(
        toy_plan("app", "source", 1), steps, Prepared(steps, no_references), load_contracts(), "id", 0
    ).fresh()  # fmt: skip


def parcel() -> Parcel:
    return Parcel(ORIGIN, toy_batch(np.arange(1, 21, dtype=np.uint64)))


def test_a_run_of_rejects_holds_what_rejects_one_by_one_do() -> None:
    [run] = chain(columns=True).advance(parcel())
    one_by_one = chain(columns=False).advance(parcel())
    assert isinstance(run, RejectRun)
    partitions = toy_plan("app", "source", 1).stages[0].emits["rejects"].partitions
    placed = [replace(one, partition=partition_of_key(one.key, partitions)) for one in one_by_one]
    assert list(run.singly()) == placed
    assert [name.decode() for name in run.names()] == [one.id for one in placed if isinstance(one, Output)]
    assert [one.code for one in placed if isinstance(one, Output)] == list(CODES)


def test_the_fuse_counts_a_run_as_its_rejects() -> None:
    [run] = chain(columns=True).advance(parcel())
    assert weight_of(run) == sum(map(weight_of, chain(columns=False).advance(parcel())))
    assert weight_of(run) == sum(code in OURS for code in CODES) == 3


def test_what_steps_say_of_frames_that_were_emptied_for_them_is_left_out_of_a_run() -> None:
    for columns in (True, False):
        before = chain(columns=columns)
        found = list(singly(reported(before, parcel(), before.advance(parcel()), [4, 19, 11], "it died")))
        assert [(one.frame, one.index) for one in found[:3]] == [(1, 0), (5, 2), (8, 3)]
        assert [one.code for one in found[3:]] == ["POISON"] * 3
        assert [one.frame for one in found[3:]] == [4, 11, 19]
        assert len({one.id for one in found}) == len(found)


def test_a_run_of_which_nothing_is_left_is_none() -> None:
    before = chain(columns=True)
    assert not any(
        isinstance(one, RejectRun)
        for one in reported(before, parcel(), before.advance(parcel()), FRAMES, "it died")
    )  # fmt: skip


def test_the_fuse_counts_frames_however_many_of_their_rows_are_refused() -> None:
    numbers = [REJECT_NUMBER[code] for code in ("OFF_GRID", "IN_FUTURE", "OFF_GRID", "DUPLICATE_INTERVAL")]
    code, frame = np.repeat(np.array(numbers, np.uint8), 300), np.repeat(np.array([3, 3, 7, 9]), 300)
    [run] = chain(columns=True).advance(parcel())
    assert isinstance(run, RejectRun)
    assert weight_of(replace(run, index=np.arange(len(code)), code=code, frame=frame)) == 2
