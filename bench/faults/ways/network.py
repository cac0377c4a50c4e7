"""The network between one part and the broker: cut, cut from the coordinator alone, or slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from bench.faults.parts import Parts
from bench.faults.proxy import Proxy, Trouble
from bench.faults.scene import SESSION_SECS, Scene
from bench.faults.ways.base import Recurring
from cli.services.ports import free_ports


class Cuts(Recurring):
    """Nothing gets through, and nobody is told; for less than the session or for more. Every other time the connections
    are reset when the network is back."""

    gap: ClassVar[tuple[float, float]] = (1.0, 4.0)
    lasts: ClassVar[tuple[float, float]] = (SESSION_SECS / 3, 2.5 * SESSION_SECS)
    trouble: ClassVar[Trouble] = Trouble()

    @classmethod
    def settings(cls, folder: Path) -> dict[str, Any]:
        """The broker tells the clients of its second port to come through the proxy."""
        port, proxy = free_ports(2)
        return {"kafka_outside_port": port, "kafka_outside_address": f"127.0.0.1:{proxy}"}

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        settings = scene.services.settings
        assert settings.kafka_outside_port is not None
        self._address = settings.kafka_outside_address
        self._proxy = Proxy(int(self._address.rpartition(":")[2]), settings.kafka_outside_port)

    def prepare(self) -> None:
        """See Disturbance."""
        self._proxy.start()
        self.scene.give(self.scene.kind.part, KAFKA_BOOTSTRAP=self._address)

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        parts.may_end.add(self.scene.kind.part)

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        self._proxy.cause(self.trouble)
        return "slow" if self.trouble.rate else "cut"

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        self._proxy.heal(reset=self.done.tries % 2 == 0 and not self.trouble.rate)

    def close(self) -> None:
        """See Disturbance."""
        self._proxy.close()


class CoordinatorCuts(Cuts):
    """Records come and go, but the group's coordinator is out of reach."""

    trouble: ClassVar[Trouble] = Trouble(coordinator_only=True)


class SlowKafka(Cuts):
    """Each connection gets a few hundred kilobytes a second through."""

    lasts: ClassVar[tuple[float, float]] = (5.0, 15.0)
    trouble: ClassVar[Trouble] = Trouble(rate=300_000)
