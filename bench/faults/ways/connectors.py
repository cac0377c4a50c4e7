"""SIGKILL of connectors while meters push to them: here the frames do not stand in the log beforehand."""

from __future__ import annotations

from typing import ClassVar

from bench.case import OPENING
from bench.faults.live import LiveFeed, Ports
from bench.faults.parts import Parts
from bench.faults.plans import plans_of
from bench.faults.scene import Scene
from bench.faults.ways.base import Disturbance
from bench.throughput.drain import part_of
from bench.throughput.feed import Feed, Feeding
from bench.throughput.watch import Moment
from cli.services.ports import free_ports
from connectors.simulator.burst_truth import burst_frames
from pipeline.errors import Fatal
from pipeline.topology.plan import Plan


def connector_of(plan: Plan, kind: str) -> str:
    """The part that is a topology's connector of a type; raises Fatal when there is none."""
    for name, row in plan.connectors.items():
        if row.type == kind:
            return f"connect.{name}"
    raise Fatal("BENCH_TOPOLOGY", where=kind, what="no connector is of this type", do="give a topology that has one")


class Live(Disturbance):
    """Meters push to the connectors of the topology, which are started with the other parts."""

    services: ClassVar[tuple[str, ...]] = ("kafka", "mosquitto")

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        plan = scene.plan
        self.tcp_part, self.mqtt_part = connector_of(plan, "dlms"), connector_of(plan, "mqtt")
        self.live: LiveFeed | None = None
        self._at_rest = False
        self._copies: dict[str, int] = {}
        self._last_killed = self.tcp_part

    @classmethod
    def takes_part(cls, name: str, plan: Plan) -> bool:
        """See Disturbance."""
        return part_of(name) or name in (connector_of(plan, "dlms"), connector_of(plan, "mqtt"))

    def prepare(self) -> None:
        """Give the connectors ports of their own."""
        listen, *pages = free_ports(3)
        self._ports = Ports(
            ("127.0.0.1", listen), self.scene.services.mosquitto,
            dict(zip((self.tcp_part, self.mqtt_part), pages, strict=True)), self.tcp_part, self.mqtt_part,
        )  # fmt: skip
        for part, page in self._ports.pages.items():
            command = self.scene.commands[part]
            command[command.index("--status-port") + 1] = str(page)
        self.scene.give(self.tcp_part, DLMS_LISTEN=f"127.0.0.1:{listen}")
        self.scene.give(self.mqtt_part, MQTT_URL=self._ports.mqtt)

    def feed(self, feed: Feed, progress: Feeding) -> int:
        """Nothing stands in the log before the parts run; returns how many frames will be pushed."""
        load = self.scene.drain.load
        self.live = LiveFeed(self.scene, feed, self._ports)
        return sum(burst_frames(load.plan(1), number) for number in load.numbers[OPENING:])

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        assert self.live is not None
        self.live.start()

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """See Disturbance."""
        assert self.live is not None
        for part, plan in ended:
            self._last_killed = part
            self.live.kills[part] += 1
            self.done.note(plan.partition(":")[0])

    def step(self, parts: Parts) -> None:
        """See Disturbance: when all is pushed, the connectors end, and what they have written is counted."""
        super().step(parts)
        live = self.live
        assert live is not None
        self.done.apart["refetched"], self.done.lost = live.refetched, live.lost
        live.check()
        if live.done.is_set() and not self._at_rest:
            parts.stop(self.tcp_part)
            parts.stop(self.mqtt_part)
            live.arrivals.read_all()
            self._copies = dict(live.arrivals.copies())
            self.done.apart["copies pushed"] = sum(self._copies.values())
            self._at_rest = True

    @property
    def calm(self) -> bool:
        """See Disturbance."""
        return self._at_rest

    def made(self, now: Moment) -> int:
        """Frames that came through the connector that was killed last."""
        assert self.live is not None
        arrivals = self.live.arrivals
        return arrivals.over_mqtt if self._last_killed == self.mqtt_part else arrivals.over_tcp

    @property
    def further_rejects(self) -> dict[str, int]:
        """See Disturbance: copies, which connectors may write, are rejected behind them."""
        return self._copies

    def close(self) -> None:
        """See Disturbance."""
        if self.live is not None:
            self.live.close()
            self.live = None


class ConnectorKills(Live):
    """Both connectors kill themselves by plan, and are started again; meters connect again."""

    @property
    def plans(self) -> dict[str, list[str]]:
        """See Disturbance."""
        plans = plans_of(self.scene.kind, self.scene.seed, self.scene.count)
        return {self.tcp_part: plans[::2], self.mqtt_part: plans[1::2]}
