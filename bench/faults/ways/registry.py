"""The schema registry goes away, and a worker has to start meanwhile."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

from bench.faults.parts import Parts
from bench.faults.ways.base import Recurring
from cli.services.service import LocalService


class RegistryKills(Recurring):
    """Who runs does not need it; who starts says so, ends, and is started again until it is back."""

    services: ClassVar[tuple[str, ...]] = ("kafka", "schema-registry")
    gap: ClassVar[tuple[float, float]] = (1.0, 3.0)
    lasts: ClassVar[tuple[float, float]] = (4.0, 8.0)

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        parts.may_end.add(self.scene.kind.part)

    @property
    def _registry(self) -> LocalService:
        return next(service for service in self.scene.services.services if service.name == "schema-registry")

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        pid = self._registry.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        parts.kill(self.scene.kind.part)
        return "registry"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._registry.start()
        self._registry.wait_until_ready()
