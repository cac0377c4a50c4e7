"""What a disturbance finds: the trial's own broker, topology and folder, and the commands of the parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.kinds import Kind
from bench.throughput.drain import Drain
from cli.services.service import LocalService
from cli.services.stack import Stack
from pipeline.topology.plan import Plan

SESSION_SECS = 6.0
"""Of the workers under test; the least that brokers allow by default."""


@dataclass
class Scene:
    """A trial before its parts are started; `kind`, `seed` and `count` say what is to be done."""

    kind: Kind
    seed: int
    count: int
    drain: Drain
    commands: dict[str, list[str]]
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    """Part -> variables that only it gets."""

    @property
    def plan(self) -> Plan:
        """The topology."""
        assert self.drain.plan is not None
        return self.drain.plan

    @property
    def services(self) -> Stack:
        """The broker and what else was asked for."""
        assert self.drain.services is not None
        return self.drain.services

    @property
    def broker(self) -> LocalService:
        """Kafka."""
        return self.services.services[0]

    @property
    def folder(self) -> Path:
        """Of the trial; removed after it."""
        return self.drain.folder

    @property
    def second(self) -> str:
        """Name of a second process of the part under fault."""
        return f"{self.kind.part}#2"

    def give(self, part: str, **variables: str) -> None:
        """Set variables for one part."""
        self.environment.setdefault(part, {}).update(variables)
