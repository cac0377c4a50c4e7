"""Live pushes of the fault bench: framing, what has arrived how often, and frames mixed into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bench.faults import arrivals as arrivals_module
from bench.faults.arrivals import Arrivals
from bench.faults.poisoned import KILLER, POISON, FailingDecode
from bench.faults.push import Pushes, pushes_of, wrapped
from bench.faults.ways.poison import OCTETS, mixed
from connectors.gather.kernels import cut_wrapper
from connectors.simulator import Fault
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan
from connectors.simulator.burst_kernel import title_of
from connectors.simulator.burst_truth import burst_fault, burst_frames
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from pipeline.wire import frames_record
from schemas.load import load_contracts

PLAN = BurstPlan(3_000, 1, late_permille=50, first=3)
NUMBERS = range(3, 7)


@pytest.fixture
def burst() -> Iterator[Burst]:
    one = Burst(PLAN)
    yield one
    one.close()


class NoConsumer:
    """Reads nothing: tests hand records over themselves."""

    def __init__(self, _settings: Any) -> None:
        pass

    def assign(self, _places: Any) -> None:
        pass


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    monkeypatch.setattr(arrivals_module, "Consumer", NoConsumer)
    topic: Any = type("Topic", (), {"name": "frames", "partitions": 0})
    return Arrivals("nowhere:1", topic, load_contracts(), PLAN, NUMBERS)


def record(pushes: Pushes, *, over_tcp: bool = False) -> bytes:
    octets, length = pushes.octets, pushes.length
    if over_tcp:
        octets, length = np.frombuffer(wrapped(pushes)[0], np.uint8), pushes.length + np.uint32(8)
    ones = np.ones(len(pushes), np.int64)
    return frames_record(
        load_contracts(), batch=FrameBatch(ones.astype(np.uint64), pushes.device, ones, length, octets)
    )


def test_the_pushes_of_an_interval_are_all_that_is_due_then(burst: Burst) -> None:
    pushes = pushes_of(burst, 5)
    assert len(pushes) == burst_frames(PLAN, 5) == len(pushes.frames())
    assert set(np.unique(pushes.counter).tolist()) == {3, 4, 5}
    chosen = pushes.of(pushes.counter == 4)
    assert chosen.frames() == [
        frame for frame, counter in zip(pushes.frames(), pushes.counter.tolist(), strict=True) if counter == 4
    ]


def test_the_stream_is_cut_into_the_same_frames(burst: Burst) -> None:
    pushes = pushes_of(burst, 4)
    stream, starts = wrapped(pushes)
    offsets, lengths = np.empty(len(pushes) + 1, np.int64), np.empty(len(pushes) + 1, np.uint32)
    octets = np.frombuffer(stream, np.uint8)
    frames, used, code = cut_wrapper(octets, 0, len(octets), 4096, offsets, lengths)
    assert (frames, used, code) == (len(pushes), len(stream), 0)
    assert offsets[:frames].tolist() == starts.tolist()
    assert [stream[at + 8 : at + size] for at, size in zip(offsets[:frames].tolist(), lengths.tolist(), strict=False)] \
        == pushes.frames()  # fmt: skip


@pytest.mark.parametrize("over_tcp", [False, True])
def test_what_has_not_arrived_is_missing_as_often_as_it_lacks(burst: Burst, arrivals: Arrivals, over_tcp: bool) -> None:
    pushes = pushes_of(burst, 3)
    arrivals.want(pushes)
    assert arrivals.missing(pushes).all()
    first = np.arange(len(pushes)) % 3 > 0
    arrivals._take(record(pushes.of(first), over_tcp=over_tcp))
    missing = arrivals.missing(pushes)
    assert missing.sum() == (~first).sum()
    with pytest.raises(Fatal, match="PUSH_LOST"):
        arrivals.copies()
    arrivals._take(record(pushes.of(missing), over_tcp=over_tcp))
    assert not arrivals.missing(pushes).any()
    assert arrivals.copies() == {}
    assert [arrivals.over_tcp, arrivals.over_mqtt] == ([len(pushes), 0] if over_tcp else [0, len(pushes)])


def test_copies_are_counted_by_what_they_meet(burst: Burst, arrivals: Arrivals) -> None:
    pushes = pushes_of(burst, 3)
    arrivals.want(pushes)
    for _ in range(2):
        arrivals._take(record(pushes))
    fault = burst_fault(PLAN, np.arange(PLAN.meters), 3)
    unreadable = int(np.isin(fault, [Fault.CORRUPT, Fault.WRONG_KEY]).sum())
    cut = int((fault == Fault.TRUNCATED).sum())
    assert unreadable
    assert cut
    assert arrivals.copies() == {
        "DECRYPT_FAILED": unreadable, "FRAME_TRUNCATED": cut, "COUNTER_DUPLICATE": len(pushes) - unreadable - cut,
    }  # fmt: skip


def test_strangers_and_records_that_are_none_do_not_count(burst: Burst, arrivals: Arrivals) -> None:
    pushes = pushes_of(burst, 3)
    strange = Pushes(pushes.device + np.uint64(PLAN.meters), pushes.counter, pushes.length, pushes.octets)
    for raw in (record(strange), b"", b"no Avro", record(pushes)[:50]):
        arrivals._take(raw)
    assert not arrivals.counts.any()


def test_mixing_leaves_the_other_frames_as_they_are(burst: Burst) -> None:
    buffers = BurstBuffers(1, 4_000)
    (_, batch), *_ = burst.batches(3, buffers)
    places = np.sort(np.random.default_rng(1).integers(0, len(batch.length), 40))
    found = mixed(batch, POISON, places)
    kept = found.device != np.uint64(POISON)
    assert (~kept).sum() == 40
    assert (found.length[~kept] == OCTETS).all()
    for name in ("service_point", "device", "received_at", "length"):
        assert (getattr(found, name)[kept] == getattr(batch, name)).all()
    assert (found.payload[np.repeat(kept, found.length)] == batch.payload).all()


def test_the_step_fails_at_a_marked_frame_until_it_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda _pid, number: killed.append(number))
    monkeypatch.setattr("agents.decode.step.DecodeStep.advance", lambda *_: "advanced")
    store: Any = StateStore
    step = FailingDecode()

    def advance(device: int, length: int) -> Any:
        one = np.ones(1, np.int64)
        devices = np.array([device], np.uint64)
        batch = FrameBatch(
            one.astype(np.uint64), devices, one, np.array([length], np.uint32), np.zeros(length, np.uint8)
        )
        return step.advance(Parcel(Origin("t", 0, 0), batch), store, None)

    with pytest.raises(ZeroDivisionError):
        advance(POISON, 4)
    assert advance(KILLER, 4) == "advanced"
    assert len(killed) == 1
    assert advance(POISON, 0) == advance(KILLER, 0) == advance(int(title_of(np.ones(1))[0]), 4) == "advanced"
    assert len(killed) == 1
