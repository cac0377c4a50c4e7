"""Options of the parked-frames connector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.config import GatherOptions


class ParkedConfig(BaseModel):
    """`type: parked` in topologies.yaml; one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("parked", description="topic of parked frames")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")
