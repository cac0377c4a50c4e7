"""Frames against readers that know nothing of the simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag

from agents.decode.step import DecodeStep
from connectors.gather import kernels
from connectors.gather.gatherer import FRAME_LIMIT
from connectors.simulator import Fault, Fleet, Frames, Simulation, SimulatorConfig, build_fleet
from connectors.simulator.network import MQTT
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER, Kind
from pipeline.reference import References, Registry
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from tests.builders_records import emitted
from tests.unit.connectors.simulator.reader import Read, read


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build_fleet(SimulatorConfig(meters=260, days=1, seed=5, interval_secs=1800))


def frame_of(fleet: Fleet, frames: Frames, row: int) -> Read:
    known = int(np.searchsorted(fleet.keys.device, frames.sender[row]))
    return read(frames.frame(row), fleet.keys.encryption[known].tobytes(), fleet.keys.authentication[known].tobytes())


def block_energy(fleet: Fleet, frames: Frames, row: int, values: list[float]) -> list[int]:
    """Import Wh, import VAh, export Wh, export VAh of a block push as sent."""
    device = int(np.flatnonzero(fleet.devices.title == frames.sender[row])[0])
    first = {1: 1, 2: 1, 3: 6, 4: 6, 5: 1}[int(fleet.devices.template[device])]
    sent = values[first : first + 4]
    return [round(value * 1000) if isinstance(value, float) else int(value) for value in sent]


def test_a_clean_block_push_opens_with_the_cryptography_package_and_says_what_the_meter_recorded(fleet: Fleet) -> None:
    seen: Counter[int] = Counter()
    for slot in Simulation(fleet).slots():
        frames = slot.frames
        clean = np.flatnonzero((frames.fault == Fault.NONE) & (frames.kind == Kind.BLOCK))
        for row in clean[slot.number % 17 :: 17].tolist():
            push = frame_of(fleet, frames, row)
            point, interval = int(frames.point[row]), int(frames.interval[row])
            assert block_energy(fleet, frames, row, push.values) == fleet.books.energy[interval - 1, point].tolist()
            assert push.stamp == fleet.config.start_time + interval * 1800
            assert (push.title, push.counter) == (frames.sender[row], frames.counter[row])
            assert push.logical_name == bytes((0, 5, 25, 9, 0, 255))
            seen[len(push.values)] += 1
    assert set(seen) == {8, 12, 7}, "single-phase, three-phase and export-first models"


def test_a_meter_whose_keys_are_exchanged_seals_with_the_former_ones_until_its_own_moment() -> None:
    options = {"meters": 40, "days": 1, "seed": 5, "faults": "none,late=0.1"}
    rotation = {"share": 0.5, "after_hours": 10, "spread_hours": 3}
    changed = build_fleet(SimulatorConfig.model_validate({**options, "rotation": rotation}))
    steady = build_fleet(SimulatorConfig.model_validate(options))
    ring, announced = changed.keys, changed.config.start_time + 10 * 3600
    several = set(changed.devices.title[changed.renewal.chosen].tolist())
    assert 10 < len(several) < 35
    used: dict[int, list[tuple[int, int]]] = {}
    early = late = 0
    for slot, same in zip(Simulation(changed).slots(), Simulation(steady).slots(), strict=True):
        frames = slot.frames
        assert frames.counter.tolist() == same.frames.counter.tolist()
        assert frames.received_at.tolist() == same.frames.received_at.tolist()
        for row, sender in enumerate(frames.sender.tolist()):
            pairs = ring.pairs_of(sender)[::-1]
            assert len(pairs) == 1 + (sender in several)
            which = next(place for place, pair in enumerate(pairs) if _opens(frames.frame(row), pair))
            used.setdefault(sender, []).append((int(frames.counter[row]), which))
            early += which == 1 and frames.received_at[row] < announced
            late += which == 0 and sender in several and frames.received_at[row] >= announced
    for keys in used.values():
        order = [which for _, which in sorted(keys)]
        assert order == sorted(order), "in the order of its counters a meter changes keys once"
    assert min(early, late) > 5


def _opens(raw: bytes, pair: tuple[bytes, bytes]) -> bool:
    try:
        read(raw, *pair)
    except InvalidTag:
        return False
    return True


def test_every_push_is_opened_by_its_own_keys_unless_its_bytes_are_damaged(fleet: Fleet) -> None:
    damaged = {Fault.CORRUPT, Fault.WRONG_KEY}
    framing = {Fault.TRUNCATED, Fault.RANDOM_BYTES, Fault.WRONG_VERSION, Fault.OVERSIZED}
    refused = 0
    for slot in Simulation(fleet).slots():
        for row in np.flatnonzero(slot.frames.fault != Fault.NONE).tolist():
            fault = Fault(int(slot.frames.fault[row]))
            if fault in framing:
                continue
            if fault in damaged:
                with pytest.raises(InvalidTag):
                    frame_of(fleet, slot.frames, row)
                refused += 1
            else:
                frame_of(fleet, slot.frames, row)
    assert refused > 0


def verdicts(fleet: Fleet) -> Iterator[tuple[Frames, np.ndarray, DecodedBatch | None, np.ndarray]]:
    """(frames, reject number of connector or decode for each, rows, their frame) slot by slot, by the real code."""
    step = DecodeStep()
    store = StateStore(step.layout, range(512))
    registry: Registry | None = None
    prepared = None
    for slot in Simulation(fleet).slots():
        if slot.registry is not None:
            registry = slot.registry
            prepared = step.prepare(References(registry, fleet.keys, {}))
        assert registry is not None
        frames = slot.frames
        count = len(frames)
        device, point, code = np.empty(count, np.uint64), np.empty(count, np.uint64), np.empty(count, np.uint8)
        kernels.identify(frames.payload, frames.offsets, frames.length, FRAME_LIMIT, False, False, frames.hint,
                         device, code)  # fmt: skip
        kernels.resolve(*registry.by_device, registry.device, registry.valid_from, registry.service_point, device,
                        frames.received_at, point, code)  # fmt: skip
        assert device.tolist() == frames.device.tolist()
        assert point.tolist() == frames.service_point.tolist()
        whose = np.flatnonzero(code == 0)
        passed = frames.take(whose)
        batch = FrameBatch(passed.service_point, passed.device, passed.received_at, passed.length, passed.payload)
        advance = step.advance(Parcel(Origin("t", 0, slot.number), batch), store, prepared)
        for reject in emitted(advance, "rejects"):
            code[whose[reject["frame"]]] = REJECT_NUMBER[reject["code"]]
        decoded = advance.parcel.batch
        assert decoded is None or isinstance(decoded, DecodedBatch)
        yield frames, code, decoded, whose if decoded is None else whose[decoded.frame]


def test_connector_and_decode_reject_exactly_the_frames_that_are_expected_to_be_with_that_code(fleet: Fleet) -> None:
    later = [REJECT_NUMBER["DUPLICATE_INTERVAL"]]
    met: set[str] = set()
    for frames, code, _, _ in verdicts(fleet):
        expected = np.where(np.isin(frames.expected_reject, later), 0, frames.expected_reject)
        assert code.tolist() == expected.tolist()
        met |= {REJECT_BY_NUMBER[number].code for number in set(code.tolist()) - {0}}
    assert met == {
        "DEVICE_UNKNOWN", "FRAME_UNREADABLE", "WRAPPER_VERSION", "FRAME_TOO_LONG", "FRAME_TRUNCATED", "APDU_UNKNOWN",
        "DECRYPT_FAILED", "COUNTER_DUPLICATE",
    }  # fmt: skip


def test_decode_reads_back_registers_stamps_and_event_words(fleet: Fleet) -> None:
    truth = Simulation(fleet).truth()
    midnights = alerts = instants = 0
    for frames, _, decoded, whose in verdicts(fleet):
        if decoded is None:
            continue
        assert decoded.time.tolist() == frames.stamp[whose].tolist()
        for row in np.flatnonzero(decoded.kind == Kind.DAILY).tolist():
            day, point = frames.interval[whose[row]], frames.point[whose[row]]
            assert decoded.energy[row].tolist() == truth.registers[day, point].tolist()
            midnights += 1
        instants += int((decoded.kind == Kind.INSTANT).sum())
        words = decoded.snapshot[np.isin(decoded.snapshot_row, np.flatnonzero(decoded.kind == Kind.ALERT))]
        alerts += int((words[:, -2:] != 0).any(axis=1).sum())
    assert midnights > 400
    assert instants > 100
    assert alerts > 0


def test_only_frames_over_mqtt_come_without_a_wrapper(fleet: Fleet) -> None:
    clean = next(slot.frames for slot in Simulation(fleet).slots() if slot.number == 9)
    for row in np.flatnonzero(clean.fault == Fault.NONE).tolist():
        assert (clean.frame(row)[0] == 0xDB) == (clean.transport[row] == MQTT)


def test_frames_taken_by_row_keep_their_bytes(fleet: Fleet) -> None:
    frames = next(slot.frames for slot in Simulation(fleet).slots() if slot.number == 3)
    rows = np.array([5, 0, len(frames) - 1])
    taken = frames.take(rows)
    assert [taken.frame(place) for place in range(3)] == [frames.frame(row) for row in rows.tolist()]
    assert taken.sender.tolist() == frames.sender[rows].tolist()
