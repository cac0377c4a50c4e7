"""What all disturbances have in common: hooks around a trial, and the book of what was done."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from bench.faults.parts import Parts
from bench.faults.plans import gaps_of
from bench.faults.scene import Scene
from bench.throughput.drain import part_of
from bench.throughput.feed import Feed, Feeding
from bench.throughput.watch import Moment
from pipeline.topology.plan import Plan


@dataclass
class Done:
    """What a disturbance has done: how often, in which moments, and when each time."""

    tries: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    apart: dict[str, int] = field(default_factory=dict)
    """What is counted apart, and is no fault: name -> how many."""
    lost: int = 0
    """What the disturbance itself saw to be lost, beside what is missing in the warehouse."""

    def note(self, moment: str) -> None:
        """Once more, now."""
        self.tries += 1
        self.moments[moment] += 1
        self.at.append(time.monotonic())


class Disturbance:
    """One fault, done again and again to parts that drain a log. Hooks in the order in which a trial calls them."""

    services: ClassVar[tuple[str, ...]] = ("kafka",)
    """What must run for it."""

    @classmethod
    def settings(cls, folder: Path) -> dict[str, Any]:
        """Further settings of these services (cli.services.settings)."""
        return {}

    @classmethod
    def takes_part(cls, name: str, plan: Plan) -> bool:
        """Whether a part of the topology runs: without connectors, as nobody pushes."""
        return part_of(name)

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.done = Done()

    def prepare(self) -> None:
        """Before any part is started: services of its own, variables of parts."""

    def feed(self, feed: Feed, progress: Feeding) -> int:
        """Fill the log, with no part running; returns how many frames are drained."""
        return feed.fill(progress)

    def begin(self, parts: Parts) -> None:
        """The parts have been started on the full log."""

    def step(self, parts: Parts) -> None:
        """Some times a second: start again what has ended, do what is due."""
        self.seen(parts.ended())

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """(part, plan) of what has ended as planned, or by itself where it may."""

    def end(self, parts: Parts) -> None:
        """Nothing is left to do; the parts are about to be stopped cleanly."""

    @property
    def plans(self) -> dict[str, list[str]]:
        """Part -> the moment of each of its starts at which it kills itself (pipeline.runtime.moments)."""
        return {}

    @property
    def calm(self) -> bool:
        """Nothing is half done: a trial may end here."""
        return True

    def made(self, now: Moment) -> int:
        """What the disturbed part has to show so far: when this grows, it has recovered."""
        return now.made[self.scene.kind.part]

    @property
    def further_rejects(self) -> dict[str, int]:
        """Code -> rejects beyond those of the generator's truth."""
        return {}

    @property
    def warehouse(self) -> str:
        """Where the rows are compared, once the parts have ended."""
        return self.scene.drain.environment["CLICKHOUSE_DSN"]

    def close(self) -> None:
        """Whatever happened: end what it has started, thaw what is frozen."""


class Recurring(Disturbance):
    """A fault of some duration: `strike` after each of its gaps of work, `heal` when its time is over."""

    gap: ClassVar[tuple[float, float]] = (1.0, 4.0)
    lasts: ClassVar[tuple[float, float]] = (1.0, 2.0)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._gaps = gaps_of(scene.seed, scene.count, *self.gap)
        self._durations = gaps_of(scene.seed + 1, scene.count, *self.lasts)
        self._strikes = 0
        self._struck = False
        self._since = 0.0

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        self._since = time.monotonic()

    def strike(self, parts: Parts) -> str:
        """Do it; returns the name of the moment."""
        raise NotImplementedError

    def heal(self, parts: Parts) -> None:
        """Undo it."""
        raise NotImplementedError

    def may_strike(self, parts: Parts) -> bool:
        """Whether it may when its gap is over."""
        return True

    def may_heal(self, parts: Parts) -> bool:
        """Whether it may when its time is over."""
        return True

    @property
    def waited(self) -> float:
        """Seconds since it struck or healed."""
        return time.monotonic() - self._since

    def step(self, parts: Parts) -> None:
        """See Disturbance."""
        super().step(parts)
        if self._struck:
            if self.waited >= self._durations[self._strikes - 1] and self.may_heal(parts):
                self.heal(parts)
                self._struck, self._since = False, time.monotonic()
        elif (
            self._strikes < len(self._gaps)
            and self.waited >= self._gaps[self._strikes]
            and self.may_strike(parts)
        ):  # fmt: skip
            self.done.note(self.strike(parts))
            self._strikes, self._struck, self._since = self._strikes + 1, True, time.monotonic()

    @property
    def calm(self) -> bool:
        """Between two strikes."""
        return not self._struck
