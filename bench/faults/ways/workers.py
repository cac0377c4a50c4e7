"""A second worker: it takes over from one that is frozen, or joins and leaves under load."""

from __future__ import annotations

import signal
from subprocess import Popen
from typing import ClassVar

import psutil

from bench.faults.parts import Parts
from bench.faults.scene import SESSION_SECS, Scene
from bench.faults.ways.base import Recurring
from pipeline.runtime.moments import FREEZE

FROZEN_SECS = 2 * SESSION_SECS
FROZEN_AT = ("in-pages:3", "before-commit:2")
"""In the midst of writing state: what such a worker still holds is what it must not be able to write any more."""
AWAKE_SECS = 4.0
"""How long one that was frozen has, at least, to learn that it was replaced."""


class Scalings(Recurring):
    """A second worker joins, and leaves again some seconds later."""

    lasts: ClassVar[tuple[float, float]] = (4.0, 6.0)

    def may_heal(self, parts: Parts) -> bool:
        """See Recurring: the second one has taken part."""
        return parts.said(self.scene.second, "ready")

    def prepare(self) -> None:
        """See Disturbance."""
        kind = self.scene.kind
        self.scene.commands[self.scene.second] = [*self.scene.commands[kind.part], "--instance", "2"]

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        parts.start(self.scene.second)
        return "joined"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        parts.stop(self.scene.second)
        self.done.note("left")


class RebalanceKills(Scalings):
    """As above, and the first worker is killed while its partitions are being taken away."""

    @property
    def plans(self) -> dict[str, list[str]]:
        """See Disturbance."""
        # It comes there at its own start too, with nothing to give back.
        return {self.scene.kind.part: ["in-rebalance:2"] * self.scene.count}

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """See Disturbance."""
        for _, plan in ended:
            if plan:
                self.done.note(plan.partition(":")[0])


class Freezes(Scalings):
    """Stopped for longer than its session, as it writes its state, while a second worker takes over; it wakes, later
    the second one leaves."""

    lasts: ClassVar[tuple[float, float]] = (FROZEN_SECS + AWAKE_SECS, FROZEN_SECS + 2 * AWAKE_SECS)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._frozen: Popen[bytes] | None = None

    @property
    def plans(self) -> dict[str, list[str]]:
        """See Disturbance."""
        chosen = [FROZEN_AT[number % len(FROZEN_AT)] for number in range(self.scene.count)]
        return {self.scene.kind.part: [f"{moment}:{FREEZE}" for moment in chosen]}

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        # The one that is replaced ends when it learns of it.
        parts.may_end.update({self.scene.kind.part, self.scene.second})

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        self._frozen = parts.processes.running[self.scene.kind.part]
        parts.start(self.scene.second)
        return f"frozen {parts.under[self.scene.kind.part].partition(':')[0]}"

    def may_strike(self, parts: Parts) -> bool:
        """See Recurring: it has come to its moment."""
        process = parts.processes.running[self.scene.kind.part]
        return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED

    def step(self, parts: Parts) -> None:
        """See Disturbance."""
        if self._frozen is not None and self.waited >= FROZEN_SECS:
            self.close()
        super().step(parts)

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        parts.stop(self.scene.second)

    def close(self) -> None:
        """See Disturbance."""
        if self._frozen is not None:
            self._frozen.send_signal(signal.SIGCONT)
            self._frozen = None
