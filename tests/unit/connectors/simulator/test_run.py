"""A run as a whole: the same from the same seed, books that close, every fault once at least."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from connectors.simulator import FAULTS, Arrival, Fault, Fleet, Simulation, SimulatorConfig, Truth, build_fleet
from connectors.simulator.columns import NEVER
from connectors.simulator.faults import DAMAGED
from connectors.simulator.pushes import NEGATIVE_MODELS as FLOAT_MODELS
from pipeline.codes import Kind, Role
from pipeline.reference import FOREVER
from pipeline.reference_codec import check_order, registry_to_bytes
from pipeline.templates import template_arrays

SMALL = SimulatorConfig(meters=260, days=2, seed=7)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build_fleet(SMALL)


@pytest.fixture(scope="module")
def truth(fleet: Fleet) -> Truth:
    return Simulation(fleet).truth()


def digest(config: SimulatorConfig) -> str:
    fleet, whole = build_fleet(config), hashlib.sha256()
    for slot in Simulation(fleet).slots():
        whole.update(slot.frames.payload.tobytes())
        whole.update(slot.frames.received_at.tobytes())
        if slot.registry is not None:
            whole.update(registry_to_bytes(slot.registry))
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() -> None:
    config = SMALL.model_copy(update={"meters": 60, "days": 1})
    assert digest(config) == digest(config)
    assert digest(config) != digest(config.model_copy(update={"seed": 8}))


def test_every_fault_occurs_when_all_are_on(truth: Truth) -> None:
    assert [name for name, counts in truth.faults.items() if counts["hit"] == 0] == []
    # Of these there is no frame that carries them.
    silent = {"missing", "missing_daily", "rollover", "theft", "swap"}
    assert {name for name, counts in truth.faults.items() if counts["frames"] == 0} == silent


def test_no_fault_occurs_when_none_is_on() -> None:
    fleet = build_fleet(SimulatorConfig(meters=60, days=1, faults="none"))  # type: ignore[arg-type]
    simulation = Simulation(fleet)
    faults = {int(fault) for slot in simulation.slots() for fault in slot.frames.fault}
    truth = simulation.truth()
    assert faults == {Fault.NONE}
    assert {counts["hit"] for counts in truth.faults.values()} == {0}
    assert truth.expected_rejects == {}
    assert (truth.arrival == Arrival.IN_TIME).all()
    assert (truth.register_arrival == Arrival.IN_TIME).all()
    assert (truth.nodes.loss_wh == truth.nodes.technical_wh).all()
    assert (truth.nodes.technical_wh.sum(axis=0) > 0).all()


def test_a_fault_carries_the_reject_that_it_must_meet(fleet: Fleet) -> None:
    kinds = {row.fault: row for row in FAULTS}
    for slot in Simulation(fleet).slots():
        frames = slot.frames
        for row in np.flatnonzero(frames.fault != Fault.NONE).tolist():
            kind = kinds[Fault(int(frames.fault[row]))]
            assert frames.expected_reject[row] == kind.expects(mqtt=frames.transport[row] == 3)
        assert not frames.expected_reject[frames.fault == Fault.NONE].any()


def test_truth_is_the_same_whether_or_not_the_frames_were_made(fleet: Fleet, truth: Truth) -> None:
    simulation = Simulation(fleet)
    sent = sum(len(slot.frames) for slot in simulation.slots())
    after = simulation.truth()
    assert sent == after.frames == truth.frames
    assert (after.arrival == truth.arrival).all()
    assert after.faults == truth.faults


def test_intervals_add_up_to_the_registers_of_every_day(fleet: Fleet, truth: Truth) -> None:
    days = truth.energy.reshape(SMALL.days, SMALL.slots_per_day, -1, 4).sum(axis=1, dtype=np.int64)
    assert (days == truth.register_energy).all()
    stayed = (fleet.spells.swap_slot == NEVER) & (fleet.spells.rollover == 0)
    shown = np.diff(truth.registers, axis=0)
    assert (shown[:, stayed] == truth.register_energy[:, stayed]).all()
    turned = fleet.spells.rollover == 1
    modulus = template_arrays().modulus[fleet.points.template[turned]][None, :, None]
    assert (shown[:, turned, 0] < 0).any()
    assert (shown[:, turned] % modulus == truth.register_energy[:, turned]).all()


def test_the_registers_of_an_exchange_bridge_the_day(fleet: Fleet, truth: Truth) -> None:
    last = fleet.registry_versions[-1][1]
    swapped = np.flatnonzero(fleet.spells.swap_slot < NEVER)
    assert len(swapped)
    for point in swapped.tolist():
        rows = np.flatnonzero(last.service_point == fleet.points.id[point])
        old, new = sorted(rows.tolist(), key=lambda row: int(last.valid_from[row]))
        assert last.exchange[[old, new]].tolist() == [2, 1]
        boundary = SMALL.start_time + int(fleet.spells.swap_slot[point]) * SMALL.interval_secs
        assert last.valid_to[old] == last.valid_from[new] == boundary
        assert last.valid_to[new] == FOREVER
        before = last.closing[old] - truth.registers[0, point]
        after = truth.registers[-1, point] - last.opening[new]
        assert (before + after).tolist() == truth.register_energy[:, point].sum(axis=0).tolist()


def test_what_a_node_takes_in_is_what_it_gives_out_and_loses(fleet: Fleet, truth: Truth) -> None:
    nodes, points = truth.nodes, fleet.points
    parts = nodes.technical_wh + nodes.theft_wh + nodes.unregistered_wh + nodes.backward_wh
    assert (nodes.input_wh == nodes.output_wh + parts).all()
    billed = truth.billed(truth.energy)
    consumers = (points.role == Role.CONSUMER) & (fleet.spells.known_slot < NEVER)
    for row, meter in enumerate(fleet.network.dt_point.tolist()):
        below = consumers & (points.dt == row)
        assert (nodes.input_wh[:, row] == billed[:, meter, 0] - billed[:, meter, 2]).all()
        assert (nodes.output_wh[:, row] == (billed[:, below, 0] - billed[:, below, 2]).sum(axis=1)).all()
    share = nodes.technical_wh.sum(axis=0) / nodes.input_wh.sum(axis=0)
    assert (share > 0.005).all()
    assert (share < 0.15).all()
    assert nodes.theft_wh.sum() > 0
    assert nodes.unregistered_wh.sum() > 0
    assert nodes.backward_wh.sum() > 0


def test_arrivals_in_the_books_are_those_of_the_frames(fleet: Fleet, truth: Truth) -> None:
    came = np.zeros_like(truth.arrival)
    for slot in Simulation(fleet).slots():
        frames = slot.frames
        good = (frames.kind == Kind.BLOCK) & (frames.expected_reject == 0)
        came[frames.interval[good] - 1, frames.point[good]] = 1
    usable = np.isin(truth.arrival, (Arrival.IN_TIME, Arrival.LATE, Arrival.ALTERED))
    assert (came.astype(bool) == usable).all()
    assert set(np.unique(truth.arrival).tolist()) == set(Arrival)


def test_counters_rise_with_every_new_push_of_a_device(fleet: Fleet) -> None:
    copies = {Fault.DUPLICATE}
    seen: dict[int, set[int]] = {}
    for slot in Simulation(fleet).slots():
        frames = slot.frames
        for sender, counter, fault in zip(frames.sender.tolist(), frames.counter.tolist(), frames.fault.tolist(),
                                          strict=True):  # fmt: skip
            mine = seen.setdefault(sender, set())
            assert (counter in mine) == (fault in copies)
            mine.add(counter)


def test_ticks_close_every_interval_of_the_run_and_none_behind_it(fleet: Fleet) -> None:
    slots = list(Simulation(fleet).slots())
    assert [slot.end_time for slot in slots] == [SMALL.start_time + n * 1800 for n in range(len(slots))]
    assert all(slot.tick.time == slot.end_time for slot in slots)
    closes = [slot.tick.closes for slot in slots]
    assert closes == sorted(closes)
    assert closes[-1] == SMALL.end_time
    for slot in slots:
        assert ((slot.frames.received_at >= slot.end_time) & (slot.frames.received_at < slot.end_time + 1800)).all()


def test_some_late_pushes_come_after_their_interval_was_closed(fleet: Fleet) -> None:
    late = 0
    for slot in Simulation(fleet).slots():
        chosen = (slot.frames.fault == Fault.LATE) & (slot.frames.kind == Kind.BLOCK)
        end = SMALL.start_time + slot.frames.interval[chosen].astype(np.int64) * 1800
        late += int((end <= slot.tick.closes - 1800).sum())
    assert late > 0


def test_registry_versions_are_sorted_and_grow(fleet: Fleet) -> None:
    times = [time for time, _ in fleet.registry_versions]
    assert times == sorted(set(times))
    assert times[0] == SMALL.start_time
    for _, registry in fleet.registry_versions:
        check_order(registry)
    first, last = fleet.registry_versions[0][1], fleet.registry_versions[-1][1]
    assert len(last.device) > len(first.device)
    assert len(last.point) > len(first.point)
    slots = {slot.end_time for slot in Simulation(fleet).slots() if slot.registry is not None}
    assert slots == set(times)


def test_damaged_pushes_are_lost_and_their_energy_is_named(fleet: Fleet) -> None:
    for slot in Simulation(fleet).slots():
        frames = slot.frames
        bad = np.isin(frames.fault, sorted(DAMAGED)) & (frames.kind == Kind.BLOCK)
        true = fleet.books.energy[frames.interval[bad] - 1, frames.point[bad], 0].astype(np.int64)
        assert (frames.energy_wh[bad] == true * fleet.points.numerator[frames.point[bad]]).all()


def test_float_registers_stay_where_a_float_is_exact(fleet: Fleet, truth: Truth) -> None:
    floats = np.isin(fleet.points.template, FLOAT_MODELS)
    assert truth.registers[:, floats].max() < 16_384_000
