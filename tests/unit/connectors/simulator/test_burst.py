"""The fast generator against its formulas, an independent decryption and the real decoder."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.decode.step import DecodeStep
from connectors.simulator import Fault
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan, burst_keys, burst_registry
from connectors.simulator.burst_kernel import FRAME_OCTETS, frame_octets, ordered
from connectors.simulator.burst_truth import (
    burst_energy,
    burst_fault,
    burst_frames,
    burst_lag,
    burst_physical,
    burst_sent,
    burst_spike,
)
from connectors.simulator.network import FIRST_POINT
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import Flag
from pipeline.columns import pack, unpack
from pipeline.errors import ConfigError
from pipeline.lookup import partitions_of
from pipeline.reference import References
from pipeline.reference_codec import check_order
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from tests.builders_records import emitted
from tests.unit.connectors.simulator.reader import read, read_profile

PLAN = BurstPlan(meters=3_000, partitions=5, seed=11)
INTERVAL = 25  # ends at 12:30: rooftop plants export


def gathered(plan: BurstPlan, number: int, room: int = 100) -> list[tuple[int, FrameBatch]]:
    """Batches of what is sent when frame `number` is due, copied."""
    burst = Burst(plan)
    buffers = BurstBuffers(plan.partitions, room, plan.rows)
    try:
        return [(partition, unpack(FrameBatch, pack(batch))) for partition, batch in burst.batches(number, buffers)]
    finally:
        burst.close()


def frames_of(batch: FrameBatch) -> list[bytes]:
    ends = np.cumsum(batch.length.astype(np.int64))
    raw = batch.payload.tobytes()
    assert len(raw) == ends[-1]
    return [raw[end - length : end] for end, length in zip(ends.tolist(), batch.length.tolist(), strict=True)]


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 3000), st.integers(0, 2**63))
def test_the_order_of_an_interval_is_a_permutation(count: int, salt: int) -> None:
    assert sorted(ordered(place, count, np.uint64(salt)) for place in range(count)) == list(range(count))


def test_the_order_is_another_one_each_interval_and_scattered() -> None:
    first, second = (
        np.concatenate([batch.service_point for _, batch in gathered(PLAN, interval)]) for interval in (1, 2)
    )
    assert (first[:500] != second[:500]).mean() > 0.9
    assert np.median(np.abs(np.diff(first.astype(np.int64)))) > PLAN.meters / 10


def test_frames_open_with_the_cryptography_package_and_say_what_the_formula_says() -> None:
    meters = np.arange(PLAN.meters)
    sent, fault = burst_sent(PLAN, meters, INTERVAL), burst_fault(PLAN, meters, INTERVAL)
    physical, keys = burst_physical(PLAN, meters, INTERVAL), burst_keys(PLAN)
    copies: dict[int, list[bytes]] = defaultdict(list)
    for partition, batch in gathered(PLAN, INTERVAL):
        assert (partitions_of(batch.service_point, PLAN.partitions) == partition).all()
        for point, frame in zip(batch.service_point.tolist(), frames_of(batch), strict=True):
            copies[point - FIRST_POINT].append(frame)
    met: Counter[Fault] = Counter()
    for meter in meters.tolist():
        kind = Fault(int(fault[meter]))
        met[kind] += 1
        frames = copies[meter]
        assert len(frames) == {Fault.MISSING: 0, Fault.DUPLICATE: 2}.get(kind, 1)
        assert len(set(frames)) <= 1
        own = keys.encryption[meter].tobytes(), keys.authentication[meter].tobytes()
        if kind in (Fault.CORRUPT, Fault.WRONG_KEY):
            with pytest.raises(InvalidTag):
                read(frames[0], *own)
        elif kind is Fault.TRUNCATED:
            assert len(frames[0]) < FRAME_OCTETS
        elif kind is not Fault.MISSING:
            push = read(frames[0], *own)
            volts, taken, apparent, given, back, amperes, neutral, health = push.values
            assert [round(1000 * value) for value in (taken, apparent, given, back)] == sent[meter].tolist()
            assert [round(1000 * volts), round(1000 * amperes)] == physical[meter].tolist()
            assert (neutral, health) == (amperes, 0)
            assert (push.stamp, push.counter) == (PLAN.end_of(INTERVAL), INTERVAL)
            assert push.title == keys.device[meter]
            assert push.name == f"KVN{meter:06X}"
    assert set(met) == {Fault.NONE, Fault.MISSING, Fault.DUPLICATE, Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED,
                        Fault.SPIKE}  # fmt: skip


def test_decode_takes_the_batches_as_they_are() -> None:
    registry = burst_registry(PLAN)
    check_order(registry)
    step = DecodeStep()
    store, prepared = StateStore(step.layout, range(512)), step.prepare(References(registry, burst_keys(PLAN), {}))
    rejects: Counter[str] = Counter()
    total = 0
    for offset, (partition, batch) in enumerate(gathered(PLAN, INTERVAL)):
        advance = step.advance(Parcel(Origin("t", partition, offset), batch), store, prepared)
        rejects.update(record["code"] for record in emitted(advance))
        decoded = advance.parcel.batch
        assert isinstance(decoded, DecodedBatch)
        meters = (decoded.service_point - np.uint64(FIRST_POINT)).astype(np.int64)
        assert (decoded.energy == burst_sent(PLAN, meters, INTERVAL)).all()
        total += len(decoded.frame)
    fault = Counter(burst_fault(PLAN, np.arange(PLAN.meters), INTERVAL).tolist())
    assert rejects == {
        "COUNTER_DUPLICATE": fault[Fault.DUPLICATE], "FRAME_TRUNCATED": fault[Fault.TRUNCATED],
        "DECRYPT_FAILED": fault[Fault.CORRUPT] + fault[Fault.WRONG_KEY],
    }  # fmt: skip
    assert total + rejects.total() == burst_frames(PLAN, INTERVAL)


def test_about_a_hundredth_is_at_fault_and_none_without_faults() -> None:
    meters = np.arange(200_000)
    assert 0.009 < (burst_fault(PLAN, meters, 3) != Fault.NONE).mean() < 0.011
    clean = BurstPlan(meters=500, partitions=2, faults=False)
    assert sum(len(batch.length) for _, batch in gathered(clean, 1)) == 500 == burst_frames(clean, 1)
    assert (burst_sent(clean, meters, 3) == burst_energy(clean, meters, 3)).all()


def test_energies_differ_from_meter_to_meter_and_from_interval_to_interval() -> None:
    meters = np.arange(10_000)
    first, second = burst_energy(PLAN, meters, 40), burst_energy(PLAN, meters, 41)
    assert (first != second).any(axis=1).mean() > 0.95
    assert len(np.unique(first, axis=0)) > 5_000


def test_a_full_buffer_stops_the_filling_and_nothing_is_lost() -> None:
    batches = gathered(PLAN, 2, room=7)
    assert max(len(batch.length) for _, batch in batches) <= 7
    assert sum(len(batch.length) for _, batch in batches) == burst_frames(PLAN, 2)


# ------------------------------------------------------------------------------------------------ late pushes

LATE = replace(PLAN, meters=600, late_permille=200, first=3)


def test_a_late_push_is_sent_intervals_later_as_it_was_and_behind_the_meters_own() -> None:
    meters, keys = np.arange(LATE.meters), burst_keys(LATE)
    sent = {number: burst_sent(LATE, meters, number) for number in range(1, 9)}
    lag = {number: burst_lag(LATE, meters, number) for number in range(1, 9)}
    readable = {
        number: ~np.isin(burst_fault(LATE, meters, number), [Fault.MISSING, Fault.CORRUPT, Fault.WRONG_KEY,
                                                             Fault.TRUNCATED])
        for number in range(1, 9)
    }  # fmt: skip
    for interval in range(3, 9):
        told: dict[int, list[int]] = defaultdict(list)
        for _, batch in gathered(LATE, interval):
            assert (batch.received_at >= LATE.end_of(interval)).all()
            assert (batch.received_at < LATE.end_of(interval + 1)).all()
            for point, frame in zip(batch.service_point.tolist(), frames_of(batch), strict=True):
                meter = point - FIRST_POINT
                own = keys.encryption[meter].tobytes(), keys.authentication[meter].tobytes()
                if burst_fault(LATE, meters[[meter]], interval)[0] in (
                    Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED,
                ) and not told[meter]:  # fmt: skip
                    told[meter].append(0)
                    continue
                push = read(frame, *own)
                assert push.stamp == LATE.end_of(push.counter)
                assert [round(1000 * value) for value in push.values[1:5]] == sent[push.counter][meter].tolist()
                told[meter].append(push.counter)
        for meter in meters.tolist():
            # Newest first; what was due before the first interval never comes.
            due = [
                number for number in range(interval, max(interval - 4, LATE.first - 1), -1)
                if readable[number][meter] and lag[number][meter] == interval - number
            ]  # fmt: skip
            assert sorted({number for number in told[meter] if number}, reverse=True) == due
            assert [number for number in told[meter] if number] == sorted(filter(None, told[meter]), reverse=True)


def test_a_fifth_of_the_pushes_is_late_by_one_to_three_intervals_when_the_plan_says_so() -> None:
    meters = np.arange(50_000)
    lag, fault = burst_lag(LATE, meters, 7), burst_fault(LATE, meters, 7)
    assert 0.19 < (lag > 0).mean() < 0.21
    assert set(lag.tolist()) == {0, 1, 2, 3}
    assert all(0.3 < (lag[lag > 0] == one).mean() < 0.37 for one in (1, 2, 3))
    assert (lag[fault != Fault.NONE] == 0).all()
    assert not burst_lag(PLAN, meters, 7).any()


def test_decode_takes_late_pushes_and_flags_those_that_a_newer_counter_came_before() -> None:
    step = DecodeStep()
    references = References(burst_registry(LATE), burst_keys(LATE), {})
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references)
    flagged: Counter[tuple[bool, bool]] = Counter()
    newest = np.zeros(LATE.meters, np.int64)
    for offset, interval in enumerate(range(3, 9)):
        for partition, batch in gathered(LATE, interval, room=10_000):
            parcel = Parcel(Origin("t", partition, 10 * offset), batch)
            decoded = step.advance(parcel, store, prepared).parcel.batch
            assert isinstance(decoded, DecodedBatch)
            meters = (decoded.service_point - np.uint64(FIRST_POINT)).astype(np.int64).tolist()
            for meter, counter, flags in zip(meters, decoded.counter.tolist(), decoded.flags.tolist(), strict=True):
                assert bool(flags & Flag.COUNTER_LATE) == (counter < newest[meter])
                flagged[bool(counter < newest[meter]), counter < interval] += 1
                newest[meter] = max(newest[meter], counter)
    assert flagged[True, True] > 200
    assert flagged[False, True] > 0  # the meter's own push was lost or late as well
    assert flagged[True, False] == 0


@pytest.mark.parametrize("room", [7, 10_000])
def test_frames_of_an_interval_with_late_ones_are_counted_and_none_is_lost(room: int) -> None:
    for interval in (3, 4, 9):
        assert sum(len(batch.length) for _, batch in gathered(LATE, interval, room)) == burst_frames(LATE, interval)


# ------------------------------------------------------------------------------------------------ profiles

PROFILES = BurstPlan(meters=900, partitions=3, seed=11, rows=48)
LOST = (Fault.MISSING, Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED)


@pytest.mark.parametrize(("rows", "secs"), [(48, 1800), (96, 900), (2, 1800)])
def test_a_profile_says_what_the_formula_says_of_each_of_its_intervals(rows: int, secs: int) -> None:
    plan = replace(PROFILES, rows=rows, interval_secs=secs, meters=300)
    meters, keys, frame = np.arange(plan.meters), burst_keys(plan), 2
    fault = burst_fault(plan, meters, frame)
    intervals = range((frame - 1) * rows + 1, frame * rows + 1)
    sent = [burst_sent(plan, meters, interval) for interval in intervals]
    physical = [burst_physical(plan, meters, interval) for interval in intervals]
    seen = set()
    for _, batch in gathered(plan, frame):
        assert (batch.received_at >= plan.end_of(frame * rows)).all()
        for point, raw in zip(batch.service_point.tolist(), frames_of(batch), strict=True):
            meter = point - FIRST_POINT
            if fault[meter] in LOST:
                continue
            opened = read_profile(raw, keys.encryption[meter].tobytes(), keys.authentication[meter].tobytes())
            assert (opened.counter, opened.title, opened.name) == (frame, keys.device[meter], f"KVN{meter:06X}")
            assert opened.stamps == [plan.end_of(intervals[0])] + [None] * (rows - 1)
            assert len(raw) == frame_octets(rows)
            for row, values in enumerate(opened.rows):
                volts, taken, apparent, given, back, amperes, neutral, health = values
                assert [round(1000 * v) for v in (taken, apparent, given, back)] == sent[row][meter].tolist()
                assert [round(1000 * volts), round(1000 * amperes)] == physical[row][meter].tolist()
                assert (neutral, health) == (amperes, 0)
            seen.add(meter)
    assert seen == set(np.flatnonzero(~np.isin(fault, LOST)).tolist())


def test_a_spike_is_in_one_row_of_its_frame_and_each_row_may_have_it() -> None:
    plan, meters = replace(PROFILES, meters=40_000), np.arange(40_000)
    spikes = np.stack([burst_spike(plan, meters, interval) for interval in range(49, 97)])
    assert (spikes.sum(axis=0) == (burst_fault(plan, meters, 2) == Fault.SPIKE)).all()
    assert spikes.any(axis=1).sum() > 20


def test_decode_takes_profiles_as_they_are() -> None:
    references = References(burst_registry(PROFILES), burst_keys(PROFILES), {})
    step = DecodeStep()
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references)
    rejects: Counter[str] = Counter()
    taken = 0
    for offset, (partition, batch) in enumerate(gathered(PROFILES, 3)):
        advance = step.advance(Parcel(Origin("t", partition, offset), batch), store, prepared)
        rejects.update(record["code"] for record in emitted(advance))
        decoded = advance.parcel.batch
        assert isinstance(decoded, DecodedBatch)
        meters = (decoded.service_point - np.uint64(FIRST_POINT)).astype(np.int64).reshape(-1, 48)
        assert (meters == meters[:, :1]).all()
        assert (decoded.time.reshape(-1, 48) == [PROFILES.end_of(number) for number in range(97, 145)]).all()
        for row in range(48):
            assert (decoded.energy[row::48] == burst_sent(PROFILES, meters[:, 0], 97 + row)).all()
        taken += len(meters)
    fault = Counter(burst_fault(PROFILES, np.arange(PROFILES.meters), 3).tolist())
    assert rejects == {
        code: count for code, count in (
            ("COUNTER_DUPLICATE", fault[Fault.DUPLICATE]), ("FRAME_TRUNCATED", fault[Fault.TRUNCATED]),
            ("DECRYPT_FAILED", fault[Fault.CORRUPT] + fault[Fault.WRONG_KEY]),
        ) if count
    }  # fmt: skip
    assert taken + rejects.total() == burst_frames(PROFILES, 3)


def test_profiles_that_come_late_are_refused() -> None:
    with pytest.raises(ConfigError, match="BURST_IMPOSSIBLE"):
        replace(PROFILES, late_permille=1)
