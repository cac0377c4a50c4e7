"""Recorded load: its spacing, and its frames on their way to connectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.replay.files import FileLoad
from bench.replay.frames import carried, frames_of
from bench.replay.spacing import Spacing
from bench.replay.to_connectors import Replay, check_schemes
from connectors.simulator.frames import Frames, joined
from connectors.simulator.network import MQTT, TCP, UDP
from connectors.simulator.senders.base import parse_address
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.tcp import whole
from pipeline.errors import ConfigError
from tests.unit.bench.recordings import BARE, CONTRACTS, RECORDS, SENT, T0, logged, recorded
from tests.unit.connectors.test_gather import TITLE


class Clock:
    """Time by hand: sleeping is what moves it, by a little more than was asked for."""

    def __init__(self, late: float = 0.0) -> None:
        self.now, self.late = 100.0, late

    def __call__(self) -> float:
        return self.now

    def sleep(self, secs: float) -> None:
        self.now += secs + self.late


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0, 1, 2, 4]), (4.0, [0, 0.25, 0.5, 1]), (0.5, [0, 2, 4, 8])])
def test_records_leave_as_far_apart_as_they_were_recorded_over_the_speed(speed: float, expected: list[float]) -> None:
    clock = Clock()
    spacing = Spacing(speed, clock.sleep, clock)
    left = []
    for row in RECORDS:
        spacing.done(spacing.wait(row.time_ms))
        left.append(clock.now - 100)
    assert left == expected
    assert spacing.behind == 0


def test_who_is_late_catches_up_and_the_most_is_said() -> None:
    clock = Clock()
    spacing = Spacing(1.0, clock.sleep, clock)
    left = []
    for row, takes in zip(RECORDS, (1.75, 0.0, 0.0, 0.0), strict=True):
        due = spacing.wait(row.time_ms)
        left.append(clock.now - 100)
        clock.now += takes
        spacing.done(due)
    assert left == [0, 1.75, 2, 4]
    assert spacing.behind == 1.75


def test_as_fast_as_it_goes_nothing_waits_and_nothing_is_late() -> None:
    clock = Clock(1.0)
    spacing = Spacing(0.0, clock.sleep, clock)
    for row in RECORDS:
        spacing.done(spacing.wait(row.time_ms))
    assert (clock.now, spacing.behind) == (100, None)


async def test_a_fleets_frames_that_are_held_up_are_said_to_be_late() -> None:
    clock = Clock()

    async def sleep(secs: float) -> None:
        clock.sleep(secs)

    frames = replace(frames_of(CONTRACTS, logged(0, [BARE] * 4)), received_at=np.array([0, 10, 20, 30]) + T0 // 1000)
    pace = Pace(speed=10, clock=clock, sleep=sleep)
    async for _ in pace.chunks(frames):
        clock.now += 1.25
    assert pace.behind == pytest.approx(0.75)
    free = Pace(clock=clock, sleep=sleep)
    async for _ in free.chunks(frames):
        clock.now += 5
    assert free.behind == 0


def of_records() -> Frames:
    return joined([frames_of(CONTRACTS, row) for row in RECORDS if row.frames])


def bytes_of(frames: Frames) -> list[bytes]:
    return [frames.frame(row) for row in range(len(frames))]


def test_frames_of_records_are_the_bytes_that_came_with_their_meters() -> None:
    frames = of_records()
    assert bytes_of(frames) == SENT
    assert frames.sender.tolist() == [TITLE, TITLE + 1, TITLE, TITLE, TITLE + 1, TITLE + 2]


def test_over_tcp_a_bare_frame_gets_a_wrapper_that_says_its_length() -> None:
    frames = carried(of_records(), ["tcp"])
    assert set(frames.transport.tolist()) == {TCP}
    assert whole(frames).all()
    assert [frame[8:] for frame in bytes_of(frames)] == [frame if frame == BARE else frame[8:] for frame in SENT]
    assert bytes_of(frames)[0] == SENT[0]


def test_mqtt_takes_bare_frames_beside_tcp_and_all_where_it_is_alone() -> None:
    frames = carried(of_records(), ["tcp", "mqtt"])
    assert frames.transport.tolist() == [TCP, MQTT, TCP, MQTT, MQTT, MQTT]
    assert bytes_of(frames) == SENT
    frames = carried(of_records(), ["mqtt"])
    assert (set(frames.transport.tolist()), bytes_of(frames)) == ({MQTT}, SENT)


def test_a_meter_stays_with_one_of_tcp_and_udp() -> None:
    frames = carried(of_records(), ["udp", "tcp"])
    expected = np.where(frames.sender % 2 == 0, TCP, UDP)
    assert frames.transport.tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 2


@pytest.mark.parametrize("schemes", [[], ["file"], ["kafka", "tcp"], ["kafka", "kafka"]])
def test_addresses_that_nothing_is_replayed_to_are_refused(schemes: list[str]) -> None:
    with pytest.raises(ConfigError, match="NO_ADDRESS"):
        check_schemes([parse_address("file:x.kvf" if name == "file" else f"{name}://h/t") for name in schemes])


def test_two_addresses_of_a_kind_are_refused(tmp_path: Path) -> None:
    addresses = [parse_address("tcp://h:1"), parse_address("tcp://h:2")]
    with pytest.raises(ConfigError, match="ADDRESSES_ALIKE"):
        Replay(FileLoad(recorded(tmp_path / "a.kvf")), addresses, 0)
