"""What is done to the parts while they drain the log. Each disturbance is asked again and again until it is done."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from bench.faults.kinds import Kind
from bench.faults.parts import Parts
from bench.faults.plans import gaps_of
from cli.services.stack import Stack

SESSION_SECS = 6.0
"""Of the workers under test; the least that brokers allow by default."""

FROZEN_SECS = 2 * SESSION_SECS
AWAKE_SECS = 3.0
SECOND_SECS = 5.0
"""How long a second worker stays."""


@dataclass
class Done:
    """What a disturbance has done: how often, in which moments, and when each time."""

    tries: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)

    def note(self, moment: str) -> None:
        """Once more, now."""
        self.tries += 1
        self.moments[moment] += 1
        self.at.append(time.monotonic())


class Disturbance(Protocol):
    """`step` is called some times a second; `over` says that no more will be done."""

    done: Done

    def step(self, parts: Parts) -> None:
        """Do what is due."""

    @property
    def over(self) -> bool:
        """Nothing more will be done."""

    @property
    def calm(self) -> bool:
        """Nothing is half done: a trial may end here."""


@dataclass
class Kills:
    """The parts kill themselves by plan; here they are only started again."""

    part: str
    count: int
    done: Done = field(default_factory=Done)

    def step(self, parts: Parts) -> None:
        """Start again what has ended."""
        for _, plan in parts.ended():
            self.done.note(plan.partition(":")[0])

    @property
    def over(self) -> bool:
        """All kills were done."""
        return self.done.tries >= self.count

    @property
    def calm(self) -> bool:
        """Always: it is done at once."""
        return True


@dataclass
class BrokerKills:
    """SIGKILL of the broker after each of `gaps` seconds of work, and its start again after a while."""

    services: Stack
    gaps: list[float]
    away: list[float]
    done: Done = field(default_factory=Done)
    _since: float = field(default_factory=time.monotonic)

    def step(self, parts: Parts) -> None:
        """Kill it when its time has come, and return when it answers again."""
        parts.may_end.update(parts.commands)
        parts.ended()
        if self.over or time.monotonic() - self._since < self.gaps[self.done.tries]:
            return
        service = self.services.services[0]
        pid = service.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        away = self.away[self.done.tries]
        self.done.note("broker")
        time.sleep(away)
        service.start()
        service.wait_until_ready()
        self._since = time.monotonic()

    @property
    def over(self) -> bool:
        """All kills were done."""
        return self.done.tries >= len(self.gaps)

    @property
    def calm(self) -> bool:
        """Always: it is done at once."""
        return True


@dataclass
class Freezes:
    """A worker is stopped for longer than its session while a second one takes over; then it wakes."""

    part: str
    second: str
    gaps: list[float]
    done: Done = field(default_factory=Done)
    _since: float = field(default_factory=time.monotonic)
    _frozen: bool = False

    def step(self, parts: Parts) -> None:
        """Freeze, thaw, end the second one, each when its time has come."""
        parts.may_end.update({self.part, self.second})
        if not self._frozen:
            parts.ended()
        waited = time.monotonic() - self._since
        if self._frozen and waited >= FROZEN_SECS:
            parts.processes.running[self.part].send_signal(signal.SIGCONT)
            self._frozen, self._since = False, time.monotonic()
        elif not self._frozen and self.second in parts.processes.running and waited >= SECOND_SECS:
            parts.processes.stop(self.second)
            self._since = time.monotonic()
        elif not self._frozen and not self.over and self.second not in parts.processes.running:
            self._freeze(parts, waited)

    def _freeze(self, parts: Parts, waited: float) -> None:
        if waited < self.gaps[self.done.tries]:
            return
        parts.processes.running[self.part].send_signal(signal.SIGSTOP)
        self.done.note("frozen")
        self._frozen, self._since = True, time.monotonic()
        parts.start(self.second)

    @property
    def over(self) -> bool:
        """All were frozen and thawed."""
        return self.done.tries >= len(self.gaps) and not self._frozen

    @property
    def calm(self) -> bool:
        """None is frozen, and the last one has had time to learn that it was replaced."""
        return not self._frozen and (not self.done.tries or time.monotonic() - self._since >= AWAKE_SECS)


@dataclass
class Scalings:
    """A second worker joins and leaves."""

    second: str
    gaps: list[float]
    done: Done = field(default_factory=Done)
    _since: float = field(default_factory=time.monotonic)

    def step(self, parts: Parts) -> None:
        """Start or stop it when its time has come."""
        parts.ended()
        waited = time.monotonic() - self._since
        if self.second in parts.processes.running:
            if waited >= SECOND_SECS:
                parts.processes.stop(self.second)
                self.done.note("left")
                self._since = time.monotonic()
        elif not self.over and waited >= self.gaps[self.done.tries // 2]:
            parts.start(self.second)
            self.done.note("joined")
            self._since = time.monotonic()

    @property
    def over(self) -> bool:
        """It came and went as often as it should."""
        return self.done.tries >= 2 * len(self.gaps)

    @property
    def calm(self) -> bool:
        """Always: it is done at once."""
        return True


def disturbance(kind: Kind, seed: int, count: int, services: Stack) -> Disturbance:
    """The disturbance of a kind."""
    second = f"{kind.part}#2"
    if kind.way == "kill":
        return Kills(kind.part, count)
    if kind.way == "broker":
        return BrokerKills(services, gaps_of(seed, count, 2.0, 8.0), gaps_of(seed + 1, count, 0.5, 4.0))
    if kind.way == "freeze":
        return Freezes(kind.part, second, gaps_of(seed, count, 1.0, 4.0))
    return Scalings(second, gaps_of(seed, count, 1.0, 4.0))
