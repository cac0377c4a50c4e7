"""SIGKILL of a part at named moments: it kills itself by plan, and is started again."""

from __future__ import annotations

from bench.faults.plans import plans_of
from bench.faults.ways.base import Disturbance


class Kills(Disturbance):
    """The parts have their plans from the start."""

    @property
    def plans(self) -> dict[str, list[str]]:
        """See Disturbance."""
        return {self.scene.kind.part: plans_of(self.scene.kind, self.scene.seed, self.scene.count)}

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """See Disturbance."""
        for _, plan in ended:
            self.done.note(plan.partition(":")[0])
