"""A chain that was copied and restored goes on as the one that was not; copies and holes between stages are noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.checkpoint import HEAD_KEY, Head, check_log
from pipeline.errors import Fatal
from pipeline.runtime.chain import Chain, Output, Prepared
from pipeline.runtime.saved import Place, Saved, copy_chain, nothing_saved, restore_chain
from pipeline.state import Layout
from pipeline.step import Advance, Control, Origin, Parcel, Tick
from pipeline.wire import frames_record, stage_record
from schemas.load import load_contracts
from tests.faults.toy import ToyStep, no_references, toy_batch, toy_plan

CONTRACTS = load_contracts()
POINTS = np.arange(1, 400, dtype=np.uint64)


def place(step: Any = None, **changes: Any) -> Place:
    steps = (step or ToyStep(),)
    plan = replace(toy_plan("app", "source", 1), **changes)
    return Place(plan, steps, Prepared(steps, no_references), CONTRACTS, "source-id", 0)


def raw(seed: int) -> bytes:
    return frames_record(
        CONTRACTS,
        batch=toy_batch(np.random.default_rng(seed).choice(POINTS, 40)),
        tick=Tick(seed * 100, 10) if seed % 3 == 0 else None,
        control=Control({"registry": str(seed)}) if seed % 4 == 1 else None,
    )


def take(chain: Chain, seed: int) -> list[Output]:
    return chain.take(raw(seed), "source-id", 0, seed)


def saved_records(here: Place, chain: Chain, saved: Saved, topic: dict[bytes, bytes]) -> None:
    for record in copy_chain(here, chain, saved).records():
        topic[record.key] = record.value


def restored(here: Place, topic: Mapping[bytes, bytes]) -> tuple[Chain, Saved]:
    records = dict(topic)
    return restore_chain(here, Head.from_bytes(records.pop(HEAD_KEY)), records)


def test_a_restored_chain_gives_the_same_outputs_as_the_one_that_went_on() -> None:
    here, topic = place(), {}
    chain, saved = here.fresh(), nothing_saved(here)
    for seed in range(12):
        take(chain, seed)
        if seed % 4 == 3:
            saved_records(here, chain, saved, topic)
    other, other_saved = restored(here, topic)
    assert other.position == chain.position
    assert other_saved.sequence == saved.sequence
    for seed in range(12, 24):
        assert take(other, seed) == take(chain, seed)
        saved_records(here, other, other_saved, topic)
    assert restored(here, topic)[0].position == chain.position


def test_a_twin_changes_nothing_of_its_original() -> None:
    chain = place().fresh()
    take(chain, 0)
    twin = chain.twin()
    expected = take(chain.twin(), 1)
    for seed in (1, 2, 3):
        take(twin, seed)
    assert take(chain, 1) == expected


def test_each_output_has_a_name_of_its_own() -> None:
    chain = place().fresh()
    names = [output.id for seed in range(600) for output in take(chain, seed)]
    assert len(set(names)) == len(names) > 600


@pytest.fixture
def checkpoint() -> dict[bytes, bytes]:
    here, topic = place(), {}
    chain, saved = here.fresh(), nothing_saved(here)
    take(chain, 0)
    saved_records(here, chain, saved, topic)
    return topic


class OtherVersion(ToyStep):
    layout = Layout("toy", 2, ToyStep.layout.tables)


class OtherTables(ToyStep):
    layout = Layout("toy", 1, ToyStep.layout.tables[:1])


@pytest.mark.parametrize(
    ("elsewhere", "code"),
    [
        (place(OtherVersion()), "LAYOUT_OTHER"),
        (place(OtherTables()), "LAYOUT_OTHER"),
        (place(name="another"), "STATE_OTHER"),
        (replace(place(), partition=1), "STATE_OTHER"),
        (replace(place(), source_id="another"), "SOURCE_OTHER"),
    ],
)
def test_state_of_something_else_is_refused(elsewhere: Place, code: str, checkpoint: dict[bytes, bytes]) -> None:
    with pytest.raises(Fatal, match=code):
        restored(elsewhere, checkpoint)


def test_a_missing_page_record_is_refused(checkpoint: dict[bytes, bytes]) -> None:
    for key in set(checkpoint) - {HEAD_KEY}:
        with pytest.raises(Fatal, match=r"PAGE_MISSING|PAGES_OTHER"):
            restored(place(), {name: value for name, value in checkpoint.items() if name != key})


@pytest.mark.parametrize("head", [b"", b"{}", b"[1]", b'{"format": 2}', b"\xff"])
def test_an_unreadable_head_is_refused(head: bytes) -> None:
    with pytest.raises(Fatal, match="HEAD_UNREADABLE"):
        Head.from_bytes(head)


@pytest.mark.parametrize(("applied", "fits"), [(8, False), (9, True), (19, True), (20, False)])
def test_the_next_record_must_be_in_the_log_or_its_next(applied: int, fits: bool) -> None:
    if fits:
        check_log(applied, 10, 20, "here")
        return
    with pytest.raises(Fatal, match="LOG_OTHER"):
        check_log(applied, 10, 20, "here")


class Count(ToyStep):
    """Counts the parcels that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def advance(self, parcel: Parcel, store: Any, prepared: Any) -> Advance:
        self.seen.append(parcel.origin.offset)
        return Advance(parcel)


def staged(partition: int, offset: int, previous: int) -> bytes:
    parcel = Parcel(Origin("first", partition, offset), None, Tick(offset, 0))
    return stage_record(CONTRACTS, "NodeEnergy", parcel, previous)


def test_copies_between_stages_are_dropped_by_the_first_logs_offset() -> None:
    step = Count()
    chain = place(step, reads="NodeEnergy").fresh()
    sent = [(0, 5, -1), (1, 6, -1), (0, 7, 5), (0, 5, -1), (0, 7, 5), (1, 9, 6), (0, 8, 7)]
    for offset, (partition, origin, previous) in enumerate(sent):
        chain.take(staged(partition, origin, previous), "source-id", 0, offset)
    assert step.seen == [5, 6, 7, 9, 8]
    assert chain.position.applied == len(sent) - 1


def test_a_hole_between_stages_stops_the_process() -> None:
    chain = place(Count(), reads="NodeEnergy").fresh()
    chain.take(staged(0, 5, -1), "source-id", 0, 0)
    with pytest.raises(Fatal, match="ORIGIN_HOLE"):
        chain.take(staged(0, 9, 7), "source-id", 0, 1)


def test_what_was_received_is_part_of_the_checkpoint() -> None:
    step = Count()
    here, topic = place(step, reads="NodeEnergy"), {}
    chain, saved = here.fresh(), nothing_saved(here)
    chain.take(staged(0, 5, -1), "source-id", 0, 0)
    saved_records(here, chain, saved, topic)
    after, _ = restored(here, topic)
    after.take(staged(0, 5, -1), "source-id", 0, 1)
    after.take(staged(0, 6, 5), "source-id", 0, 2)
    assert step.seen == [5, 6]
