"""SIGKILL of the broker, and its start again on its data."""

from __future__ import annotations

import os
import signal

from bench.faults.parts import Parts
from bench.faults.ways.base import Recurring


class BrokerKills(Recurring):
    """The parts wait for it, or end by themselves and are started again."""

    gap = (2.0, 8.0)
    lasts = (0.5, 4.0)

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        parts.may_end.update(parts.commands)

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        pid = self.scene.broker.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return "broker"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self.scene.broker.start()
        self.scene.broker.wait_until_ready()
