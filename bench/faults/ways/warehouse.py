"""SIGKILL of a warehouse that is a process of its own, and its start again on its folder."""

from __future__ import annotations

from typing import ClassVar

from bench.faults.parts import Parts
from bench.faults.scene import Scene
from bench.faults.ways.base import Recurring
from bench.warehouse.process import WarehouseProcess

LONG_SECS = 60.0
"""How long it is gone once, when it is gone several times."""


class WarehouseAway(Recurring):
    """The sink writes over HTTP, waits while nobody answers, and brings the same block again."""

    gap: ClassVar[tuple[float, float]] = (2.0, 5.0)
    lasts: ClassVar[tuple[float, float]] = (3.0, 5.0)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        if scene.count > 1:
            self._durations[0] = LONG_SECS
        self._server = WarehouseProcess(scene.folder / "served" / "warehouse")

    def prepare(self) -> None:
        """See Disturbance."""
        self._server.start()
        self.scene.drain.environment["CLICKHOUSE_DSN"] = self._server.dsn

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        self._server.kill()
        return "warehouse"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._server.start()

    @property
    def warehouse(self) -> str:
        """See Disturbance."""
        return self._server.embedded

    def close(self) -> None:
        """See Disturbance."""
        self._server.end()
