"""The soak's own rules: figures of memory and lag, the count of the log, streams, and the generator's order."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from bench.room import check_room
from bench.soak.book import Counted
from bench.soak.case import SoakCase, read_soak_case
from bench.soak.clock import Clock
from bench.soak.counts import Counts
from bench.soak.figures import around, compared, figures, lag_of, memory_of, slope_percent
from bench.soak.kernels import wrap
from bench.soak.look import Scale
from bench.soak.page import text
from bench.soak.push import Pusher
from bench.soak.run import Outcome
from bench.soak.setting import write_topology
from pipeline.errors import ConfigError
from pipeline.step import Tick

CASE = read_soak_case()
MIB = 1 << 20


def test_a_line_that_doubles_within_an_hour_grows_by_its_mean() -> None:
    at = [0.0, 900.0, 1800.0, 3600.0]
    found = slope_percent(at, [100 + second / 36 for second in at])
    assert found == pytest.approx((100 / np.mean([100 + second / 36 for second in at]) * 100, 0.0))
    assert slope_percent(at, [7.0] * 4) == (0.0, 0.0)
    assert slope_percent(at[:2], [1.0, 2.0]) is None


def test_the_windows_are_those_of_the_goals_for_an_hour_and_shorter_for_less() -> None:
    assert (CASE.base_at, CASE.warm_at, CASE.calibration) == (600.0, 1200.0, 180.0)
    short = CASE.model_copy(update={"minutes": 3.0})
    assert (short.base_at, short.warm_at, short.calibration) == (30.0, 60.0, 36.0)
    longer = CASE.model_copy(update={"minutes": 300.0})
    assert (longer.base_at, longer.warm_at) == (600.0, 1200.0)


def test_a_slope_is_as_sure_as_its_values_are_near_the_line() -> None:
    noise = np.random.default_rng(1)
    at = [10.0 * place for place in range(240)]
    slopes = [slope_percent(at, (1_000 + 50 * noise.standard_normal(240)).tolist()) for _ in range(300)]
    found = np.array([slope for slope in slopes if slope is not None])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.2)


def test_samples_around_a_moment_count_and_else_the_nearest() -> None:
    assert around([0, 10, 20, 30, 50], [1.0, 2.0, 3.0, 5.0, 9.0], 20.0) == pytest.approx(10 / 3)
    assert around([0, 100], [1.0, 2.0], 60.0) == 2.0


def test_memory_is_weighed_several_times_between_looks() -> None:
    scale = Scale(os.getpid())
    before = scale.read()
    for _ in range(3):
        scale.weigh()
    mean, private, most = scale.read()
    assert most >= mean >= private > 0
    assert abs(mean - before[0]) < before[0]
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert scale.read()[0] > mean
    finally:
        child.communicate(b"\n")


def sample(at: float, rss: float, phase: str = "overload", lag: int = 10, frames: int = 0) -> dict[str, Any]:
    taken = dict.fromkeys(("sent", "accepted", "committed", "logged"), frames)
    return {
        "at": at, "phase": phase, "rss": {"worker.metering": rss, "broker": 2 * rss},
        "private": {"worker.metering": rss, "broker": rss}, "peak": {"worker.metering": rss, "broker": rss},
        "lag": {"worker.metering": lag},
        "done": {"worker.metering": at}, "offered_per_s": 1000,
        "frames": {**taken, "intervals": 1},
        "connectors": {"push": {"behind_octets": 5, "braking": False, "braked_secs": 3.0, "stopped_secs": 4.0}},
        "disk": {"kafka": 1 << 30, "warehouse": 1 << 30},
    }  # fmt: skip


def hour(grows: float = 0.0, peak: float = 1.0) -> list[dict[str, Any]]:
    """An hour of samples: 100 MiB that grow by `grows` of it an hour, once `peak` times as large."""
    samples = [sample(at, 100 * MIB * (1 + grows * at / 3600), frames=at * 1000) for at in range(0, 3601, 10)]
    samples[5]["rss"]["worker.metering"] = 100 * MIB * peak
    return samples


@pytest.mark.parametrize(
    ("grows", "peak", "ok"), [(0.0, 1.0, True), (0.009, 1.0, True), (0.02, 1.0, False), (0.0, 1.3, False)]
)
def test_memory_must_neither_grow_nor_peak(grows: float, peak: float, ok: bool) -> None:
    found = memory_of(CASE, hour(grows, peak), "worker.metering", short=False)
    assert found["ok"] is ok
    assert found["base_mib"] == pytest.approx(100, rel=0.01)
    assert memory_of(CASE, hour(grows, peak), "broker", short=False)["ok"] is None


def test_growth_before_the_warm_up_is_not_judged() -> None:
    samples = hour()
    for early in samples[:120]:
        early["rss"]["worker.metering"] = 50 * MIB
    for base in samples[59:62]:
        base["rss"]["worker.metering"] = 100 * MIB
    assert memory_of(CASE, samples, "worker.metering", short=False)["ok"] is True


def test_memory_of_a_short_run_is_told_and_not_judged() -> None:
    found = memory_of(CASE, hour(0.5 / 10), "worker.metering", short=True)
    assert found["slope_percent_per_hour"] > 1
    assert found["ok"] is None


@pytest.mark.parametrize(
    ("later", "pace", "ok"), [(1_000, 1, True), (1_400, 1, True), (1_600, 1, False), (1_600, 30, True)]
)
def test_a_lag_is_bounded_when_it_does_not_grow_or_is_soon_gone(later: int, pace: int, ok: bool) -> None:
    samples = [
        {"at": at, "phase": "overload", "lag": {"r": 1_000 if at < 2_100 else later}, "done": {"r": pace * at}}
        for at in range(600, 3601, 10)
    ]
    found = lag_of(CASE, samples, "r")
    assert found["ok"] is ok
    assert found["most_secs"] == pytest.approx(max(1_000, later) / pace, abs=0.1)
    assert lag_of(CASE, samples[:3], "r")["ok"]


def outcome(samples: list[dict[str, Any]], **more: Any) -> Outcome:
    machine = {"cpu": "a", "cpus": 2, "memory_gib": 8, "system": "s", "load_before": 0, "versions": {"python": "3"}}
    counts = Counts(sent=5, accepted=5, logged=5, readings=4, rejects=1, intervals=2)
    return Outcome(CASE, machine, 1 << 30, samples, 500.0, 3600.0, 9.0, counts=counts, **more)


def test_a_run_without_fault_is_ok_and_its_page_says_so() -> None:
    said = figures(outcome(hour()))
    assert said["ok"]
    assert not said["short"]
    assert said["frames_per_s"] == {
        "capacity": 500, "offered": 1000, "sent": 1000, "taken": 1000, "held_back_percent": 0.0
    }  # fmt: skip
    page = text(said, CASE.question, "2026-01-01")
    assert "Everything stayed bounded." in page
    assert "| worker.metering | 100.0 |" in page


def test_each_fault_is_one() -> None:
    assert not figures(outcome(hour(), faults=["worker: exit code 1"]))["ok"]
    assert not figures(outcome(hour(grows=0.1)))["ok"]
    never = hour()
    for one in never:
        one["connectors"]["push"]["stopped_secs"] = 0.0
    assert not figures(outcome(never))["ok"]
    behind = hour()
    for one in behind[250:]:
        one["lag"]["worker.metering"] = 10_000
    assert not figures(outcome(behind))["ok"]


@pytest.mark.parametrize("field", ["sent", "accepted", "logged", "readings", "rejects", "odd_intervals"])
def test_frames_must_be_as_many_all_along_the_way(field: str) -> None:
    run = outcome(hour())
    assert run.counts is not None
    found = compared(run)
    assert found is not None
    assert found["equal"]
    setattr(run.counts, field, getattr(run.counts, field) + 1)
    found = compared(run)
    assert found is not None
    assert not found["equal"]
    run.counts = None
    assert compared(run) is None


def test_a_run_that_ended_at_once_is_reported_too() -> None:
    said = figures(Outcome(CASE, {}, 0, [], faults=["a part ended"]))
    assert not said["ok"]
    assert said["faults"] == ["a part ended"]


def test_positions_are_told_in_frames() -> None:
    counted = Counted()
    for offset, frames in ((0, 5), (1, 0), (2, 7), (5, 1)):
        counted.add(offset, frames)
    assert [counted.before(position) for position in (0, 1, 2, 2, 3, 4, 6)] == [0, 5, 5, 5, 12, 12, 13]
    assert counted.total == 13


def test_frames_are_wrapped_one_by_one() -> None:
    frames = [bytes([number]) * length for number, length in enumerate((1, 300, 0, 106))]
    payload = np.frombuffer(b"".join(frames), np.uint8).copy()
    length = np.array([len(frame) for frame in frames], np.uint32)
    for taken in ([True] * 4, [False, True, True, False]):
        out = np.zeros(len(payload) + 8 * len(frames), np.uint8)
        octets = wrap(payload, length, np.array(taken), out)
        chosen = [
            struct.pack(">HHHH", 1, 1, 1, len(frame)) + frame for frame, one in zip(frames, taken, strict=True) if one
        ]
        assert out[:octets].tobytes() == b"".join(chosen)


def test_the_topology_of_a_run_differs_in_its_bound_alone(tmp_path: Path) -> None:
    file = Path(__file__).parents[3] / "topologies.yaml"
    yaml = YAML(typ="safe")
    before, after = yaml.load(file.read_text()), yaml.load(write_topology(file, tmp_path, 123).read_text())
    for name, connector in after["connectors"].items():
        if name != "ticker":
            assert connector.pop("gather") == {"behind_bytes": 123}
    assert after == before


def test_a_full_disk_is_told_before_anything_starts() -> None:
    check_room(0, "--frames")
    with pytest.raises(ConfigError, match="DISK_SMALL"):
        check_room(1 << 62, "--frames")


class HeardClock(Clock):
    def __init__(self) -> None:
        self.ticks: list[Tick] = []

    def write(self, tick: Tick | None, control: object = None) -> None:
        assert tick is not None
        self.ticks.append(tick)


def test_ticks_close_only_what_has_been_acknowledged() -> None:
    """A listener that acknowledges what it has read; the order of what it was sent and of ticks is the log's."""
    case: SoakCase = CASE.model_copy(update={"meters": 200, "mqtt_meters": 0, "connections": 3, "round_intervals": 4})
    read, lock, server = [0], threading.Lock(), socket.create_server(("127.0.0.1", 0))

    def listen(connection: socket.socket) -> None:
        with connection:
            while octets := connection.recv(1 << 16):
                with lock:
                    read[0] += len(octets)

    def serve() -> None:
        for _ in range(case.connections):
            threading.Thread(target=listen, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()

    class Checked(HeardClock):
        def write(self, tick: Tick | None, control: object = None) -> None:
            super().write(tick)
            closed = (self.ticks[-1].closes - plan.start) // plan.interval_secs
            with lock:
                assert read[0] // 114 >= closed * case.meters

    plan, clock = case.plan(), Checked()
    pusher = Pusher(case, server.getsockname(), "mqtt://127.0.0.1:1", clock, lambda: read[0] // 114)
    pusher.start()
    for _ in range(2000):
        if pusher.intervals >= 9 or pusher.error is not None:
            break
        threading.Event().wait(0.01)
    pusher.stop()
    pusher.join(30)
    server.close()
    assert pusher.error is None
    assert not pusher.is_alive()
    assert pusher.sent == pusher.intervals * case.meters == read[0] // 114
    assert clock.ticks[-1] == Tick(plan.end_of(pusher.intervals), 0)
    assert [tick.time for tick in clock.ticks[:-1]] == [plan.end_of(n + 1) for n in range(pusher.intervals)]
