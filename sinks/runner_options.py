"""What a sink process may be told, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict, Field

from sinks.pace import PaceOptions


class RunnerOptions(PaceOptions):
    """How a sink process reads and retries, and how soon it writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fetch_bytes: int = Field(64 << 20, ge=1 << 20, description="bytes that are fetched from Kafka ahead")
    poll_bytes: int = Field(16 << 20, ge=1, description="bytes that are worked on at once")
    poll_secs: float = Field(0.2, gt=0, description="longest wait for them")
    retry_secs: float = Field(0.5, gt=0, description="first wait when the warehouse is away; doubled up to 30 s")
    registry_secs: float = Field(10.0, gt=0, description="how often a new version of the registry is looked for")
    give_up_secs: float = Field(300.0, gt=0, description="the process ends when the warehouse is away for longer")


@dataclass
class Counts:
    """What a sink process has done so far."""

    messages: int = 0
    copies: int = 0
    blocks: int = 0
    rows: int = 0
    retries: int = 0
    buffered_bytes: int = 0
