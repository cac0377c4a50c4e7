"""What the tests of peers share: a plan, and a producer that keeps what it is given."""

from __future__ import annotations

from typing import Any

import pytest

from bench.naive import measure as shared
from bench.naive.measure import feed
from connectors.simulator.burst import BurstPlan

PLAN, INTERVALS = BurstPlan(400, 4, seed=3), range(30, 42)


class Gathering:
    """A producer that keeps what it is given."""

    def __init__(self, _settings: dict[str, Any]) -> None:
        self.sent: list[tuple[str, bytes, bytes | None, int]] = []
        MADE.append(self)

    def produce(self, topic: str, value: bytes, key: bytes | None, partition: int) -> None:
        self.sent.append((topic, value, key, partition))

    def poll(self, _secs: float) -> int:
        return 0

    def flush(self, _secs: float) -> int:
        return 0


MADE: list[Gathering] = []


def fed(monkeypatch: pytest.MonkeyPatch, *, keyed: bool) -> tuple[int, list[tuple[str, bytes, bytes | None, int]]]:
    monkeypatch.setattr(shared, "Producer", Gathering)
    frames = feed("nowhere:1", "frames", PLAN, INTERVALS, keyed=keyed)
    return frames, MADE.pop().sent
